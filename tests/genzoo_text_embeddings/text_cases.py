"""A small table of words, the shipped one, and models that read text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import genzoo
from genzoo_core import ModelSpec, Opened, PartSpec, SampleRng
from genzoo_core.zoo import Zoo
from genzoo_text_embeddings.conditioner import TextConditioner
from genzoo_text_embeddings.static import StaticText

WORDS = ["red", "heart", "play", "##ing", "cat", "!"]
VECTORS = torch.tensor([[1.0, 0], [0, 1], [2, 2], [4, 0], [-1, 0], [0, -2]])
SHIPPED = {"text": PartSpec("genzoo/text-minilm")}


def zoo() -> Zoo:
    return genzoo.open_zoo()


def table(words: list[str] | None = None, *, length: int = 4) -> StaticText:
    """A table of two numbers for each word; without its words where there are none."""
    lines = "\n".join(WORDS if words is None else words).encode()
    config = {
        "pieces": len(WORDS),
        "dim": 2,
        "vocabulary_bytes": max(len(lines), 1),
        "length": length,
    }
    module = zoo().build(ModelSpec("genzoo/static-text", config, kind="conditioner")).module
    assert isinstance(module, StaticText)
    module.table.copy_(VECTORS)
    module.vocabulary[: len(lines)] = torch.frombuffer(bytearray(lines or b"\0"), dtype=torch.uint8)
    return module


def text_built(**config: Any) -> Opened:
    torch.manual_seed(0)
    parts = {} if "encoder" in config else SHIPPED
    return zoo().build(ModelSpec("genzoo/text", config, kind="conditioner", parts=parts))


def text(**config: Any) -> TextConditioner:
    module = text_built(**config).module
    assert isinstance(module, TextConditioner)
    return module


def rng(n: int) -> SampleRng:
    return SampleRng(range(n))


def prepared(conditioner: TextConditioner | StaticText, *texts: str) -> Tensor:
    return conditioner.prepare(list(texts), rng(len(texts)))
