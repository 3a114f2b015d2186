"""`genzoo check` from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import genzoo_vae
from genzoo.cli import main

RECIPE = """
name = "mine"
card = { family = "autoencoder", summary = "A codec." }
data = { name = "blobs", shape = [1, 8, 8] }
model = { kind = "codec", component = "genzoo-tiny/codec" }
stages = [{ name = "copy", steps = 10 }]
"""


def check(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Run the command in this process: exit code, stdout and stderr."""
    capfd.readouterr()
    code = main(["check", *map(str, words)])
    return code, *capfd.readouterr()


def test_a_sound_plugin_passes(third_party: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(capfd, "genzoo-tiny", "--json")
    found = json.loads(out)
    failed = [f for r in found["reports"] for f in r["findings"] if f["status"] == "failed"]
    assert failed == []
    assert code == 0
    assert found["ok"] is True
    assert found["counts"]["failed"] == 0
    assert "runs the code of genzoo-tiny" in err
    reports = {report["subject"]: report["findings"] for report in found["reports"]}
    assert all(f["status"] != "skipped" for f in reports["noiser genzoo-tiny/circle"])
    (skipped,) = reports["model genzoo-tiny/tiny-diffusion"]
    assert skipped["status"] == "skipped"
    assert "missing required field `noiser`" in skipped["lines"][0]
    assert {"sampler genzoo-tiny/straight", "model genzoo-tiny/tiny-codec"} <= set(reports)


def test_a_model_of_captions_passes_before_it_is_trained(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What is typical of captions that it has not read is the same for all, so none is negative."""
    code, out, _ = check(capfd, Path(genzoo_vae.__file__).with_name("recipes") / "vae-emoji.toml")
    assert (code, "  failed " in out) == (0, False)


def test_files_are_checked_for_what_they_are(
    third_party: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(RECIPE)
    code, out, _ = check(capfd, recipe)
    assert code == 0
    assert out.splitlines()[0] == f"recipe {recipe}"
    assert "0 failed" in out.splitlines()[-1]

    recipe.write_text(RECIPE.replace('"copy"', '"copying"'))
    code, out, _ = check(capfd, recipe)
    assert code == 1
    assert "expected the stages copy, got copying" in out

    code, out, _ = check(capfd, third_party / "genzoo_tiny" / "weights" / "tiny-codec.safetensors")
    assert code == 0
    assert "  ok       it decodes and reconstructs" in out

    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"not a model")
    code, out, _ = check(capfd, damaged)
    assert code == 1
    assert "failed   it loads, and is the file that its card promises" in out


def test_what_cannot_be_checked_is_told(
    third_party: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = check(capfd, "genzoo-tyni")
    assert (code, out) == (2, "")
    assert err.startswith("Error: no plugin and no model is called 'genzoo-tyni'; did you mean")

    source = tmp_path / "source"
    shutil.copytree(third_party / "genzoo_tiny", source / "src" / "genzoo_other")
    (source / "pyproject.toml").write_text('[project]\nname = "genzoo-other"\n')
    for named in (source, source / "src" / "genzoo_other" / "genzoo.toml"):
        code, out, err = check(capfd, named)
        assert (code, out) == (2, "")
        assert "pip install -e" in err
    code, _, err = check(capfd, tmp_path / "none.toml")
    assert code == 1  # the recipe's own check fails, and says so


def test_the_source_of_what_is_installed_as_a_copy_is_not_what_is_checked(
    third_party: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    package = source / "src" / "genzoo_tiny"
    shutil.copytree(third_party / "genzoo_tiny", package)
    (source / "pyproject.toml").write_text('[project]\nname = "genzoo-tiny"\n')
    for named in (source, package, package / "genzoo.toml"):
        code, out, err = check(capfd, named)
        assert (code, out) == (2, "")
        assert "what is installed is a copy of it" in err
        assert f"`pip install -e {source.resolve()}`" in err or f"-e {source}`" in err


def test_the_folder_of_an_installed_plugin_is_that_plugin(third_party: Path) -> None:
    import genzoo
    from genzoo_author.checking.subjects import find_subject

    zoo = genzoo.open_zoo()
    for named in (third_party / "genzoo_tiny", third_party / "genzoo_tiny" / "genzoo.toml"):
        subject = find_subject(zoo, str(named))
        assert (subject.kind, subject.name) == ("plugin", "genzoo-tiny")
        assert [plugin.name for plugin in subject.plugins] == ["tiny"]
