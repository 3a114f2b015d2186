"""Configs of the text conditioners. Imports no torch."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config
from genzoo_core.ranges import Width

Role = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Revision = Annotated[str, msgspec.Meta(max_length=100)]
Caption = Annotated[str, msgspec.Meta(max_length=1000)]


class StaticTextConfig(Config):
    """What a table of word pieces holds.

    Attributes:
        pieces: How many word pieces there are.
        dim: Size of a piece's vector.
        vocabulary_bytes: Bytes of the vocabulary, which the file holds beside the vectors.
        length: Word pieces of a text that are read; what follows is cut, with a warning.
    """

    pieces: Annotated[int, msgspec.Meta(ge=1, le=500_000)]
    dim: Width
    vocabulary_bytes: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    length: Annotated[int, msgspec.Meta(ge=1, le=512)] = 16


class PartEncoder(Config, tag="part"):
    """A frozen conditioner of the zoo that reads text, such as `text-minilm`.

    Attributes:
        role: The role that it plays among the model's parts.
    """

    role: Role = "text"


class Pretrained(Config):
    """A pretrained encoder of text; its weights are not stored with the model.

    Attributes:
        model: `owner/repo` on the Hugging Face Hub, or a folder.
        dim: Size of its vectors.
        revision: Of the repository, best a commit; by default the newest.
    """

    model: Place
    dim: Width
    revision: Revision = ""


class SentenceTransformersEncoder(Pretrained, tag="sentence-transformers"):
    """An encoder of sentences, a `Pretrained` one."""


class ClipEncoder(Pretrained, tag="clip"):
    """The text half of CLIP (Radford et al. 2021), `Pretrained`; `dim` is its `hidden_size`."""


class TextConfig(Config):
    """How a model reads text.

    Attributes:
        encoder: What turns text into vectors, frozen.
        tokens: Most token vectors, beside the pooled one; 0 for none.
        dim: Size of the vector.
        hidden: Width of the network between the pooled vector and that one.
        typical: Captions as they occur in the training data, for models that draw one where
            there is no prompt; without any, they take null.
    """

    encoder: PartEncoder | SentenceTransformersEncoder | ClipEncoder = PartEncoder()
    tokens: Annotated[int, msgspec.Meta(ge=0, le=512)] = 8
    dim: Width = 128
    hidden: Width = 256
    typical: Annotated[tuple[Caption, ...], msgspec.Meta(max_length=10_000)] = ()
