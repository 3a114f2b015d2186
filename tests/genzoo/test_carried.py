"""What pictures carry, in each format: the record, and what other programs read."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from painting import GENZOO, Cli, assert_refused
from PIL import Image

FORMATS = ["png", "jpg", "jpeg", "webp"]
XMP = {"PNG": "XML:com.adobe.xmp", "JPEG": "xmp", "WEBP": "xmp"}
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"

PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""What AUTOMATIC1111's infotext_utils.py reads the last line with."""


def parameters(path: str) -> str | None:
    """The text that AUTOMATIC1111 reads: its images.read_info_from_image."""
    with Image.open(path) as image:
        comment = image.getexif().get_ifd(0x8769).get(0x9286, b"")
        if comment.startswith(b"UNICODE\0"):
            return comment[8:].decode("utf-16-be")
        text: str | None = image.info.get("parameters")
        return text


def source(path: str) -> str | None:
    """The DigitalSourceType in XMP."""
    with Image.open(path) as image:
        packet = image.info.get(XMP[image.format or ""])
    if packet is None:
        return None
    (description,) = ElementTree.fromstring(packet).iter(RDF)
    return description.get(IPTC)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_carries_what_other_programs_read(painter: Path, cli: Cli, suffix: str) -> None:
    words = ["run", "colour", "7", "-n", "2", "--seed", "5", "--steps", "3"]
    assert cli(*words, "-o", f"a.{suffix}").code == 0
    text = parameters(f"a.{suffix}")
    assert text is not None
    prompt, last = text.splitlines()
    assert prompt == "7"
    facts = dict(PARAMETER.findall(last))
    weights = facts.pop("Model hash")
    assert cli("show", f"a.{suffix}", "--json").out.count(f'"weights":"{weights}') == 1
    assert len(weights) == 10
    assert facts == {"Steps": "3", "Seed": "5", "Size": "8x8", "Model": "colour"}
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert source(f"a.{suffix}") == kind


