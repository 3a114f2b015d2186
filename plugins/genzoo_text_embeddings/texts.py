"""Texts before they are read: what is one, what of it is read, and what to tell of the rest."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from genzoo_core.errors import UsageError

MOST_CHARACTERS = 4_000
"""Characters of a text that are read: with spaces, more than any encoder here takes."""

MOST_TOLD = 10_000
MOST_QUOTED = 40


def as_text(value: object) -> str:
    """A raw value, if it is text.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(value, str):
        raise UsageError(f"{repr(value)[:80]} is no text", "give words, or an empty text for none")
    return value


def readable(text: str) -> str:
    """What of a text is read: nothing for a blank one.

    Lone surrogates, which are no characters, and NULs are left out, as a tokeniser does with
    other control characters; so tokenisers that are written in Rust or C take all that is left.
    """
    begin = text.lstrip()[:MOST_CHARACTERS].replace("\0", "")
    return begin.encode("utf-8", "ignore").decode().strip()


def spelled_out(text: str) -> str:
    """Emoji as the words of their names in the library `emoji`, which come from Unicode's CLDR:
    a text table knows words."""
    if text.isascii():
        return text
    import emoji  # 40 ms

    return emoji.replace_emoji(text, _words)


def _words(_: str, about: dict[str, str]) -> str:
    return f" {about['en'].strip(':').replace('_', ' ')} "


def is_longer(text: str) -> bool:
    """Whether more of a text is there than is read at all."""
    return len(text.strip()) > MOST_CHARACTERS


class Notices:
    """Warnings about texts: one for all texts that are met together, and each text once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int]] = set()

    def tell_unattended(self, tokens: int, texts: Sequence[str]) -> None:
        """Warn of texts that have more tokens than a model attends to."""
        self.tell(f"attention sees no more than {tokens} word pieces of the text", texts)

    def tell(self, what: str, texts: Sequence[str]) -> None:
        """Warn of those of `texts` that it did not warn of before."""
        new = [text for text in dict.fromkeys(texts) if (what, hash(text)) not in self._told]
        if not new:
            return
        if len(self._told) > MOST_TOLD:
            self._told.clear()
        self._told.update((what, hash(text)) for text in new)
        begin = repr(new[0][:MOST_QUOTED]) + ("…" if len(new[0]) > MOST_QUOTED else "")
        more = f", and for {len(new) - 1} more" if len(new) > 1 else ""
        logging.getLogger("genzoo_text_embeddings").warning("%s: %s%s", what, begin, more)
