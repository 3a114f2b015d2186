"""From prompts and conditions, as text, to the raw values that a model's conditioners take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genzoo.run.tasks.abilities import check_guided
from genzoo.text import quoted
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genzoo.zoo import Zoo
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.request import Request
    from genzoo_core.zoo import Opened

MAX_TEXT = 10_000
"""Most characters of a prompt, or of a condition's value."""


def parse_conditions(
    prompts: Sequence[str],
    conditions: Mapping[str, str | tuple[str, ...]],
    rows: int,
    opened: Opened,
    zoo: Zoo,
) -> dict[str, tuple[object, ...]]:
    """By name of the conditioner, the raw value of each row; the first reads the prompts."""
    from genzoo_core.conditioner import conditioners_of

    raws: dict[str, tuple[object, ...]] = {}
    if prompts:
        first, reader = _reader(opened, zoo, prompts[0])
        parsed = tuple(_parse(reader, "the prompt", prompt) for prompt in prompts)
        if len(parsed) not in (1, rows):
            raise UsageError(f"{len(parsed)} prompts do not go with {rows} inputs; give one or all")
        raws[first] = parsed if len(parsed) == rows else parsed * rows
    conditioners = conditioners_of(opened.module)
    for name, values in conditions.items():
        texts = values if isinstance(values, tuple) else (values,) * rows
        parsed_once = {text: _parse(conditioners[name], name, text) for text in texts}
        raws[name] = tuple(parsed_once[text] for text in texts)
    return raws


def parse_negative(request: Request, opened: Opened, zoo: Zoo) -> dict[str, object] | None:
    """The raw value of a request's negative prompt, by name of the first conditioner."""
    if request.negative is None:
        return None
    check_guided(opened)
    first, reader = _reader(opened, zoo, request.negative)
    return {first: _parse(reader, "the negative prompt", request.negative)}


def _parse(conditioner: Conditioner, what: str, text: str) -> Any:
    """The raw value of `text`, checked before any work is done for it."""
    from genzoo_core.rng import SampleRng

    raw = conditioner.parse(check_text(what, text))
    conditioner.prepare([raw], SampleRng([0]))
    return raw


def check_text(what: str, text: str) -> str:
    """`text`, where a record can hold it."""
    if not isinstance(text, str):
        raise UsageError(f"{what} is {quoted(text)}; it must be text")
    if len(text) > MAX_TEXT:
        raise UsageError(f"{what} has {len(text):,} characters; at most {MAX_TEXT:,} are taken")
    if "\0" in text:
        raise UsageError(f"{what} holds a NUL character; leave it out")
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character
        raise UsageError(f"{what} is not valid Unicode: {text[:40]!a}; give it as UTF-8") from None
    return text


def _reader(opened: Opened, zoo: Zoo, prompt: str) -> tuple[str, Conditioner]:
    """The first conditioner, which reads prompts, with its name."""
    from genzoo_core.conditioner import conditioners_of

    if conditioners := conditioners_of(opened.module):
        return next(iter(conditioners.items()))
    if prompt.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".gif")):
        hint = f"give a picture with --input {prompt}"
    elif able := [card.name for card in zoo.cards() if card.conditioners]:
        hint = f"these do: {', '.join(able[:5])}"
    else:
        hint = "no installed model does"
    raise UsageError(f"{opened.name} takes no prompt", hint)
