"""`genzoo show`: what a file carries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from genzoo.cli import main


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.jpg", "x.webp", "x.npz", "x.safetensors"])
def test_what_was_asked_for_is_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    words = ["vae-mnist", "7", "-n", "3", "--seed", "5", "--set", "temperature=0.7"]
    assert main(["run", *words, "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["show", str(file)]) == 0
    out = capsys.readouterr().out
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  "))
    assert (lines["model"], lines["prompts"]) == ("genzoo/vae-mnist", "7")
    assert (lines["n"], lines["seed"], lines["options"]) == ("3", "5", "temperature=0.7")
    assert out.splitlines()[0].endswith(f"{name}: all pictures of a run")
    assert f"genzoo run --replay {file}" in out
    assert lines.get("enlarged") == (None if file.suffix in (".npz", ".safetensors") else "6 times")
    assert main(["show", str(file), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["model"], record["prompts"], record["n"]) == ("genzoo/vae-mnist", ["7"], 3)


def test_one_of_several_files_and_latents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, latent = tmp_path / "made", tmp_path / "z.npz"
    assert main(["run", "vae-mnist", "-n", "3", "--seed", "5", "-o", str(folder)]) == 0
    picture = sorted(folder.iterdir())[1]
    assert main(["encode", "vae-mnist", str(picture), "-o", str(latent)]) == 0
    capsys.readouterr()
    assert main(["show", str(picture)]) == 0
    assert "picture 1 of a run" in capsys.readouterr().out
    assert main(["show", str(latent)]) == 0
    out = capsys.readouterr().out
    assert "z.npz: latents" in out
    assert "--replay" not in out
    assert {"n", "seed", "options"}.isdisjoint(line.split()[0] for line in out.splitlines())


def test_a_picture_alone_and_one_beside_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, copy = str(tmp_path / "one.png"), str(tmp_path / "copy.png")
    assert main(["run", "vae-mnist", "7", "--seed", "5", "-o", one]) == 0
    assert main(["run", "vae-mnist", "--input", one, "-o", copy]) == 0
    for file, what in ((one, "a picture"), (copy, "all pictures of a run")):
        capsys.readouterr()
        assert main(["show", file]) == 0
        assert capsys.readouterr().out.startswith(f"{file}: {what}\n")


def test_what_genzoo_did_not_make_has_no_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(file)
    assert main(["show", str(file)]) == 2
    assert "holds no record of how it was made" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "none.png")]) == 2
    assert "No such file" in capsys.readouterr().err
    # Where somebody asks what a picture is as if it were a model, the error says what to ask.
    for suffix in ("png", "gif", "jpg", "webp"):
        picture = tmp_path / f"x.{suffix}"
        Image.new("RGB", (8, 8)).save(picture)
        assert main(["info", str(picture)]) == 1
        assert f"{picture} is a picture, no model; `genzoo show`" in capsys.readouterr().err
