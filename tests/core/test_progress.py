"""Lines on how far long work is."""

from __future__ import annotations

import re

from genzoo_core.progress import EVERY, Lines, Pulse, left


def test_a_line_says_what_is_done_what_is_left_and_for_how_long() -> None:
    said: list[str] = []
    lines = Lines("digits", tell=said.append, every=0.0)
    lines.update(0, 2000)
    lines.update(500.4, 2000)
    lines.update(1500, 2000, 1499)
    lines.update(2000, 2000)  # the end is said by whoever has done it
    assert said[0] == "digits: 0 of 2,000 pictures"
    pattern = r"digits: (\S+) of 2,000 pictures, \S+ a second, \S+ left"
    found = [re.fullmatch(pattern, line) for line in said[1:]]
    assert [match and match[1] for match in found] == ["500", "1,500"]


def test_what_was_there_before_makes_nothing_faster() -> None:
    said: list[str] = []
    Lines("digits", tell=said.append, every=0.0).update(1000, 2000, 1000)
    assert said == ["digits: 1,000 of 2,000 pictures"]


def test_nothing_is_said_before_ten_seconds() -> None:
    said: list[str] = []
    lines = Lines("digits", tell=said.append)
    for done in range(1000):
        lines.update(done, 2000)
    assert said == []
    assert EVERY == 10
    assert not Pulse().due()
    assert Pulse(0.0).due()


def test_a_time_is_read_as_on_a_clock() -> None:
    assert [left(0.4), left(83), left(3600 * 30)] == [
        "0:00:00 left",
        "0:01:23 left",
        "1 day, 6:00:00 left",
    ]
