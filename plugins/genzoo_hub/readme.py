"""The model card that a repository shows: README.md, made from the card of a model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence

from genzoo_core.cards import Metric, ModelCard
from genzoo_core.specs import ModelSpec

NAME = "README.md"
MAX_BYTES = 1_000_000
"""A larger one is not read."""
TAG = "genzoo"
"""What `genzoo search` finds models by."""
MARK = "<!-- made by genzoo push -->"
"""Marks a README that a later push may replace."""

_LICENSES = {
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "zlib", "unlicense", "wtfpl",
    "mpl-2.0", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "epl-2.0",
    "cc", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0", "odbl", "openrail", "afl-3.0", "artistic-2.0", "bsl-1.0", "unknown",
}  # fmt: skip
"""Those that the Hub lists; another one is named in `license_name`."""

_MARKUP = re.compile(r"[\\`*_\[\]~$#]")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"})
_BLOCK = re.compile(r"^(\d*)(?=[-+=:.)])")
"""Beginnings of lines that would make a list or the like; a backslash follows the digits."""
_JOINER = "\u200d"
"""Joins emoji."""


def write_readme(
    card: ModelCard, spec: ModelSpec, repo: str, revision: str, dataset: str = ""
) -> str:
    """The text of README.md in a branch of "owner/repo".

    `card` has the sha256 and size of the file, `spec` the full names of components; `dataset` is
    the name of the dataset on the Hub, or "".
    """
    reference = f"hf://{repo}" if revision == "main" else f"hf://{repo}@{revision}"
    parts = [
        f"---\n{_metadata(card, dataset)}\n---\n{MARK}\n\n# {_text(card.name)}",
        _text(card.summary),
        "\n".join(_use(card, spec, reference)),
        "\n".join(_facts(card, spec)),
        "\n".join(_figures(card.metrics)),
        "\n".join(_rights(card)),
        *map(_text, re.split(r"\n\s*\n", card.notes)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metadata(card: ModelCard, dataset: str) -> str:
    from huggingface_hub import ModelCardData

    license_ = _line(card.license).lower()
    listed = license_ in _LICENSES
    data = ModelCardData(
        license=(license_ if listed else "other") if license_ else None,
        license_name=license_ if license_ and not listed else None,
        library_name=TAG,
        pipeline_tag="unconditional-image-generation" if card.kind == "model" else None,
        tags=[tag for tag in (TAG, _line(card.family), _line(card.kind)) if tag],
        datasets=[_line(dataset)] if dataset else None,
    )
    return data.to_yaml()


def _use(card: ModelCard, spec: ModelSpec, reference: str) -> Iterator[str]:
    shell = shlex.quote(reference)
    yield f"## Use it\n\n```console\n$ pip install genzoo\n$ genzoo info {shell}"
    if card.kind == "model":
        yield f"$ genzoo run {shell} -n 16 --seed 0 -o pictures.png"
        yield "```\n\n```python\nimport genzoo\n"
        yield f"pictures = genzoo.generate({json.dumps(reference)}, n=16, seed=0)"
    yield "```"
    if spec.conditioners:
        first, *others = spec.conditioners
        run = _code(f"genzoo run {shell} PROMPT")
        yield f"\nIts conditioner {_code(first)} reads the prompt: {run}."
        for name in others:
            setting = _code(f"--set {shlex.quote(name)}=…")
            yield f"{setting} sets its conditioner {_code(name)}."
    if needed := sorted(_distributions(spec) - {"genzoo"}):
        made = f"\nIt is made of components of {', '.join(map(_code, needed))}: "
        yield f"{made}install them where you trust who made them."
    if apart := [part.model for part in spec.parts.values() if part.inline is None]:
        yield f"\nIt shares parts with {', '.join(map(_code, apart))}, which must be installed too."


def _facts(card: ModelCard, spec: ModelSpec) -> Iterator[str]:
    rows = {
        "family": _text(card.family),
        "component": _cell(spec.component),
        "conditioners": ", ".join(map(_cell, spec.conditioners)),
        "dataset": _text(card.dataset),
        "pictures": "×".join(map(str, card.shape or ())),
        "parameters": f"{card.parameters:,}" if card.parameters else "",
        "size": f"{card.size:,} bytes",
        "sha256": _cell(card.sha256),
    }
    yield "## What it is\n\n| | |\n|---|---|"
    yield from (f"| {name} | {value} |" for name, value in rows.items() if value)


def _figures(metrics: Sequence[Metric]) -> Iterator[str]:
    if not metrics:
        return
    yield "## Measured\n"
    yield "| figure | value | floor | images | note | command |\n|---|--:|--:|--:|---|---|"
    for metric in metrics:
        unit = f" {_text(metric.unit)}" if metric.unit else ""
        floor = "" if metric.floor is None else f"{metric.floor:g}{unit}"
        n = "" if metric.n is None else f"{metric.n:,}"
        cells = [_text(metric.name), f"{metric.value:g}{unit}", floor, n, _text(metric.note)]
        yield f"| {' | '.join(cells)} | {_cell(metric.command)} |"
    yield "\nThe floor is the same figure for real training images."


def _rights(card: ModelCard) -> Iterator[str]:
    yield f"## Licence and credits\n\nLicence: {_text(card.license) or 'not stated'}."
    if card.credits:
        yield ""
        yield from (f"- {_text(credit)}" for credit in card.credits)


def _distributions(spec: ModelSpec) -> set[str]:
    """The distributions whose components a model names."""
    inner = [part.inline for part in spec.parts.values() if part.inline is not None]
    found = {name for one in inner for name in _distributions(one)}
    components = [spec.component, *(one.component for one in spec.conditioners.values())]
    return found | {name.partition("/")[0] for name in components if "/" in name}


def _line(text: str) -> str:
    """Text in one line, of printable characters."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() or c == _JOINER else "\ufffd" for c in words)


def _text(text: str) -> str:
    """A card's text in one line, with Markdown and HTML escaped."""
    escaped = _MARKUP.sub(r"\\\g<0>", _line(text)).translate(_HTML)
    return _BLOCK.sub(r"\1\\", escaped)


def _code(text: str) -> str:
    """Text as code, between more backticks than it has."""
    line = _line(text)
    if not line:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    gap = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{gap}{line}{gap}{fence}"


def _cell(text: str) -> str:
    """Text as code that stays within its cell of a table."""
    return _code(text).replace("|", "\\|")
