"""The page in a real browser, and its routes, on a real server that wants a key."""

from __future__ import annotations

import base64
import io
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from serving import Server, apart, pixels

import genzoo
from genzoo.cli import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
KEY = "only-for-the-test"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
MODELS = ["flow-mnist", "gan-emoji", "vae-mnist", "codec-mnist"]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--force-prefers-reduced-motion"]  # what is scrolled to is there at once
ENTER, LEFT = "\ue007", "\ue012"
PATIENCE = 60.0
"""Seconds after which a page that does not get on has failed."""


def hostile_model(folder: Path) -> Path:
    """A model file whose card is full of markup."""
    zoo = genzoo.open_zoo()
    opened = zoo.open("gan-mlp-mnist")
    fields = dict.fromkeys(("summary", "notes", "dataset", "license"), HOSTILE)
    card = msgspec.structs.replace(
        zoo.card("gan-mlp-mnist"), name="hostile", credits=(HOSTILE,), metrics=(), **fields
    )
    path = folder / "hostile.safetensors"
    zoo.save(path, opened.spec, opened.own_tensors(), card)
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "key").write_text(KEY, encoding="utf-8")
    models = [*MODELS, str(hostile_model(folder))]
    with Server(*models, "--api-key-file", str(folder / "key")) as server:
        yield server.url


class Page:
    """The page, as somebody uses it."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.address = browser, address

    def open(self) -> None:
        """Load it afresh; it asks for the key at its first visit."""
        self.browser.get(self.address)

    def give_key(self) -> None:
        """Answer the page that asks for the key."""
        self.wait("document.getElementById('key-dialog').open")
        self.find("#key").send_keys(KEY, ENTER)
        self.wait_for_model("flow-mnist")

    def script(self, code: str, *arguments: object) -> Any:
        return self.browser.execute_script(code, *arguments)

    def wait(self, expression: str) -> None:
        """Until the page makes an expression true."""
        until = time.monotonic() + PATIENCE
        while not self.script(f"return Boolean({expression})"):
            if time.monotonic() > until:
                pytest.fail(f"{expression}; the page says {self.text('body')!r}")
            time.sleep(0.05)

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return str(self.script("return document.querySelector(arguments[0]).innerText", selector))

    def click(self, selector: str) -> None:
        self.script("document.querySelector(arguments[0]).scrollIntoView()", selector)
        self.find(selector).click()

    def press(self, text: str, within: str = "body") -> None:
        """Click the button that says a text."""
        for button in self.browser.find_elements("css selector", f"{within} button"):
            if button.text == text and button.is_displayed():
                self.script("arguments[0].scrollIntoView({block: 'center'})", button)
                button.click()
                return
        pytest.fail(f"no button {text!r} in {within}")

    def fill(self, selector: str, text: object) -> None:
        field = self.find(selector)
        field.clear()
        field.send_keys(str(text))

    def choose(self, model: str) -> None:
        """Another model, by searching and Enter."""
        self.click("#model")
        self.find("#search").clear()
        self.find("#search").send_keys(model, ENTER)
        self.wait_for_model(model)

    def wait_for_model(self, model: str) -> None:
        name = "document.getElementById('model-name').textContent"  # of a file its path
        chosen = f"{name}.split('/').at(-1) == {model!r}"
        self.wait(f"{chosen} && document.getElementById('status').textContent == ''")

    def finish(self) -> None:
        """Wait until what was begun is done, and all of it is seen."""
        self.wait(
            "document.getElementById('stop').hidden && document.querySelector('.result .lines')"
            " && !document.querySelector('.tile:disabled')"
        )
        assert self.text("#status").startswith("Done"), self.text("#status")

    def pictures(self) -> list[bytes]:
        """The files of the latest pictures."""
        found = self.browser.execute_async_script(
            """const done = arguments[0];
            const tiles = document.querySelector('.result').querySelectorAll('.tile');
            Promise.all([...tiles].map(async (node) => {
              const bytes = new Uint8Array(await node.tile.blob.arrayBuffer());
              return btoa(String.fromCharCode(...bytes));
            })).then(done);"""
        )
        return [base64.b64decode(each) for each in found]

    def drop(self, content: bytes, name: str) -> None:
        """Drop a file on the page."""
        self.script(
            """const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], arguments[1], {type: 'image/png'}));
            document.body.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true}));""",
            base64.b64encode(content).decode(),
            name,
        )

    def errors(self) -> list[str]:
        """What the console says is wrong since the last call; uncaught errors are among it."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no chromium and chromedriver on this machine")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, "--window-size=1200,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    browser.set_page_load_timeout(PATIENCE)
    browser.set_script_timeout(PATIENCE)
    yield browser
    browser.quit()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    """The page with its first model chosen; an error in it fails the test."""
    page = Page(browser, address)
    page.open()
    if not page.script("return sessionStorage.getItem('genzoo-key')"):
        page.give_key()
        assert all("401" in message for message in page.errors())
    page.wait_for_model("flow-mnist")
    yield page
    assert page.errors() == []


