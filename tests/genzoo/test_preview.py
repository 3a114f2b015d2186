"""Pictures in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli
from PIL import Image
from torch import Tensor

import genzoo
from genzoo_core import ModelCard, ModelSpec

Show = Callable[..., str]


@pytest.fixture
def show(painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Show:
    """What `genzoo run --preview` shows of a model that always makes one given picture.

    `columns` and `lines` are those that the picture may take.
    """

    def run(image: Tensor, depth: str, columns: int = 80, lines: int = 24) -> str:
        set_terminal(monkeypatch, TERMINALS[depth])
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines + 4))
        write_model_of(image, Path("model.safetensors"))
        done = cli("run", "model.safetensors", "--preview", "-o", "a.png", "-f")
        assert done.code == 0, done.err
        pixels = np.asarray(Image.open("a.png").convert("RGB"))
        assert np.array_equal(pixels, image.expand(3, -1, -1).permute(1, 2, 0).numpy())
        return done.err.partition("after 1\n")[2]

    return run


TERMINALS = {
    "truecolor": {"TERM": "xterm", "COLORTERM": "truecolor"},
    "256": {"TERM": "xterm-256color"},
    "none": {"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"},
}


def set_terminal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def write_model_of(image: Tensor, path: Path) -> None:
    """A model that always makes `image`, uint8 `[C, H, W]`."""
    shape = tuple(image.shape)
    zoo = genzoo.open_zoo()
    built = zoo.build(ModelSpec("painter/painter", {"shape": shape}))
    levels = (image.double() / 127.5 - 1).clamp(-1 + 1e-7, 1 - 1e-7)
    with torch.no_grad():
        built.module.painter.decoder.weight.zero_()
        built.module.painter.decoder.bias.copy_(levels.atanh().flatten() / 3)
    card = ModelCard("always", "painting", "One picture.", shape=shape)
    zoo.save(path, built.spec, built.own_tensors(), card)


def test_truecolour_puts_two_pixels_into_a_character(show: Show) -> None:
    image = torch.tensor([[[255, 255], [0, 10]], [[0, 0], [0, 20]], [[0, 0], [255, 30]]])
    text = show(image.to(torch.uint8), "truecolor")
    assert text == ("\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;255;0;0;48;2;10;20;30m▀\x1b[0m\n")


def test_equal_neighbours_share_one_code(show: Show) -> None:
    text = show(torch.zeros(1, 2, 40, dtype=torch.uint8), "truecolor")
    assert text.count("\x1b[38") == 1
    assert text.count("▀") == 40


@pytest.mark.parametrize(
    ("rgb", "index"),
    # From xterm's 256colres.h: greys are 8 + 10 i, levels of the cube 0, 95, 135, 175, 215, 255.
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 231),
        ((8, 8, 8), 232),
        ((238, 238, 238), 255),
        ((255, 0, 0), 196),
        ((0, 95, 135), 24),
        ((95, 255, 175), 85),
    ],
)
def test_256_colours_are_the_nearest(show: Show, rgb: tuple[int, int, int], index: int) -> None:
    image = torch.tensor(rgb, dtype=torch.uint8).reshape(3, 1, 1).expand(3, 2, 1)
    assert show(image, "256") == f"\x1b[38;5;{index};48;5;{index}m▀\x1b[0m\n"


def test_a_wide_picture_shrinks_to_the_terminal_and_a_small_one_stays(show: Show) -> None:
    wide = show(torch.zeros(1, 300, 400, dtype=torch.uint8), "truecolor", 80, 20)
    lines = wide.splitlines()
    assert len(lines) <= 20
    assert 0 < lines[0].count("▀") <= 80
    small = show(torch.zeros(1, 8, 8, dtype=torch.uint8), "truecolor", 80, 20)
    assert [line.count("▀") for line in small.splitlines()] == [8] * 4


def test_without_colours_there_are_shades(show: Show) -> None:
    image = torch.tensor([[[0, 255], [0, 255]]], dtype=torch.uint8)
    assert show(image, "none") == " @\n"


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"TERM": "xterm-256color"}, "\x1b[38;5;"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "\x1b[38;2;"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "\x1b[38;2;"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, ""),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, ""),
        ({"TERM": "vt100"}, ""),
        ({}, ""),
    ],
)
def test_what_the_terminal_says_decides(
    painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], code: str
) -> None:
    set_terminal(monkeypatch, variables)
    shown = cli("run", "plain", "--preview").err.partition("after 1\n")[2]
    assert len(shown.splitlines()) == 4
    assert {escape[:7] for escape in re.findall(r"\x1b\[\d+;\d;", shown)} == ({code} - {""})
    assert ("\x1b" in shown) == (code != "")


def test_nothing_is_shown_where_output_is_piped(
    painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "▀" not in cli("run", "plain").err
    assert "▀" in cli("run", "plain", "--preview").err
    assert "▀" not in cli("run", "plain", "--preview").out


def test_a_real_terminal_gets_a_preview_and_a_progress_bar(painter: Path) -> None:
    words = ["run", "plain", "-n", "4", "--batch", "1", "--set", "fault=slow", "-o", "a.png"]
    code = "import sys; from genzoo.cli import main; sys.exit(main())"
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("NO_COLOR", None)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    shown = b""
    while chunk := _read(master):
        shown += chunk
    assert process.wait() == 0
    text = shown.decode()
    assert text.count("▀") == 18 * 9  # a grid of 18×18 pixels
    assert re.search(r"painter/plain.*\d/4", text)
    assert "a.png" in text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""
