"""Hostile and faulty input of `genzoo run`: rows 28–31."""

from __future__ import annotations

import json
import math
import os
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from painting import GENZOO, Cli, assert_refused
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import genzoo
from genzoo import generate
from genzoo_core.errors import ConfigError, UsageError
from genzoo_core.specs import ComponentSpec, ModelSpec


@pytest.mark.parametrize("label", ["-1", "10", "cat", "1.5", "٣", "3 "])
def test_hostile_28_a_label_that_is_none(painter: Path, cli: Cli, label: str) -> None:
    assert_refused(cli("run", "colour", label), "0–9")
    assert os.listdir() == []


@pytest.mark.parametrize("word", ["--1", "-x", "--promt", "--setting=3"])
def test_hostile_28_an_unknown_option_is_no_prompt(painter: Path, cli: Cli, word: str) -> None:
    assert cli("run", "colour", word).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("flow-mnist", "--sampler", "ddpm"),
        ("flow-mnist", "--sampler", "../../x\x1b[31m"),
        ("flow-mnist", "--sampler", "heun", "--set", "eta=0.5"),
        ("flow-mnist", "--steps", "0"),
        ("flow-mnist", "--steps", "nan"),
        ("flow-mnist", "--guidance", "nan"),
        ("flow-mnist", "--guidance", "1e999"),
        ("vae-mlp-mnist", "--set", "temperature=inf"),
        ("vae-mlp-mnist", "--set", "=1"),
        ("vae-mlp-mnist", "--set", "temperature"),
        ("vae-mlp-mnist", "--device", "cuda\x1b[31m"),
        ("vae-mlp-mnist", "--device", "xla"),
        ("vae-mlp-mnist", "--device", "meta"),
    ],
)
def test_hostile_28_a_setting_that_does_not_fit_is_refused_before_the_seed_is_told(
    painter: Path, cli: Cli, words: tuple[str, ...]
) -> None:
    assert_refused(cli("run", *words))  # in one line: no seed before it
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("a" * 2**20, "1,048,576 characters; at most 10,000"),
        ("a\0b", "NUL"),
        ("lone \udcff surrogate", "not valid Unicode"),
    ],
)
def test_hostile_29_texts_that_are_refused(painter: Path, cli: Cli, text: str, says: str) -> None:
    assert_refused(cli("run", "colour", "3", "--set", f"text={text}"), says)
    with pytest.raises(UsageError):
        generate("colour", text)  # as the prompt, a label
    assert os.listdir() == []


def test_hostile_29_emoji_are_a_prompt_and_come_back(painter: Path, cli: Cli) -> None:
    text = "👩‍👩‍👧 ein Herz ♥ \t\\ \" ' {} قلب"
    for name in ("a.png", "a.gif", "a.npz", "a.safetensors"):
        assert cli("run", "colour", "--set", f"text={text}", "-o", name).code == 0
        done = cli("run", "--replay", name, "-o", "b.png", "-f", "--json")
        assert done.code == 0
        assert json.loads(done.out)["record"]["conditions"] == {"text": text}


def test_hostile_29_bytes_that_are_no_text(painter: Path) -> None:
    done = subprocess.run(
        [*GENZOO, "run", "colour", b"\xff\xfe", "-o", "a.png"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 2
    assert b"not valid Unicode" in done.stderr


@pytest.mark.parametrize("n", ["0", "-1", "1000000000", "9" * 30])
def test_hostile_30_a_number_of_pictures(painter: Path, cli: Cli, n: str) -> None:
    assert_refused(cli("run", "plain", "-n", n), "from 1 to 1,000,000")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--seed", value) for value in ("-1", str(2**63), str(2**64), "1.5", "1e3", "x", "")),
        *(("--threads", value) for value in ("0", "-1", "1025", "1" * 30, "x")),
        *(("--batch", value) for value in ("0", "-1", "1.5", "x")),
        *(("--interpolate", value) for value in ("1", "1,2,3", "a,b", "1,-1", f"0,{2**64}")),
    ],
)
def test_hostile_30_other_numbers(painter: Path, cli: Cli, option: str, value: str) -> None:
    assert_refused(cli("run", "plain", f"{option}={value}"))
    assert os.listdir() == []


@pytest.mark.parametrize(
    "words",
    [
        *(["run", "plain", f"{option}={'9' * 5000}"] for option in ("--seed", "--threads")),
        *(["run", "plain", f"{option}={'x' * 10**5}"] for option in ("--seed", "--device")),
        *(["run", "plain", "-n", digits] for digits in ("9" * 5000, "-" + "9" * 5000)),
        *(["run", "plain", "--set", setting] for setting in ("x" * 10**5, "x=" + "y" * 10**5)),
        *(["run", "plain", "--set", f"steps={value}"] for value in ("9" * 5000, "[" * 10**5)),
        ["run", "plain", "--set", "x" * 10**5 + "=1"],
        ["run", "plain", "--interpolate", "1," + "9" * 5000],
        ["run", "x" * 10**5],
        ["info", "x" * 10**5],
    ],
)
def test_hostile_30_what_is_long_is_refused_in_a_short_line(
    painter: Path, cli: Cli, words: list[str]
) -> None:
    done = cli(*words)
    assert_refused(done)
    assert len(done.err) < 1100


