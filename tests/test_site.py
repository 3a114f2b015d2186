"""The site of the documentation: it is built without a warning, and needs no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import genzoo

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` builds: strict, so that each link and anchor of a page is there."""
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Links(HTMLParser):
    """What a page loads, where it leads, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.anchors |= {named[name] for name in ("id", "name") if name in named}
        if tag == "a":
            self.leads += [named["href"]] if "href" in named else []
        elif tag == "link":
            self.loads += [named["href"]] if named.get("rel") != "canonical" else []
        else:
            self.loads += [named["src"]] if "src" in named else []


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    found = {page: Links(page) for page in site.rglob("*.html")}
    assert len(found) > 80
    return found


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Links]) -> None:
    for page, links in pages.items():
        assert links.loads, page
        assert not [url for url in links.loads if re.match(r"(\w+:)?//", url)], page
        assert 'class="mermaid"' not in page.read_text(encoding="utf-8")  # it would fetch a script
    for sheet in site.rglob("*.css"):
        imported = re.findall(r"url\(([^)]*)\)|@import([^;]*);", sheet.read_text(encoding="utf-8"))
        assert not [url for url in imported if re.match(r"""["']?(\w+:)?//""", "".join(url))]


def test_links_and_what_is_loaded_are_there(site: Path, pages: dict[Path, Links]) -> None:
    missing = [
        f"{page.relative_to(site)}: {url}"
        for page, links in pages.items()
        for url in broken(page, links, pages)
        if page.name != "404.html"
    ]
    assert missing == []


def broken(page: Path, links: Links, pages: dict[Path, Links]) -> Iterator[str]:
    """Addresses within the site that lead nowhere."""
    for url in {*links.loads, *links.leads}:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        anchors = pages[target].anchors | {""} if target in pages else {parts.fragment}
        if not target.exists() or unquote(parts.fragment) not in anchors:
            yield url


def test_each_model_has_a_page_with_its_pictures_figures_and_licence(site: Path) -> None:
    for name in genzoo.list_models("genzoo/*"):
        card, page = genzoo.card(name), site / "models" / f"{name}.html"
        text = page.read_text(encoding="utf-8")
        assert card.license in text
        assert (site / "models" / f"{name}.png").exists() == (card.kind == "model")
        for metric in card.metrics:
            assert f"{metric.value:g}" in text, (name, metric.name)


def test_commands_and_interfaces_have_their_reference(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for words in ("run", "train", "cache verify", "plugins restore"):
        assert f'id="genzoo-{words.replace(" ", "-")}"' in commands
    core = site / "reference" / "genzoo_core"
    text = "".join(page.read_text(encoding="utf-8") for page in core.glob("*.html"))
    for name in ("model.GenerativeModel", "noiser.Noiser", "testing.check_model"):
        assert f'id="genzoo_core.{name}"' in text, name
    assert 'id="genzoo.generate"' in (site / "reference/genzoo.html").read_text(encoding="utf-8")