def same(one: bytes, other: bytes) -> bool:
    return apart(pixels(one), pixels(other)) <= 1


def test_a_class_is_generated_in_steps_and_side_by_side(page: Page) -> None:
    page.press("seven", "#chips")
    page.fill("#seed", 7)
    page.fill("#n", 2)
    page.find("#other").send_keys("vae-mnist")
    page.click("#generate")
    page.finish()
    titles = page.script("return [...document.querySelectorAll('h2')].map((h) => h.innerText)")
    assert titles == ["flow-mnist · seed 7 · seven", "vae-mnist · seed 7 · seven"]
    made = genzoo.generate("flow-mnist", "seven", n=2, seed=7)
    wanted = genzoo.open_zoo().png(made)
    got = page.pictures()
    assert all(map(same, got, wanted))
    assert len(got) == 2
    page.click(".tile")
    assert page.find("#film").get_attribute("max") == "3"  # three on the way, and the picture
    page.find("#film").send_keys(LEFT)  # a key goes back on the way to noise
    assert page.script("return document.getElementById('film').value") == "2"
    record = genzoo.open_zoo().read_record(got[1])
    assert (record.seed, record.pictures) == (7, (1, 2))


def test_the_lines_make_the_same_picture(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    page.press("seven", "#chips")
    page.choose("gan-emoji")
    assert page.find("#prompt").get_attribute("value") == ""  # a class is no prompt here
    prompt = """a "red" cat's $HOME `x` \\n 猫"""
    page.fill("#prompt", prompt)
    page.press("noto", "#conditions")
    page.fill("#n", 1)
    page.click("#generate")
    page.finish()
    [picture] = page.pictures()
    page.click(".lines summary")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(page.text(".lines pre"))[1:]) == 0
    assert same(picture, Path("pictures.png").read_bytes())
    page.press("Python", ".lines")
    first, line = page.text(".lines pre").splitlines()
    assert first == "import genzoo"
    made = eval(line, {"genzoo": genzoo})
    assert same(picture, genzoo.open_zoo().png(made)[0])
    page.press("curl", ".lines")
    words = shlex.split(page.text(".lines pre"))
    assert words[:2] == ["curl", f"{address}/v1/images/generations"]
    assert "Authorization: Bearer $KEY" in words
    assert msgspec.json.decode(words[-1])["prompt"] == prompt


def test_a_part_is_made_anew(page: Page) -> None:
    page.press("three", "#chips")
    page.fill("#n", 1)
    page.click("#generate")
    page.finish()
    [before] = page.pictures()
    page.click(".tile")
    page.press("Edit or inpaint", "#viewer")
    page.wait("!document.getElementById('input').hidden")
    assert not page.find("#inpaint").is_enabled()
    canvas = page.find("#canvas")
    canvas.send_keys(LEFT, " ")  # by keyboard
    page.wait("!document.getElementById('inpaint').disabled")
    page.press("Clear", "#halves")
    page.press("Top", "#halves")
    page.click("#inpaint")
    page.wait("document.querySelector('h2').innerText.startsWith('Inpainted')")
    page.finish()
    [after] = page.pictures()
    assert (pixels(before)[14:] == pixels(after)[14:]).all()
    assert (pixels(before)[:14] != pixels(after)[:14]).any()
    page.click("#vary")
    page.wait("document.querySelector('h2').innerText.startsWith('Variations')")
    page.finish()
    assert not page.find("#reconstruct").is_enabled()


