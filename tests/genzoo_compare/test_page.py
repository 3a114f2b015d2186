"""The page of a comparison: as text, and in a browser where there is one."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
import torch
from comparison_cases import HOSTILE, comparison, rows
from PIL import Image

from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.page import as_html
from genzoo_compare.pictures import above, sheet

VOID = {"meta", "link", "img", "br"}


class Outline(HTMLParser):
    """The elements of a page, in order, with what each is inside of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    return as_html(comparison())


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_elements_are_closed_in_order(outline: Outline) -> None:
    assert outline.open == []


def test_the_page_needs_nothing_but_itself(outline: Outline) -> None:
    for tag, attrs, _ in outline.elements:
        assert tag not in ("script", "iframe", "object", "form")
        for name in ("src", "href", "srcset", "data", "action"):
            target = attrs.get(name)
            assert target is None or target.startswith(("data:", "#")), (tag, target)
    (policy,) = [m for m in outline.all("meta") if "content-security-policy" in str(m).lower()]
    assert str(policy["content"]).startswith("default-src 'none'")


def test_links_lead_to_parts_that_are_there(outline: Outline) -> None:
    ids = [attrs["id"] for _, attrs, _ in outline.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for link in outline.all("a"):
        assert str(link["href"]).removeprefix("#") in ids


def test_published_work_alone_has_a_page_too() -> None:
    found = comparison()
    alone = dataclasses.replace(found, rows=tuple(row for row in found.rows if row.baseline))
    assert as_html(alone).count("Published work, measured the same way") == 1


def test_what_others_wrote_is_text_and_not_markup(page: str) -> None:
    assert HOSTILE not in page
    assert "<script" not in page
    assert html.escape("<script>", quote=False) in page


def test_hostile_text_everywhere_leaves_the_page_as_it_is(outline: Outline) -> None:
    def hostile(row: Row) -> Row:
        subject = msgspec.structs.replace(row.report.subject, name=HOSTILE)
        report = msgspec.structs.replace(
            row.report, subject=subject, command=HOSTILE, machine=HOSTILE
        )
        given: dict[str, Any] = {"settings": {HOSTILE: HOSTILE}} if row.settings else {}
        return dataclasses.replace(row, name=HOSTILE, summary=HOSTILE, report=report, **given)

    found = comparison()
    altered = dataclasses.replace(
        found,
        rows=tuple(map(hostile, found.rows)),
        command=HOSTILE,
        left_out=(HOSTILE,),
    )
    tags = [tag for tag, _, _ in Outline(as_html(altered)).elements]
    # But for the sentence about what was left out.
    assert len(tags) == len(outline.elements) + 1
    assert "script" not in tags


def test_it_can_be_read_without_seeing_it(outline: Outline) -> None:
    for image in outline.all("img"):
        assert image["alt"]
        assert str(image["src"]).startswith("data:image/png;base64,")
    for cell in outline.all("th"):
        assert cell["scope"] in ("col", "row", "rowgroup")
    figures = [i for i, (tag, _, _) in enumerate(outline.elements) if tag == "figure"]
    for index in figures:
        assert outline.elements[index + 1][0] == "figcaption"
    for drawing in outline.all("svg"):
        assert drawing.get("aria-label") or drawing.get("aria-hidden") == "true"
    assert outline.all("html") == [{"lang": "en"}]


def test_every_model_is_in_every_part_that_it_has_pictures_for(page: str) -> None:
    for alt in (
        "36 pictures that gan-mnist made without a prompt",
        "gan-mnist, asked for seven",
        "Test images above what vae-mnist makes of them",
        "A walk from one picture of flow-mnist to another",
        "Pictures of gan-mnist above the training images that are nearest",
        "36 real test images of mnist",
    ):
        assert f'alt="{alt}' in page
    assert "above what gan-mnist makes" not in page  # it cannot encode


def test_every_figure_can_be_measured_again(page: str) -> None:
    for row in rows():
        assert f"<code>{row.report.command}</code>" in page
    assert "n = 10,000 generated pictures" in page
    assert "11" * 32 in page  # the feature net's weights
    assert "no component stacks two" in page


def test_a_comparison_without_pictures_or_figures_is_still_a_page() -> None:
    bare = msgspec.structs.replace(rows()[0].report, figures=(), command="")
    outline = Outline(as_html(Comparison("mnist", (Row("lonely", "vae", bare),))))
    assert outline.open == []
    assert outline.all("img") == []


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_sheet_shows_the_very_pixels_and_the_page_between_them() -> None:
    images = torch.arange(3 * 4, dtype=torch.uint8).reshape(3, 1, 2, 2)
    made = sheet(images, 2, "three")
    shown = decoded(made.uri)
    assert (shown.mode, shown.size) == ("LA", (6, 6))  # two of two pixels, two apart
    assert (made.width, made.height) == (6, 6)
    pixels = torch.tensor(list(shown.tobytes())).reshape(6, 6, 2)
    assert pixels[:2, :2, 0].tolist() == [[0, 1], [2, 3]]
    assert pixels[4:, :2, 0].tolist() == [[8, 9], [10, 11]]
    assert pixels[..., 1].eq(255).sum() == 12  # three pictures; gaps and the fourth are clear
    assert decoded(sheet(images.expand(3, 3, 2, 2), 3, "").uri).mode == "RGBA"


def test_pairs_stand_one_above_the_other() -> None:
    first, second = torch.full((3, 1, 2, 2), 10), torch.full((2, 1, 2, 2), 20)
    made = above(first.byte(), second.byte(), "pairs")
    assert (made.width, made.height) == (6, 6)
    assert decoded(made.uri).getpixel((0, 0)) == (10, 255)
    assert decoded(made.uri).getpixel((0, 4)) == (20, 255)


# In a browser.

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)

