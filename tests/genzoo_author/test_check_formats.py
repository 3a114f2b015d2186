"""`genzoo check` on formats of others: the plugin that `genzoo new` makes, and faults in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Check = Callable[..., subprocess.CompletedProcess[str]]
NEW = [sys.executable, "-m", "genzoo", "new", "acme-vae", "--kind", "format"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin with a format, found as `pip install -e` would let it, and an example."""
    folder = tmp_path_factory.mktemp("format")
    subprocess.run(NEW, cwd=folder, check=True, capture_output=True)
    project = folder / "acme-vae"
    info = project / "src" / "acme_vae-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-vae\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nacme-vae = acme_vae\n")
    write = [sys.executable, "tests/write_example.py", "example"]
    env = {**os.environ, "PYTHONPATH": str(project / "src")}
    subprocess.run(write, cwd=project, check=True, capture_output=True, env=env)
    return project


@pytest.fixture
def check(project: Path, tmp_path: Path) -> Check:
    """Runs `genzoo check` with a change made to the format's source."""
    copy = tmp_path / "acme-vae"
    shutil.copytree(project, copy)

    def run(
        subject: str, old: str = "", new: str = "", file: str = "format.py"
    ) -> subprocess.CompletedProcess[str]:
        source = copy / "src" / "acme_vae" / file
        text = source.read_text()
        assert old in text
        source.write_text(text.replace(old, new, 1))
        env = {**os.environ, "PYTHONPATH": str(copy / "src"), "GENZOO_CACHE": str(copy / "cache")}
        command = [sys.executable, "-m", "genzoo", "check", subject]
        return subprocess.run(
            command, cwd=copy, env=env, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("subject", ["acme-vae", "example"])
def test_a_new_format_and_its_example_are_sound(check: Check, subject: str) -> None:
    done = check(subject)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
    if "example" in subject:
        assert "ok       its card needs no weights" in done.stdout


CARD = "        settings = self.settings(folder)\n        shape = (1, settings.side"
BUILT = "        return core.Described(core.ModelSpec("


def test_what_a_format_builds_by_itself_is_checked_too(check: Check) -> None:
    own = '        import genzoo\n        return genzoo.open_zoo().open("vae-mlp-mnist").module\n'
    done = check("example", BUILT, own + BUILT)
    assert done.returncode == 1  # it reads other weights than those of the folder
    assert done.stdout.count("failed  ") == 1, done.stdout
    assert "expected weights read through the folder" in done.stdout
    assert "ok       a picture does not depend on its batch" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "claim", "why"),
    [
        (CARD, f"        folder.weights()\n{CARD}", "its card needs", "reads the weights"),
        ("shape = (1, ", "shape = (3, ", "its card says what", "let the format's `card` say so"),
        (
            BUILT,
            '        import os\n        config["free_bits"] = os.urandom(1)[0] / 256\n' + BUILT,
            "it is the same when",
            "follow from the files alone",
        ),
        ('"codec.decoder.2"', '"codec.decoder.3"', "it loads", "lacks codec.decoder.2.weight"),
    ],
)
def test_what_is_wrong_with_a_format_is_found(
    check: Check, old: str, new: str, claim: str, why: str
) -> None:
    done = check("./example", old, new)
    assert done.returncode == 1, done.stderr
    assert f"failed   {claim}" in done.stdout
    assert done.stdout.count("failed  ") == 1
    assert why in done.stdout


def test_a_target_that_is_no_format_is_found(check: Check) -> None:
    done = check("acme-vae", "acme_vae.format:DigitVAE", "acme_vae.format:Settings", "genzoo.toml")
    assert done.returncode == 1
    assert "acme_vae.format:Settings is no Format" in done.stdout