def test_the_settings_of_a_picture_are_loaded(page: Page) -> None:
    zoo = genzoo.open_zoo()
    made = genzoo.generate("flow-mnist", "four", n=2, seed=40, options={"steps": 4})
    picture = zoo.png(made)[1]
    page.drop(picture, "mine.png")
    page.wait("!document.getElementById('toast').hidden")
    assert "mine.png" in page.text("#toast")
    page.press("Close", "#toast")
    page.wait("document.getElementById('option-steps').value == '4'")
    assert page.find("#seed").get_attribute("value") == "41"
    page.click("#generate")
    page.finish()
    assert same(page.pictures()[0], picture)


def test_a_picture_without_settings_is_reconstructed(page: Page, tmp_path: Path) -> None:
    page.choose("codec-mnist")
    assert not page.find("#generate").is_enabled()
    drawing = Image.new("L", (56, 56))
    drawing.paste(255, (20, 8, 36, 48))
    drawing.save(tmp_path / "drawn.png")
    page.find("#file").send_keys(str(tmp_path / "drawn.png"))
    page.wait("!document.getElementById('input').hidden")
    page.click("#reconstruct")
    page.finish()
    [picture] = page.pictures()
    content = (tmp_path / "drawn.png").read_bytes()
    made = genzoo.generate("codec-mnist", inputs=content)
    assert same(picture, genzoo.open_zoo().png(made)[0])


def test_from_a_picture_to_its_neighbours_and_to_another(page: Page) -> None:
    page.choose("gan-emoji")
    page.fill("#prompt", "cat")
    page.fill("#seed", 1)
    page.fill("#n", 2)
    page.click("#generate")
    page.finish()
    one, two = page.pictures()
    page.click(".tile")
    page.press("Walk to…", "#viewer")
    page.click(".tile:nth-child(2)")
    page.wait("document.querySelector('h2').innerText.startsWith('Walk from 1 to 2')")
    page.finish()
    walk = page.pictures()
    assert len(walk) == 8
    assert same(walk[0], one)
    assert same(walk[-1], two)
    page.click(".result:nth-child(2) .tile")
    page.press("Neighbours", "#viewer")
    page.wait("document.querySelector('h2').innerText.startsWith('Neighbours')")
    page.finish()
    around = page.pictures()
    assert len(around) == 6
    assert not any(same(each, one) for each in around)


def test_what_a_card_and_a_prompt_say_is_no_markup(page: Page) -> None:
    title = page.browser.title
    page.click("#model")
    page.press("✕", "#models")
    page.choose("hostile.safetensors")
    page.click("#about summary")
    assert HOSTILE in page.text("#card")
    assert page.text("#model-summary") == HOSTILE
    page.choose("gan-emoji")
    page.fill("#prompt", HOSTILE)
    page.fill("#n", 1)
    page.click("#generate")
    page.finish()
    assert HOSTILE in page.text("h2")
    page.click(".lines summary")
    page.click(".tile")
    assert HOSTILE in page.text("#viewer-title")
    assert page.script("return document.querySelectorAll('[onerror], body script').length") == 0
    assert page.browser.title == title


def test_a_wrong_key_is_asked_for_again(page: Page) -> None:
    page.script("sessionStorage.setItem('genzoo-key', 'wrong')")
    page.open()
    page.give_key()
    assert all("401" in message for message in page.errors())


def test_a_phone_shows_all_of_the_page(page: Page) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.script("return document.documentElement.scrollWidth") == 390
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_page_takes_nothing_from_elsewhere(page: Page, path: str) -> None:
    with urlopen(page.address + path, timeout=PATIENCE) as answer:
        assert b"//" not in answer.read()
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    page.browser.get(page.address + path)
    page.wait("document.querySelector(location.pathname == '/docs' ? 'table' : '#chips button')")
    sources = page.script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert sources
    assert all(source.startswith((page.address, "data:")) for source in sources)


def test_the_routes_are_described(page: Page) -> None:
    page.browser.get(f"{page.address}/docs")
    page.wait("document.querySelector('table')")
    text = page.text("#operations")
    for line in ("POST /v1/images/generations", "GET /v1/models", "multipart/form-data"):
        assert line in text
    assert "integer from 1 to 1000" in text
    assert "png, jpeg, webp" in text