def test_hostile_30_a_batch_without_end_is_one_batch(painter: Path, cli: Cli) -> None:
    assert cli("run", "plain", "-n", "2", "--batch", "9" * 30, "-o", "a.png").code == 0


@pytest.mark.parametrize("what", [None, 3, b"plain", ["plain"], "a\0b", "\ud800", "", "a/" * 5000])
def test_hostile_30_what_names_no_model(painter: Path, what: Any) -> None:
    for ask in (genzoo.card, genzoo.load, generate):
        with pytest.raises(UsageError):
            ask(what)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"n": value} for value in ("1", 1.5, True)),
        *({"options": value} for value in ([1], "x", {3: 1}, {"temperature": [1]})),
        *({"conditions": value} for value in ([1], "x", {"text": 3})),
        *({"inputs": value} for value in (3, [3], {"a": 1}, b"a.png")),
        *({"device": value} for value in (None, 3)),
        *({"batch": value} for value in (None, "x", 1.5)),
        *({"threads": value} for value in ("x", 1.5)),
        *({"interpolate": value} for value in (3, "x", (1,), (1, 2.5), [1, 2])),
        *({"prompts": value} for value in (None, 3, [3])),
    ],
)
def test_hostile_30_wrong_types_from_python(painter: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        generate("plain", **wrong)


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


ENDLESS: dict[str, Any] = {
    "a list 100,000 deep": nested(100_000),
    "10**400": 10**400,
    "more digits than Python prints": -(10**5000),
    "a megabyte": "x" * 2**20,
    "bytes": b"x" * 2**20,
    "a hundred thousand numbers": [1] * 10**5,
    "no plain data": object(),
    "a lone surrogate": "\ud800",
    "NaN": math.nan,
    "infinity": math.inf,
    "text of infinity": "1e999",
}


@pytest.mark.parametrize("value", ENDLESS.values(), ids=ENDLESS)
def test_hostile_30_values_without_end_from_python(painter: Path, value: Any) -> None:
    ddim = {"sampler": ComponentSpec("ddim", {"eta": value})}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("plain", "steps", {"options": {"steps": value}}),
        ("plain", "prior", {"options": {"prior": value}}),
        ("flow-mnist", "guidance", {"options": {"guidance": value}}),
        ("flow-mnist", "eta", {"options": {"sampler": "ddim", "sampler.eta": value}}),
        ("flow-mnist", "sampler", {"options": {"sampler": value}}),
        ("flow-mnist", "", {"options": ddim}),
        ("flow-mnist", "", {"options": {"sampler": ComponentSpec(value)}}),
        *(("plain", name, {name: value}) for name in ("options", "conditions", "encode")),
        *(("plain", name, {name: value}) for name in ("n", "seed", "threads", "interpolate")),
        ("plain", "", {"prompts": value}),
        ("plain", "device", {"device": value}),
    ]
    for model, name, fields in asked:
        with pytest.raises(UsageError) as caught:
            generate(model, **fields)
        assert name in str(caught.value), fields
        assert len(str(caught.value)) < 400, fields


@pytest.mark.parametrize("value", ENDLESS.values(), ids=ENDLESS)
def test_hostile_30_configs_without_end_from_python(painter: Path, value: Any) -> None:
    zoo = genzoo.open_zoo()
    for kind, name, field in (
        ("noiser", "edm", "rho"),
        ("sampler", "ddim", "eta"),
        ("conditioner", "class-labels", "dim"),
    ):
        with pytest.raises(ConfigError, match=name) as caught:
            zoo.component(kind, name, {field: value})
        assert len(str(caught.value)) < 500
    for spec in (
        ModelSpec("vae", {"latent": value}),
        ModelSpec("vae", {"prior": {"type": "flow", "width": value}}),
        ModelSpec("diffusion", {"noiser": {"component": "edm", "config": {"rho": value}}}),
        ModelSpec("diffusion", {"noiser": {"component": value}}),
        ModelSpec("vae", value),
        ModelSpec(value),
        ModelSpec("vae", kind=value),
    ):
        with pytest.raises(ConfigError) as caught:
            zoo.build(spec)
        assert len(str(caught.value)) < 500


def test_hostile_30_more_than_fits(painter: Path, cli: Cli) -> None:
    assert_refused(cli("run", "colour", "1", "2", "-n", "600000"), "for each of 2 prompts")
    assert_refused(cli("run", "plain", "-n", "700000", "-o", "a.png"), "write to a folder")
    assert_refused(cli("run", "plain", "-n", "ten"), "ten")


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A PNG that claims a size, whatever it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def good(painter: Path, cli: Cli) -> bytes:
    """A picture that genzoo wrote."""
    assert cli("run", "plain", "-o", "good.png").code == 0
    return Path("good.png").read_bytes()


