"""The page about Python does what it shows, in one session as in a notebook."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from pages import blocks, shows

PAGE = Path(__file__).parent.parent / "docs" / "python.md"


def shown_by(line: str) -> str:
    """What the comment at the end of a line says that the line gives; "" where it has none."""
    return line.partition("  # ")[2]


def test_every_line_gives_what_its_comment_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    session: dict[str, Any] = {}
    shown = 0
    for block in blocks(PAGE):
        assert block.language == "python"
        lines = block.text.splitlines()
        for statement in ast.parse(block.text).body:
            where = f"{PAGE.name}:{block.line + statement.lineno}"
            wanted = shown_by(lines[(statement.end_lineno or 1) - 1])
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), where, "eval"), session)
            else:
                value = exec(compile(ast.Module([statement], []), where, "exec"), session)
            if wanted:
                assert shows(repr(value), [wanted]), f"{where}: {value!r}"
                shown += 1
    assert shown > 20


def test_no_line_is_too_long_to_read() -> None:
    for block in blocks(PAGE):
        assert max(map(len, block.text.splitlines())) <= 110, block.line


def test_each_function_is_on_the_page() -> None:
    import genzoo

    text = PAGE.read_text(encoding="utf-8")
    names = [name for name in genzoo.__all__ if name != "__version__"]
    assert [name for name in names if not re.search(rf"genzoo\.{name}\(|{name}\(\)", text)] == []
