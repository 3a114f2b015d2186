"""Hold what a tutorial says of the four families to the weights that ship: Markdown.

    python tools/tutorial.py

From the reports that ship; `genzoo_compare.claims` has the sentences and their rules.
`docs/measured.md` shows what it prints.
"""

from __future__ import annotations

from collections.abc import Iterator

from targets import row

from genzoo_compare.claims import CLAIMS, FAMILIES

TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}


def main() -> None:
    print("\n".join(lines()))


def lines() -> Iterator[str]:
    """One row for each claim and dataset: the figure of each family, and whether it holds."""
    yield row("A tutorial says", "Held to", *FAMILIES.values(), "")
    yield f"|---|---|{'--:|' * len(FAMILIES)}---|"
    for claim in CLAIMS:
        for dataset, title in TITLES.items():
            figures, holds = claim.of(dataset)
            cells = (claim.form.format(figure) for figure in figures.values())
            verdict = "holds" if holds else "does not hold"
            yield row(claim.text, f"{claim.rule}, {title}", *cells, verdict)


if __name__ == "__main__":
    main()
