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
from pathlib import Path

import pytest
import torch
from painting import Cli

from genzoo.pictures.preview import colour_depth, render


def test_truecolour_puts_two_pixels_into_a_character() -> None:
    image = torch.tensor([[[255, 255], [0, 10]], [[0, 0], [0, 20]], [[0, 0], [255, 30]]])
    text = render(image.to(torch.uint8), "truecolor", 80, 24)
    assert text == ("\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;255;0;0;48;2;10;20;30m▀\x1b[0m\n")


def test_equal_neighbours_share_one_code() -> None:
    text = render(torch.zeros(1, 2, 40, dtype=torch.uint8), "truecolor", 80, 24)
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
def test_256_colours_are_the_nearest(rgb: tuple[int, int, int], index: int) -> None:
    image = torch.tensor(rgb, dtype=torch.uint8).reshape(3, 1, 1).expand(3, 2, 1)
    assert render(image, "256", 80, 24) == f"\x1b[38;5;{index};48;5;{index}m▀\x1b[0m\n"


def test_a_wide_picture_shrinks_to_the_terminal_and_a_small_one_stays() -> None:
    wide = render(torch.zeros(1, 300, 400, dtype=torch.uint8), "truecolor", 80, 20)
    lines = wide.splitlines()
    assert len(lines) <= 20
    assert 0 < lines[0].count("▀") <= 80
    small = render(torch.zeros(1, 8, 8, dtype=torch.uint8), "truecolor", 80, 20)
    assert [line.count("▀") for line in small.splitlines()] == [8] * 4


def test_without_colours_there_are_shades() -> None:
    image = torch.tensor([[[0, 255], [0, 255]]], dtype=torch.uint8)
    assert render(image, "none", 80, 24) == " @\n"


@pytest.mark.parametrize(
    ("variables", "depth"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "vt100"}, "none"),
        ({}, "none"),
    ],
)
def test_what_the_terminal_says_decides(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], depth: str
) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colour_depth() == depth


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
    assert re.search(r"painter/plain.*\d+%", text)
    assert "a.png" in text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""
