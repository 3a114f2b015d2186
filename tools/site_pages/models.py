"""A page for each model of genzoo, made from its card, its recipe and what it draws."""

from __future__ import annotations

import io
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

import genzoo
from genzoo_core import Metric, ModelCard
from genzoo_core.images import grid, to_pil, to_uint8

PLUGINS = Path(__file__).parents[2] / "plugins"
COLUMNS = 10
WIDTH = 720
"""Pixels, about, of a sheet."""

WORDS = (
    *("red heart", "cat face", "grinning face", "woman firefighter", "automobile"),
    *("evergreen tree", "thumbs up", "dog face", "pizza", "soccer ball"),
)
GROUPS = {
    "autoencoder": "Autoencoders",
    "vae": "VAEs",
    "gan": "GANs",
    "diffusion": "Diffusion",
    "codec": "Codecs, on whose latents others work",
    "encoder": "Feature nets, which measure",
    "conditioner": "Frozen encoders of text",
}
"""Families of models, and the other kinds, with their titles."""


def pages() -> dict[str, str | bytes]:
    """The pages with their pictures, and the index of all."""
    made: dict[str, str | bytes] = {}
    cards = [genzoo.card(name) for name in genzoo.list_models("genzoo/*")]
    for card in cards:
        sheet = _sheet(card) if card.kind == "model" else None
        if sheet:
            made[f"models/{card.name}.png"] = sheet
        made[f"models/{card.name}.md"] = "\n".join(_page(card, drawn=sheet is not None)) + "\n"
    made["models/index.md"] = "\n".join(_index(cards)) + "\n"
    return made


def _index(cards: list[ModelCard]) -> Iterator[str]:
    yield "# Models\n\nWhat ships with genzoo. `genzoo list` shows these and yours."
    for group, title in GROUPS.items():
        yield f"\n## {title}\n"
        yield "| model | | data | conditioned on | licence |\n|---|---|---|---|---|"
        for card in cards:
            if group == (card.family if card.kind == "model" else card.kind):
                named, on = f"[{card.name}]({card.name}.md)", ", ".join(card.conditioners)
                yield _row(named, card.summary, card.dataset, on, card.license)


def _page(card: ModelCard, *, drawn: bool) -> Iterator[str]:
    yield f"# {card.name}\n\n{card.summary}\n"
    if drawn:
        what = "Without a prompt" + ("; below, with one each" if card.conditioners else "")
        yield f"![{what}]({card.name}.png){{ .sheet }}\n"
        yield f"{what}: {', '.join(_prompts(card))}.\n" if card.conditioners else f"{what}.\n"
    yield f"## Use it\n\n```console\n{_commands(card)}\n```\n"
    facts = {
        "family": card.family,
        "data": card.dataset,
        "pictures": "×".join(map(str, card.shape or ())),
        "conditioned on": ", ".join(card.conditioners),
        "parameters": f"{card.parameters:,}" if card.parameters else "",
        "file": f"{card.size / 1e6:.1f} MB",
        "sha256": f"`{card.sha256}`",
        "licence": card.license,
        "credits": "; ".join(card.credits),
    }
    yield "## What it is\n\n| | |\n|---|---|"
    yield from (_row(name, value) for name, value in facts.items() if value)
    yield f"\n{card.notes}\n"
    if card.metrics:
        yield "## Measured\n"
        yield "The floor is the same figure of as many real training pictures.\n"
        yield "| figure | value | floor | pictures | seen by |\n|---|--:|--:|--:|---|"
        yield from (_row(*cells) for cells in _figures(card))
        yield "\nAgain by\n\n```console"
        yield from dict.fromkeys(f"$ {metric.command}" for metric in card.metrics)
        yield "```\n"
    if card.recipe:
        yield f"## Recipe\n\n```console\n$ genzoo train {card.name} --data DIR\n```\n"
        yield f"```toml\n{_recipe(card)}\n```"


def _figures(card: ModelCard) -> Iterator[tuple[str, ...]]:
    for metric in card.metrics:
        unit = f" {metric.unit}" if metric.unit else ""
        floor = "" if metric.floor is None else f"{metric.floor:g}{unit}"
        n = "" if metric.n is None else f"{metric.n:,}"
        yield metric.name, f"{metric.value:g}{unit}", floor, n, _seen_by(metric)


def _seen_by(metric: Metric) -> str:
    net = metric.note.removeprefix("in the features of ")
    return metric.note if net == metric.note else f"[{net}]({net}.md)"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _commands(card: ModelCard) -> str:
    name = card.name
    lines = [f"genzoo info {name}"]
    if card.kind == "model":
        lines.append(f"genzoo run {name} -n 16{_settings(card)} -o pictures.png")
        if card.conditioners:
            lines.append(f"genzoo run {name} {shlex.quote(_prompts(card)[0])} -n 16")
    elif card.kind == "codec":
        lines.append(f"genzoo run {name} --input picture.png -o copy.png")
        lines.append(f"genzoo encode {name} picture.png -o latent.npz")
    elif card.family == "features":
        lines.append(f"genzoo encode {name} picture.png -o features.npz")
    return "\n".join(f"$ {line}" for line in lines)


def _prompts(card: ModelCard) -> tuple[str, ...]:
    if card.conditioners[0] == "text":
        return WORDS
    recipe = tomllib.loads(_recipe(card))
    return tuple(recipe["model"]["conditioners"]["label"]["config"]["classes"])


def _recipe(card: ModelCard) -> str:
    (path,) = PLUGINS.glob(f"*/{card.recipe}")
    return path.read_text(encoding="utf-8").rstrip()


def _settings(card: ModelCard) -> str:
    """What a model needs to draw at all: an autoencoder without a prior, N(0, I) for one."""
    standard = any("prior=standard-normal" in metric.command for metric in card.metrics)
    return " --set prior=standard-normal" if standard else ""


def _sheet(card: ModelCard) -> bytes | None:
    """Ten pictures without a prompt, and ten with one each, as a PNG."""
    rows = [_drawn(card, ())]
    if card.conditioners:
        rows.append(_drawn(card, _prompts(card)))
    sheet = to_pil(grid(torch.cat(rows), columns=COLUMNS))
    scale = max(1, WIDTH // sheet.width)
    data = io.BytesIO()
    sheet.resize((sheet.width * scale, sheet.height * scale), resample=0).save(data, "PNG")
    return data.getvalue()


def _drawn(card: ModelCard, prompts: tuple[str, ...]) -> Tensor:
    n = 1 if prompts else COLUMNS
    name = f"genzoo/{card.name}"
    options = {"prior": "standard-normal"} if _settings(card) else {}
    return to_uint8(genzoo.generate(name, prompts, n=n, seed=0, options=options).images)
