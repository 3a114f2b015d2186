"""The README's lines of use, run one after the other where a stranger has genzoo installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image
from workshop import Workshop

ROOT = Path(__file__).parent.parent
CHECKPOINTS = Path(__file__).parent / "genzoo_diffusers"


def section(title: str) -> list[str]:
    """The commands of the README's console block under a heading, without their comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {title}\n")[2]
    (block, *_) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [re.sub(r"\s+#.*", "", line.removeprefix("$ ")) for line in block.splitlines()]


def test_there_are_eight_lines_of_use_that_fit_a_terminal() -> None:
    assert len(section("Use it")) == 8
    assert all(len(line) <= 80 for line in section("Use it"))


def test_the_two_commands_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    made = [line.removeprefix("make ") for line in section("Try it") if line.startswith("make ")]
    assert {"demo", "test", "test-long", "docs"} == set(made)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in made)


@pytest.mark.long
def test_each_line_of_use_does_what_it_says(
    workshop: Workshop, digits: Path, tmp_path: Path
) -> None:
    stranger = Workshop(workshop.scripts, tmp_path)

    def run(command: str) -> str:
        done = stranger.run(command)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout

    digit, words, edit, foreign, own, measurement, server, plugin = section("Use it")
    for command in (digit, words, edit):
        run(command)
    save = "import sys; from pathlib import Path; from checkpoints import save; "
    save += "save('sd', Path('stable-diffusion').absolute())"
    subprocess.run(
        [sys.executable, "-c", save], cwd=tmp_path, env={**os.environ, "PYTHONPATH": CHECKPOINTS},
        check=True, capture_output=True,
    )  # fmt: skip
    run(foreign)
    run("python -m genzoo_author.shapes data --count 20")
    shutil.move(tmp_path / "data" / "shapes" / "train", tmp_path / "photos")
    run(re.sub(r"--time \S+", "--steps 4", own))
    run("genzoo run flow-photos -n 4 -o own.png")
    with Image.open(tmp_path / "own.png") as picture:
        assert picture.width > 32
    few = measurement.replace("DIR", str(digits)) + " -n 60 --no-costs"
    assert "Fréchet distance" in run(few)
    run(plugin)
    run("genzoo run my-plugin-shapes circle square -n 2 -o shapes.png")
    answers(server, stranger)


def answers(command: str, stranger: Workshop) -> None:
    """Start the server, and see that it shows its page."""
    start = f"{command} --port 0 > served.txt 2>&1 & echo $! > pid"
    assert stranger.run(start).returncode == 0
    try:
        for _ in range(600):
            said = (stranger.folder / "served.txt").read_text(encoding="utf-8")
            if found := re.search(r"http://\S+?:\d+", said):
                break
            time.sleep(0.1)
        else:
            pytest.fail(said)
        with urllib.request.urlopen(found[0], timeout=60) as answer:
            assert "genzoo" in answer.read().decode("utf-8")
    finally:
        os.kill(int((stranger.folder / "pid").read_text(encoding="utf-8")), signal.SIGTERM)
