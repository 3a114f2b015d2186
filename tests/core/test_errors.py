"""The errors: one line each, however long what they repeat is."""

from __future__ import annotations

import pytest

from genzoo_core import GenzooError, UsageError


def test_a_message_and_its_hint_are_joined() -> None:
    error = UsageError("no model 'x'", "did you mean y?")
    assert str(error) == "no model 'x'; did you mean y?"
    assert (error.message, error.hint) == ("no model 'x'", "did you mean y?")
    assert str(GenzooError("alone")) == "alone"


@pytest.mark.parametrize("length", [5000, 10**6])
def test_of_a_long_message_the_beginning_the_end_and_the_hint_are_left(length: int) -> None:
    error = UsageError(f"cannot read {'x' * length}: it is no file", "name a file")
    assert str(error).startswith("cannot read xxx")
    assert str(error).endswith("xxx: it is no file; name a file")
    assert len(str(error)) < 500
    assert len(str(UsageError("what", "y" * length))) < 500


def test_a_message_of_some_hundred_characters_is_whole() -> None:
    assert str(GenzooError("x" * 400, "y" * 400)) == f"{'x' * 400}; {'y' * 400}"
