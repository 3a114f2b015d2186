"""The model card that a repository shows: README.md, made from what is known of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genzoo_core.cards import Metric, ModelCard
from genzoo_core.specs import ModelSpec

NAME = "README.md"
MAX_BYTES = 1_000_000
"""A larger one is not read."""
TAG = "genzoo"
"""What `genzoo search` finds models by."""
MARK = "<!-- made by genzoo push -->"
"""Stands in a README that a later push may replace."""

_LICENSES = {
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "zlib", "unlicense", "wtfpl",
    "mpl-2.0", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "epl-2.0",
    "cc", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0", "odbl", "openrail", "afl-3.0", "artistic-2.0", "bsl-1.0", "unknown",
}  # fmt: skip
"""Those that the Hub knows; another one is named in `license_name`."""


def write_readme(
    card: ModelCard, spec: ModelSpec, repo: str, revision: str, dataset: str = ""
) -> str:
    """The text of README.md.

    Args:
        card: What is known of the model; its sha256 and size are those of the file.
        spec: What the file says is to be built, with full names.
        repo: "owner/repo" that it goes to.
        revision: Branch that it goes to.
        dataset: Name of the dataset on the Hub, or "".
    """
    reference = f"hf://{repo}" if revision == "main" else f"hf://{repo}@{revision}"
    parts = [
        f"---\n{_metadata(card, dataset)}\n---\n{MARK}\n\n# {card.name}",
        card.summary,
        "\n".join(_use(card, spec, reference)),
        "\n".join(_facts(card, spec)),
        "\n".join(_figures(card.metrics)),
        "\n".join(_rights(card)),
        card.notes.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metadata(card: ModelCard, dataset: str) -> str:
    from huggingface_hub import ModelCardData

    license_ = card.license.lower()
    known = license_ in _LICENSES
    data = ModelCardData(
        license=(license_ if known else "other") if license_ else None,
        license_name=license_ if license_ and not known else None,
        library_name=TAG,
        pipeline_tag="unconditional-image-generation" if card.kind == "model" else None,
        tags=[TAG, *([card.family] if card.family else []), card.kind],
        datasets=[dataset] if dataset else None,
    )
    return data.to_yaml()


def _use(card: ModelCard, spec: ModelSpec, reference: str) -> Iterator[str]:
    yield "## Use it"
    yield ""
    yield "```console"
    yield "$ pip install genzoo"
    yield f"$ genzoo info {reference}"
    if card.kind == "model":
        yield f"$ genzoo run {reference} -n 16 --seed 0 -o pictures.png"
        yield "```"
        yield ""
        yield "```python"
        yield "import genzoo"
        yield ""
        yield f'pictures = genzoo.generate("{reference}", n=16, seed=0)'
    yield "```"
    if spec.conditioners:
        first, *others = spec.conditioners
        yield ""
        yield f"Its conditioner `{first}` reads the prompt: `genzoo run {reference} PROMPT`."
        for name in others:
            yield f"`--set {name}=…` sets its conditioner `{name}`."
    needed = sorted(_distributions(spec) - {"genzoo"})
    if needed:
        yield ""
        yield (
            f"It is made of components of {_code(needed)}: install them where you trust who made "
            "them."
        )
    apart = [f"`{part.model}`" for part in spec.parts.values() if part.inline is None]
    if apart:
        yield ""
        yield f"It shares parts with {', '.join(apart)}, which must be installed too."


def _facts(card: ModelCard, spec: ModelSpec) -> Iterator[str]:
    rows = {
        "family": card.family,
        "component": f"`{spec.component}`",
        "conditioners": _code(list(spec.conditioners)),
        "dataset": card.dataset,
        "pictures": "×".join(map(str, card.shape or ())),
        "parameters": f"{card.parameters:,}" if card.parameters else "",
        "size": f"{card.size:,} bytes",
        "sha256": f"`{card.sha256}`",
    }
    yield "## What it is"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, value in rows.items():
        if value:
            yield f"| {name} | {_cell(value)} |"


def _figures(metrics: Sequence[Metric]) -> Iterator[str]:
    if not metrics:
        return
    yield "## Measured"
    yield ""
    yield "| figure | value | floor | images | note | command |"
    yield "|---|--:|--:|--:|---|---|"
    for metric in metrics:
        unit = f" {metric.unit}" if metric.unit else ""
        floor = "" if metric.floor is None else f"{metric.floor:g}{unit}"
        n = "" if metric.n is None else f"{metric.n:,}"
        cells = [metric.name, f"{metric.value:g}{unit}", floor, n, metric.note]
        yield f"| {' | '.join(map(_cell, cells))} | `{_cell(metric.command)}` |"
    yield ""
    yield "The floor is the same figure for real training images."


def _rights(card: ModelCard) -> Iterator[str]:
    yield "## Licence and credits"
    yield ""
    yield f"Licence: {card.license or 'not stated'}."
    if card.credits:
        yield ""
        yield from (f"- {credit}" for credit in card.credits)


def _distributions(spec: ModelSpec) -> set[str]:
    """Those whose components a model names."""
    inner = [part.inline for part in spec.parts.values() if part.inline is not None]
    found = {name for one in inner for name in _distributions(one)}
    components = [spec.component, *(one.component for one in spec.conditioners.values())]
    return found | {name.partition("/")[0] for name in components if "/" in name}


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """Text that stays within its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
