"""Rows 14 and 27 of the hostile inputs, further: manifests and cards that are made to hurt."""

from __future__ import annotations

import os
import re

import pytest
from answers import answer, error_of, full_name
from shelf import Shelf, command, component, model

LARGEST_MANIFEST = 2**20
"""Bytes of the largest manifest that is read."""

ESCAPES = "\x1b[31mred\x1b[0m\x07 \u202e"
"""What a terminal would obey: a colour, a bell, letters that run backwards."""


@pytest.mark.parametrize(
    ("manifest", "hint"),
    [
        ('api = 2\nhoks = ["x"]', "`hoks`; did you mean hooks"),
        (
            "api = 2\nqqq = 1",
            "known: api, summary, requires, hooks, components, commands, formats, recipes, models",
        ),
        ("api = 2\n" + component("net", "modle", "a:B"), "did you mean model"),
        ("api = 2\n" + component("net", "model", "a:B") + 'optins = "a:C"', "did you mean options"),
        ("api = 2\n" + command("do", "a:b", hlp="x"), "did you mean help"),
        ("api = 2\n" + model("net", licence="MIT"), "did you mean license"),
    ],
)
def test_what_a_manifest_cannot_say_is_told_with_what_it_can(
    shelf: Shelf, manifest: str, hint: str
) -> None:
    shelf.add("bad-one", head=manifest)
    assert hint in error_of("bad_one")


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("api = " + "9" * 5000, "not TOML"),
        ("api = 2\n[[models]]\nsize = 0x" + "f" * 5000, "genzoo.toml"),
        ("api = 2\n" + "a." * 200_000 + "b = 1", "a key of more than 16 parts"),
        ("api = 2\n" + f"[{'a.' * 1000}b]\n" * 500, "a key of more than 16 parts"),
        ("api = 2\n" + "a." * 15 + "b = 1", "unknown field `a`"),
        ("api = 2\nx = 9999-99-99", "not TOML"),
        ("api = 2\n" + command("do", "a:b", extra="x]' && rm -rf ~ #"), "extra"),
        ("api = 2\n" + component("\\u001b[31m", "model", "a:B"), "$.components[0].name"),
    ],
)
def test_hostile_27_a_manifest_that_is_made_to_hurt(shelf: Shelf, manifest: str, why: str) -> None:
    shelf.add("bad-one", head=manifest)
    shelf.add("good-one", model("fine"))
    assert why in error_of("bad_one")
    assert full_name("fine") == "good-one/fine"


@pytest.mark.parametrize(
    ("manifest", "where"),
    [
        (model("x", summary="é" * 1001), "$.models[0].summary"),
        (model("x", family="x" * 101), "$.models[0].family"),
        (model("x", dataset="x" * 101), "$.models[0].dataset"),
        (model("x", kind="x" * 10**5), "$.models[0].kind"),
        (model("x", license="x" * 10**5), "$.models[0].license"),
        (model("x", notes="x" * 10**5), "$.models[0].notes"),
        (model("x", weights="x/" * 10**4), "$.models[0].weights"),
        (model("x", credits=["x" * 1001]), "$.models[0].credits[0]"),
        (model("x", aliases=["a"] * 101), "$.models[0].aliases"),
        (model("x", conditioners=["a"] * 101), "$.models[0].conditioners"),
        (component("x" * 101, "model", "a:B"), "$.components[0].name"),
        (component("x", "model", "a:" + "B" * 200), "$.components[0].target"),
        (command("do", "a:b", help="x" * 1001), "$.commands[0].help"),
        ("".join(command(f"do-{i}", "a:b") for i in range(101)), "$.commands"),
        ("hooks = ['" + "x" * 101 + "']", "$.hooks[0]"),
        ("summary = '" + "x" * 1001 + "'", "$.summary"),
    ],
)
def test_hostile_27_more_text_than_a_listing_can_show(
    shelf: Shelf, manifest: str, where: str
) -> None:
    shelf.add("bad-one", manifest)
    shelf.add("good-one", model("fine"))
    error = error_of("bad_one")
    assert "length <= " in error
    assert where in error
    assert full_name("fine") == "good-one/fine"


@pytest.mark.parametrize("api", ["0x" + "f" * 9000, "-1", "99999999999999999999"])
def test_an_api_version_that_is_no_version(shelf: Shelf, api: str) -> None:
    shelf.add("bad-one", head=f"api = {api}")
    assert "$.api" in error_of("bad_one")


def test_ten_thousand_models_are_listed(shelf: Shelf) -> None:
    many = "".join(f'[[models]]\nname="m{i}"\nfamily="f"\nsummary="s"\n' for i in range(10_000))
    shelf.add("large-one", many)
    assert len(answer("list", "large-one/")) == 10_000


def test_hostile_27_a_manifest_without_end(shelf: Shelf) -> None:
    with (shelf.add("large-one") / "genzoo.toml").open("r+b") as file:
        file.truncate(LARGEST_MANIFEST + 1)
    pipe = shelf.add("pipe-one") / "genzoo.toml"
    pipe.unlink()
    os.mkfifo(pipe)
    device = shelf.add("device-one") / "genzoo.toml"
    device.unlink()
    device.symlink_to("/dev/zero")
    shelf.add("good-one", model("fine"))
    assert "more than 1,048,576 bytes" in error_of("large_one")
    assert "not a file" in error_of("pipe_one")
    assert "not a file" in error_of("device_one")
    assert full_name("fine") == "good-one/fine"


def test_hostile_27_text_that_would_steer_a_terminal(shelf: Shelf) -> None:
    shelf.add(
        "rude-one",
        model(
            "rude",
            family=ESCAPES,
            summary=ESCAPES,
            dataset=ESCAPES,
            conditioners=[ESCAPES],
            license=ESCAPES,
            credits=[ESCAPES],
            notes=f"{ESCAPES}\n{ESCAPES}",
        ),
        command("shout", "rude_one:shout", help=f"{ESCAPES}\nsecond"),
        head=f'api = 2\nsummary = "{ESCAPES.encode("unicode_escape").decode()}"'.replace(
            "\\x", "\\u00"
        ),
    )
    outputs = []
    for words in (["list"], ["info", "rude"], ["plugins"], ["--help"], ["list", "--family", "x"]):
        done = shelf.genzoo(*words)
        outputs.append(done.stdout + done.stderr)
    assert "rude" in outputs[0]
    for output in outputs:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", output), ascii(output)


@pytest.mark.parametrize("size", [1, 10**15])
def test_hostile_14_a_card_that_lies_about_its_size(shelf: Shelf, size: int) -> None:
    folder = shelf.add("liar", model("lie", weights="lie.safetensors", sha256="0" * 64, size=size))
    (folder / "lie.safetensors").write_bytes(bytes(100))
    done = shelf.genzoo("run", "lie")
    assert done.returncode == 1
    assert re.fullmatch(r"Error: .*lie\.safetensors has 100 bytes, its card says .*\n", done.stderr)