MEASURE = """<script>
addEventListener("load", () => parent.postMessage({
  width: innerWidth,
  scrolled: document.documentElement.scrollWidth,
  hidden: [...document.querySelectorAll(".rows, [aria-labelledby=families] > table")]
    .map(table => table.scrollWidth - table.parentElement.clientWidth),
  images: [...document.images].map(image => image.naturalWidth),
  models: document.querySelectorAll("table.rows tr.model").length,
  fetched: performance.getEntriesByType("resource").map(entry => entry.name)
    .filter(name => !name.startsWith("data:")),
  bars: [...document.querySelectorAll(".charts g > title + path")]
    .map(bar => bar.getBoundingClientRect().width),
}, "*"));
</script></body>"""

FRAMES = """<!doctype html><body><pre></pre><script>
const found = [];
onmessage = event => {
  found.push(event.data);
  document.querySelector("pre").textContent = JSON.stringify(found);
};
</script>
<iframe src="page.html" width="390" height="800"></iframe>
<iframe src="page.html" width="1280" height="800"></iframe></body>"""


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a browser makes of the page in a frame of 390 and in one of 1280 pixels."""
    if BROWSER is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path, and CHROME is not set")
    folder = tmp_path_factory.mktemp("page")
    # Without the policy, so that what would be fetched is, and is seen.
    open_page = re.sub(r"<meta http-equiv=.*?>", "", page)
    (folder / "page.html").write_text(open_page.replace("</body>", MEASURE), encoding="utf-8")
    (folder / "frames.html").write_text(FRAMES, encoding="utf-8")
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=10000", "--dump-dom", (folder / "frames.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=500,  # a busy machine takes minutes to start a browser
        check=True,
    )
    told = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert told is not None, done.stdout[-500:] + done.stderr[-500:]
    found: list[dict[str, Any]] = json.loads(html.unescape(told[1]))
    return sorted(found, key=lambda frame: frame["width"])


def test_a_browser_fetches_nothing_and_decodes_every_picture(
    seen: list[dict[str, Any]], outline: Outline
) -> None:
    for frame in seen:
        assert frame["fetched"] == []
        assert len(frame["images"]) == len(outline.all("img")) > 50
        assert min(frame["images"]) > 0


def test_a_browser_shows_a_row_for_each_model(seen: list[dict[str, Any]]) -> None:
    for frame in seen:
        assert frame["models"] == len(rows())


def test_nothing_is_wider_than_a_phone_or_a_screen(seen: list[dict[str, Any]]) -> None:
    assert [frame["width"] for frame in seen] == [390, 1280]
    for frame in seen:
        assert frame["scrolled"] <= frame["width"]
    assert len(seen[1]["hidden"]) == 2
    assert max(seen[1]["hidden"]) <= 0  # no column has to be scrolled to


def test_a_browser_draws_the_bars_in_their_order(seen: list[dict[str, Any]]) -> None:
    for frame in seen:
        bars = frame["bars"][: len(rows())]
        names = [row.name for row in comparison().rows]
        lengths = dict(zip(names, bars, strict=True))
        assert 0 < lengths["gan-mnist"] < lengths["vae-mnist"] < lengths["ae-mlp-mnist"]


def test_what_was_asked_in_words_is_shown_below_real_images_of_it() -> None:
    real = torch.zeros(10, 1, 28, 28, dtype=torch.uint8)
    page = as_html(dataclasses.replace(comparison(), captioned=real))
    assert "Asked in words" in page
    assert "A real image of each of 10 captions" in page
    assert "Asked for a class" not in page
    assert "Asked for a class" in as_html(comparison())