def hostile_files(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that are no pictures, or pictures that hurt."""
    yield "is not a picture", b"hello"
    yield "is not a picture", good[: len(good) // 2]  # before its pixels
    yield "", good[:40]
    yield "claims more pixels than", png_of(65_000, 65_000, bytes(1000))
    yield "claims 9,000 × 9,000 pixels", png_of(9_000, 9_000, bytes(1000))
    yield "", b""


def test_hostile_31_inputs(good: bytes, cli: Cli) -> None:
    for says, content in [*hostile_files(good), ("damaged", good[:-40])]:
        Path("bad.png").write_bytes(content)
        assert_refused(cli("run", "plain", "--input", "bad.png", "-o", "a.png"), "bad.png", says)
        assert_refused(cli("encode", "plain", "bad.png", "-o", "z.npz"), "bad.png", says)
    assert_refused(cli("run", "plain", "--input", "missing.png"), "missing.png", "No such file")
    assert_refused(cli("run", "plain", "--input", "."), "not a file")
    assert_refused(cli("run", "plain", "--input", "/dev/zero"), "not a file")
    os.mkfifo("pipe.png")
    assert_refused(cli("run", "plain", "--input", "pipe.png"), "not a file")


def test_hostile_31_a_file_that_would_start_a_program_is_not_decoded(
    painter: Path, cli: Cli
) -> None:
    Path("a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    assert_refused(cli("run", "plain", "--input", "a.png"), "is not a picture")


def test_hostile_31_replays(good: bytes, cli: Cli) -> None:
    for _, content in hostile_files(good):
        Path("bad.png").write_bytes(content)
        assert_refused(cli("run", "--replay", "bad.png", "-o", "a.png"), "bad.png")
    Path("bad.png").write_bytes(good[:-40])  # its record is whole
    done = cli("run", "--replay", "bad.png", "-o", "a.png")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("Error: bad.png is a damaged picture")
    assert_refused(cli("run", "--replay", "missing.png"), "missing.png")
    assert_refused(cli("run", "--replay", "."), "give one of its pictures")
    Image.new("L", (8, 8)).save("plain.png")
    assert_refused(cli("run", "--replay", "plain.png"), "holds no record")
    Image.new("L", (8, 8)).save("plain.gif", comment="hello")
    assert_refused(cli("run", "--replay", "plain.gif"), "plain.gif")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('"n":1', '"n":1000000000', 1),
        ('"n":1', '"n":-1', 1),
        ('"n":1', '"n":"1"', 2),
        ('"seed":0', '"seed":-1', 1),
        ('"seed":0', '"seed":99999999999999999999999', 1),
        ('"n":1', '"encode":true,"n":1', 1),
        ('"n":1', '"interpolate":"inputs","n":1', 1),
        ('"n":1', '"inputs":[{"path":"x"}],"n":1', 1),
        ('"model":"painter/plain"', '"model":"os.system"', 1),
        ('"model":"painter/plain"', '"model":"../../etc/passwd"', 1),
        ('"model":"painter/plain"', '"model":"https://example.org/x"', 1),
        ('"temperature":1.0', '"temperature":1e999', 2),
        ('"temperature":1.0', '"temperature":1e308', 1),
        ('"temperature":1.0', '"heat":1.0', 1),
        ('"steps":4', '"steps":' + "[" * 5000 + "]" * 5000, 2),
        ('"batch":1', '"batch":0', 1),
        ('"batch":1', '"threads":100000,"batch":1', 0),
        ('"batch":1', '"threads":-1,"batch":1', 1),
        ('"batch":1', '"pictures":[5,3],"batch":1', 1),
        ('"batch":1', '"pictures":[0,9],"batch":1', 1),
        ('"batch":1', '"prompts":["3"],"batch":1', 1),
        ('"batch":1', '"conditions":{"a":"b"},"batch":1', 1),
        ('"batch":1', '"device":"\\u001b[31m","batch":1', 0),
        ('"format"', '"Format"', 2),
    ],
)
def test_hostile_31_a_record_that_lies(
    painter: Path, cli: Cli, before: str, after: str, code: int
) -> None:
    cli("run", "plain", "--seed", "0", "-o", "a.png")
    with Image.open("a.png") as image:
        text = image.info["genzoo"].replace('{"record"', '{"format":1,"record"')
        assert before in text
        info = PngInfo()
        info.add_itxt("genzoo", text.replace(before, after))
        image.save("a.png", pnginfo=info)
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == code, done
    if code:
        assert done.err.splitlines()[-1].startswith("Error: ")
        assert "Traceback" not in done.err
        assert "unexpected failure" not in done.err
        assert not Path("b.png").exists()


def test_hostile_31_a_text_chunk_that_unpacks_to_gigabytes(painter: Path, cli: Cli) -> None:
    info = PngInfo()
    info.add_itxt("genzoo", " " * 2**24, zip=True)
    Image.new("L", (8, 8)).save("a.png", pnginfo=info)
    assert_refused(cli("run", "--replay", "a.png"), "a.png")
