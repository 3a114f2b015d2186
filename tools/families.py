"""The four families in a table for the README, from the reports that ship.

    python tools/families.py

A row is the best models of a family, `NAME-mnist`, `NAME-fashion` and `NAME-emoji`. Speeds are
those of the table in `docs/comparison.md`, for reports have none. The README shows what it prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from targets import row

from genzoo_compare.claims import FAMILIES, figure_of, multiple, net_of, own_report
from genzoo_stability.api import load_shipped

COMPARISON = Path(__file__).parents[1] / "docs" / "comparison.md"
VARIANTS = {"ae": "autoencoder", "vae": "vae", "gan": "gan", "flow": "diffusion"}
"""What the nets whose trainings were repeated are called, by family."""


def main() -> None:
    print("\n".join(lines()))


def lines() -> Iterator[str]:
    """The table."""
    digit, words = own_report("flow-mnist"), own_report("flow-emoji")
    real_digit = figure_of(digit, "accuracy").floor
    real_words = figure_of(words, "r10_held_out").floor
    yield row(
        "Family",
        "Digits: how far from real (1× = real)",
        "Clothes: how far from real (1× = real)",
        f"Drew the digit asked (real: {real_digit:.1%})",
        f"Drew the words asked (real: {real_words:.0%})",
        "Pictures a second",
        "Trainings that failed",
    )
    yield f"|---|{'--:|' * 6}"
    for family, title in FAMILIES.items():
        yield row(
            f"{title[0].upper()}{title[1:]} (`{family}-…`)",
            _distance(f"{family}-mnist"),
            _distance(f"{family}-fashion"),
            f"{figure_of(own_report(f'{family}-mnist'), 'accuracy').value:.1%}",
            f"{figure_of(own_report(f'{family}-emoji'), 'r10_held_out').value:.0%}",
            _speed(f"{family}-mnist"),
            _failed(VARIANTS[family]),
        )


def _distance(name: str) -> str:
    """The Fréchet distance over its floor, by the net that sees more of it."""
    report = own_report(name)
    nets = (net_of(report), net_of(report, "self-supervised"))
    return f"{max(multiple(report, 'fd', net) for net in nets):.3g}×"


def _speed(name: str) -> str:
    """Pictures a second, as the table of the comparison says."""
    rows = [
        [cell.strip("`* ") for cell in line.strip("| \n").split(" | ")]
        for line in COMPARISON.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    header, cells = rows[0], next(cells for cells in rows if cells[1:2] == [name])
    speed = cells[header.index("Speed (images/s)")]
    assert re.fullmatch(r"[\d,.]+", speed), speed
    return speed


def _failed(variant: str) -> str:
    """Of trainings from other seeds, at the recipe's own learning rate."""
    results = load_shipped("mnist")
    assert results is not None
    (found,) = (each for each in results.summaries if each.variant == variant)
    return f"{found.failed_seeds} of {found.seeds}"


if __name__ == "__main__":
    main()