def send(url: str, body: bytes | None = None, kind: str = "", key: str = KEY) -> tuple[int, Any]:
    """Status and content of an answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    try:
        with urlopen(Request(url, body, headers), timeout=PATIENCE) as answer:
            return answer.status, msgspec.json.decode(answer.read())
    except HTTPError as error:
        return error.code, msgspec.json.decode(error.read())


def walk(address: str, **fields: object) -> tuple[int, Any]:
    return send(f"{address}/v1/genzoo/walks", msgspec.json.encode(fields), "application/json")


def test_a_model_is_described(address: str) -> None:
    status, about = send(f"{address}/v1/genzoo/models/flow-mnist")
    assert status == 200
    options = {option["name"]: option for option in about["options"]}
    assert (options["steps"]["default"], options["sampler"]["default"]) == (10, "heun")
    assert "ddim" not in options["sampler"]["choices"]  # of no use to a flow
    [label] = about["conditioners"]
    assert label["values"][:2] == ["zero", "one"]
    assert about["figures"][0]["name"] == "Fréchet distance"
    assert about["can"]["inpaint"]
    assert not about["can"]["reconstruct"]
    _, codec = send(f"{address}/v1/genzoo/models/codec-mnist")
    assert (codec["can"]["generate"], codec["can"]["reconstruct"]) == (False, True)
    assert send(f"{address}/v1/genzoo/models/none")[0] == 404
    assert send(f"{address}/v1/genzoo/models/flow-mnist", key="wrong")[0] == 401


def test_a_walk_is_that_of_the_command_line(address: str) -> None:
    status, answer = walk(address, model="gan-emoji", prompt="cat", seed=1, to=5, n=3)
    assert status == 200
    made = genzoo.generate("gan-emoji", "cat", interpolate=(1, 5), n=3)
    wanted = genzoo.open_zoo().png(made)
    assert len(answer["data"]) == 3
    for datum, png in zip(answer["data"], wanted, strict=True):
        assert same(base64.b64decode(datum["b64_json"]), png)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"seed": 1}, "to"),
        ({"to": 1}, "seed"),
        ({"seed": 1, "to": 2, "n": 65}, "n"),
        ({"seed": 1, "to": 2, "stream": True}, "stream"),
        ({"seed": 1, "to": 2, "path": "/etc/passwd"}, "unknown field 'path'"),
        ({"seed": 1, "to": 2, "model": "codec-mnist"}, "nothing to sample from"),
    ],
)
def test_a_walk_that_cannot_be_is_refused(
    address: str, fields: dict[str, object], part: str
) -> None:
    status, answer = walk(address, **{"model": "gan-emoji", **fields})
    assert status == 400
    assert part in answer["error"]["message"]


def test_the_record_of_a_picture_is_read(address: str) -> None:
    zoo = genzoo.open_zoo()
    made = genzoo.generate(
        "flow-mnist", ["two", "six"], n=2, seed=5, options={"sampler": "euler", "steps": 2}
    )
    status, settings = send(f"{address}/v1/genzoo/records", zoo.png(made)[3])
    assert status == 200
    assert (settings["model"], settings["prompt"], settings["seed"]) == ("flow-mnist", "six", 8)
    assert (settings["options"]["sampler"], settings["options"]["steps"]) == ("euler", 2)
    assert settings["task"] == "generation"


def changed(png: bytes, **fields: object) -> bytes:
    """A picture whose record says something else."""
    image = Image.open(io.BytesIO(png))
    text = msgspec.json.decode(str(image.info["genzoo"]).encode())
    text["record"] |= fields
    info = PngInfo()
    info.add_itxt("genzoo", msgspec.json.encode(text).decode())
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def test_a_record_that_lies_is_read_or_refused(address: str) -> None:
    picture = genzoo.open_zoo().png(genzoo.generate("gan-emoji", "cat", seed=5))[0]
    lies: list[tuple[dict[str, object], int]] = [
        ({"n": 0, "pictures": [-7, -6]}, 200),
        ({"options": {"sampler": {"component": 3, "config": [1]}}}, 200),
        ({"model": "/etc/passwd", "prompts": []}, 200),
        ({"prompts": 3}, 400),
        ({"strength": "much"}, 400),
    ]
    for fields, status in lies:
        got = send(f"{address}/v1/genzoo/records", changed(picture, **fields))
        assert got[0] == status, (fields, got)
        assert got[1].get("model") in (None, "gan-emoji")
    for content in (b"", b"text", picture[:60]):
        assert send(f"{address}/v1/genzoo/records", content)[0] == 400
