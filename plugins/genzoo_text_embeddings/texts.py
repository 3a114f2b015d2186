"""Checks and preparation of texts, and warnings about those that are cut."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from genzoo_core.errors import UsageError

MOST_CHARACTERS = 4_000
"""Characters of a text that are read: with spaces, more than any encoder here takes."""

MOST_WARNED = 10_000
MOST_QUOTED = 40


def as_text(value: object) -> str:
    """A raw value that is text; raises a UsageError for any other."""
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
    """Emoji as the words of their names in Unicode's CLDR: a text table has words alone."""
    if text.isascii():
        return text
    import emoji  # 40 ms

    def words(_: str, about: dict[str, str]) -> str:
        return f" {about['en'].strip(':').replace('_', ' ')} "

    return emoji.replace_emoji(text, words)


def is_longer(text: str) -> bool:
    """Whether a text has more characters than are read."""
    return len(text.strip()) > MOST_CHARACTERS


class Notices:
    """Warnings about texts, each text once, and one line for several texts."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, int]] = set()

    def warn_unattended(self, tokens: int, texts: Sequence[str]) -> None:
        """Warn of texts that have more tokens than a model attends to."""
        self.warn(f"attention sees no more than {tokens} word pieces of the text", texts)

    def warn(self, what: str, texts: Sequence[str]) -> None:
        """Warn of those of `texts` that it did not warn of before."""
        new = [text for text in dict.fromkeys(texts) if (what, hash(text)) not in self._warned]
        if not new:
            return
        if len(self._warned) > MOST_WARNED:
            self._warned.clear()
        self._warned.update((what, hash(text)) for text in new)
        begin = repr(new[0][:MOST_QUOTED]) + ("…" if len(new[0]) > MOST_QUOTED else "")
        more = f", and for {len(new) - 1} more" if len(new) > 1 else ""
        logging.getLogger("genzoo_text_embeddings").warning("%s: %s%s", what, begin, more)