def test_what_a_model_chooses_itself_stands_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "flow-emoji", "a cat, a dog\nor two", "--negative", "red", "--seed", "9"]
    assert cli(*words, "-n", "3", "-o", "out/").code == 0
    text = parameters("out/0002.png")
    assert text is not None
    *prompt, negative, last = text.splitlines()
    assert (prompt, negative) == (["a cat, a dog", "or two"], "Negative prompt: red")
    assert last.startswith("Steps: 10, Sampler: Heun, CFG scale: 2, Seed: 11, Size: 32x32, Model")
    words = [
        "run",
        "flow-mnist",
        "7",
        "--sampler",
        "dpmpp-2m",
        "--guidance",
        "1.25",
        "--steps",
        "4",
    ]
    cli(*words, "-o", "a.png")
    assert "Steps: 4, Sampler: DPM++ 2M, CFG scale: 1.25" in str(parameters("a.png"))
    cli("run", "vae-mnist", "-i", "a.png", "-o", "again.png")
    assert "Seed" not in str(parameters("again.png"))
    Image.new("L", (28, 28), 255).save("mask.png")
    words = ["run", "flow-mnist", "7", "-i", "a.png", "--mask", "mask.png", "--steps", "2"]
    cli(*words, "-o", "part.png")
    assert "Denoising strength: 1" in str(parameters("part.png"))
    assert str(source("part.png")).endswith("/compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize("output", ["a.png", "a.jpg", "a.webp", "out/0000.png"])
def test_each_can_be_left_out(painter: Path, cli: Cli, output: str) -> None:
    place = "out/" if "/" in output else output
    cli("run", "plain", "--no-parameters", "-o", place)
    assert (parameters(output), source(output) is None) == (None, False)
    cli("run", "plain", "--no-xmp", "-o", place, "-f")
    assert (parameters(output) is None, source(output)) == (False, None)
    cli("run", "plain", "--no-xmp", "--no-parameters", "-o", place, "-f")
    assert (parameters(output), source(output)) == (None, None)
    assert cli("run", "--replay", output, "-o", "b.png").code == 0


@pytest.mark.parametrize("suffix", [*FORMATS, "gif"])
def test_the_same_run_gives_the_same_bytes(painter: Path, cli: Cli, suffix: str) -> None:
    words = ["run", "colour", "3", "4", "-n", "2", "--seed", "5", "-o"]
    for name in "ab":
        assert cli(*words, f"{name}.{suffix}").code == 0
    assert cli("run", "--replay", f"a.{suffix}", "-o", f"c.{suffix}").code == 0
    a, b, c = (Path(f"{name}.{suffix}").read_bytes() for name in "abc")
    assert a == b == c


@pytest.mark.parametrize("model", ["plain", "colour"])
def test_a_webp_keeps_the_pixels_and_a_jpeg_nearly(painter: Path, cli: Cli, model: str) -> None:
    words = ["run", model, "-n", "4", "--seed", "5", "-o"]
    for suffix in ("png", "jpg", "webp"):
        cli(*words, f"a.{suffix}")
    exact = np.asarray(Image.open("a.png").convert("RGB"), int)
    np.testing.assert_array_equal(np.asarray(Image.open("a.webp").convert("RGB")), exact)
    assert np.abs(np.asarray(Image.open("a.jpg").convert("RGB"), int) - exact).mean() < 2
    done = cli("run", "--replay", "a.webp", "-o", "b.png")
    assert "the same pixels as a.webp" in done.err
    np.testing.assert_array_equal(np.asarray(Image.open("b.png")), np.asarray(Image.open("a.png")))
    done = cli("run", "--replay", "a.jpg", "-o", "c.png")
    assert "made again, of the same size; .jpg does not keep exact pixels" in done.err
    assert Path("c.png").read_bytes() == Path("b.png").read_bytes()


def test_a_webp_or_jpeg_that_was_changed_is_found(painter: Path, cli: Cli) -> None:
    for name in ("a.webp", "a.jpg"):
        cli("run", "plain", "-n", "4", "--seed", "5", "-o", name)
        with Image.open(name) as image:
            half = image.crop((0, 0, image.width // 2, image.height))
            half.save(name, exif=image.info["exif"])
        done = cli("run", "--replay", name, "-o", "b.png")
        assert done.code == 1
        assert f"what {name} shows is not what its record makes" in done.err


def test_a_photo_with_a_cameras_notes_has_no_record(painter: Path, cli: Cli) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = b"Nikon\0\x02\x10"
    Image.new("RGB", (8, 8)).save("photo.jpg", exif=exif)
    assert_refused(cli("show", "photo.jpg"), "photo.jpg holds no record of how it was made")
    assert cli("encode", "plain", "photo.jpg", "-o", "z.npz").code == 0


def test_a_record_that_no_jpeg_holds_is_refused_before_the_run(painter: Path, cli: Cli) -> None:
    prompts = "\n".join(f'{{"prompt": "3", "text": "{i:050}"}}' for i in range(1500))
    Path("p.jsonl").write_text(prompts)
    words = ["run", "colour", "--prompts", "p.jsonl", "-o"]
    done = cli(*words, "a.jpg")
    assert_refused(done, "a .jpg holds 65,000; write a .png or .webp")
    assert cli(*words, "a.webp").code == 0
    assert cli("run", "--replay", "a.webp", "-o", "b.png").code == 0


def test_a_dash_writes_a_png_and_nothing_else_to_stdout(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "4", "--seed", "5", "-o", "a.png")
    words = [*GENZOO, "run", "plain", "-n", "4", "--seed", "5", "-o", "-"]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == Path("a.png").read_bytes()
    assert b"plugin that talks too much" in done.stderr
    assert os.listdir() == ["a.png"]
    done = subprocess.run(
        [*GENZOO, "run", "--replay", "a.png", "-o", "-"], capture_output=True, check=False
    )
    assert Image.open(io.BytesIO(done.stdout)).size == (504, 504)


def test_a_terminal_gets_no_png(painter: Path, cli: Cli) -> None:
    ours, theirs = pty.openpty()
    words = [*GENZOO, "run", "plain", "-o", "-"]
    done = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: -o - writes a PNG, and stdout is a terminal; redirect it, as in `> x.png`, or give "
        "a file: -o x.png\n"
    )
    assert_refused(cli("run", "plain", "-o", "-", "--json"), "both write to stdout")
    assert_refused(cli("run", "plain", "-o", "-", "--shards"), "not to stdout")


@pytest.mark.parametrize("output", ["a.png", "a.npz", "a.txt", "out/", "a.safetensors"])
def test_folders_above_the_output_are_made(painter: Path, cli: Cli, output: str) -> None:
    done = cli("run", "colour", "-n", "2", "-o", f"new/deep/{output}")
    assert done.code == 0, done.err
    assert Path("new/deep", output).exists()
    for fault in ("wild", "lost"):
        words = ["run", "colour", "-n", "2", "--set", f"fault={fault}"]
        done = cli(*words, "-o", f"gone/deep/{output}")
        assert done.code == 1
        assert os.listdir() == ["new"]


def test_latents_exports_and_shards_make_them_too(painter: Path, cli: Cli) -> None:
    Image.new("L", (8, 8)).save("a.png")
    assert cli("encode", "plain", "a.png", "-o", "x/y/z.npz").code == 0
    assert cli("export", "plain", "-o", "u/v/mine.safetensors").code == 0
    words = ["run", "plain", "-n", "4", "--shards", "arrays", "-o", "s/t/"]
    assert cli(*words).code == 0
    assert Path("s/t/manifest.json").exists()
