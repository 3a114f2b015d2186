"""The README that a push makes: a card's words are words, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from genzoo_core import ComponentSpec, ModelCard, ModelSpec
from genzoo_core.cards import Metric
from genzoo_core.specs import PartSpec
from genzoo_hub.readme import write_readme

HOSTILE = [
    "---\nlicense: mit\n---",
    "a\n---\nb",
    "` `` ```\n```\n",
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "| a | b |\n|---|---|\n| c | d |",
    "[click](javascript:alert(1)) ![x](http://x) <javascript:alert(1)>",
    "](javascript:alert(1)) [a]: http://x",
    "# not a heading #\n===\n- item\n+ item\n1. one\n1) one\n> quote",
    "    indented\n\ttabbed",
    "*a* _b_ ~~c~~ **d** __e__ $x$ $$y$$ \\( z \\) &lt; &#x3c; \\",
    "<!-- made by genzoo push -->",
    "!!python/object:os.system {a: b} &x *x %TAG ' \" : #",
    "\x1b[31m \u202e \u2028 \x85 \0 \ud800",
    "\\|\\\\| a\\\\\\|",
    "👩\u200d🚀 ❤️ é 中",
]


def card(text: str, **more: Any) -> ModelCard:
    """A card that says the same everywhere."""
    metric = Metric(name=text, value=1.5, command=text, unit=text, n=10, floor=1.0, note=text)
    fields = {"dataset": text, "license": text, "credits": (text, text), "notes": text}
    return ModelCard(
        name=text, family=text, summary=text, sha256=text, metrics=(metric,), **{**fields, **more}
    )


def spec(text: str) -> ModelSpec:
    """What such a file says is to be built."""
    conditioners = {text: ComponentSpec(f"{text}/a"), f"{text}2": ComponentSpec("b")}
    return ModelSpec(f"{text}/x", {}, conditioners=conditioners, parts={"codec": PartSpec(text)})


def blocks(readme: str) -> tuple[dict[str, Any], list[Token]]:
    """The metadata and the blocks below it, as a Hub reads them."""
    assert readme.startswith("---\n")
    metadata, _, body = readme[4:].partition("\n---\n")
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return yaml.safe_load(metadata), reader.parse(body)


def shape(tokens: list[Token]) -> list[tuple[str, str]]:
    """What the blocks are, without what they say."""
    return [(token.type, token.tag) for token in tokens]


def words(token: Token) -> str:
    """What an inline token says, of which nothing is markup but code."""
    children = token.children or []
    assert {child.type for child in children} <= {"text", "code_inline", "softbreak"}
    return "".join(child.content for child in children)


def one_line(text: str) -> str:
    return "".join(
        c if c.isprintable() or c == "\u200d" else "\ufffd" for c in " ".join(text.split())
    )


texts = st.text(
    st.characters() | st.sampled_from("`*_[]()<>|#-+=~\\&!.:1$\n\t \"'{}%@"), max_size=40
)


@given(texts)
@settings(max_examples=150, deadline=None)
def test_a_cards_words_are_words(text: str) -> None:
    check(f"{text}w")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_words(text: str) -> None:
    check(text)


def check(text: str) -> None:
    """Whatever a card says, the README has the form of one with plain words, and says it."""
    line = one_line(text)
    once = {"notes": line}
    metadata, tokens = blocks(write_readme(card(text, **once), spec(text), "o/r", "main", text))
    plain, expected = blocks(write_readme(card("w"), spec("w"), "o/r", "main", "w"))
    assert metadata.keys() == plain.keys()
    assert metadata["library_name"] == "genzoo"
    assert (metadata["license"], metadata["license_name"]) == ("other", line.lower())
    assert metadata["datasets"] == [line]
    assert metadata["tags"] == ["genzoo", line, "model"]
    assert shape(tokens) == shape(expected)
    said = [words(token) for token in tokens if token.type == "inline"]
    assert said[:2] == [line, line]
    assert said[-1] == line
    assert said.count(line) >= 8
    fences = [token.content for token in tokens if token.type == "fence"]
    assert fences == [token.content for token in expected if token.type == "fence"]
