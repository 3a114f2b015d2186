"""A config: what a class gets by deriving from it."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from genzoo_core import Config


class Round(Config, tag="round"):
    radius: float = 1.0


class Square(Config, tag="square", omit_defaults=True):
    side: float = 1.0


class Deep(Square, tag="deep", kw_only=True):
    depth: float


STRUCTS = [Round, Square, Deep]


@pytest.mark.parametrize("struct", STRUCTS)
def test_an_unknown_field_is_an_error_that_names_it(struct: type[Config]) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({"type": struct.__struct_config__.tag, "colour": "red"}, struct)


@pytest.mark.parametrize("made", [Round(), Square(), Deep(depth=1)])
def test_it_cannot_be_changed_and_equal_ones_are_one_key(made: Config) -> None:
    with pytest.raises(AttributeError):
        made.radius = 2.0  # type: ignore[attr-defined]
    assert len({made, msgspec.structs.replace(made)}) == 1


def test_a_subclass_s_own_flags_count() -> None:
    assert msgspec.json.encode(Square()) == b'{"type":"square"}'
    assert msgspec.json.encode(Round()) == b'{"type":"round","radius":1.0}'
    assert msgspec.convert({"type": "round", "radius": 3}, Square | Round) == Round(3.0)


def test_it_costs_no_torch() -> None:
    code = "import sys; from genzoo_core import Config; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"
