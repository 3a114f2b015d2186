"""Hold what a tutorial says of the four families to the weights that ship: Markdown.

    python tools/tutorial.py

From the reports that ship. `genzoo stability` does so with small nets and equal time; these models
were trained as well as each family could be. `docs/measured.md` shows what it prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from targets import figure, operations, own, ratio, row

FAMILIES = {"ae": "autoencoder", "vae": "VAE", "gan": "GAN", "flow": "diffusion"}
"""What the best model of each family is called, before its dataset, and what the family is."""

Figures = dict[str, float]


def main() -> None:
    print("\n".join(lines()))


def lines() -> Iterator[str]:
    """One row for each claim: the figure it is held to, of each family, and whether it holds."""
    yield row("A tutorial says", "Held to", *FAMILIES.values(), "")
    yield f"|---|---|{'--:|' * len(FAMILIES)}---|"
    for claim, measure, shown, of, holds in CLAIMS:
        for dataset in ("mnist", "fashion"):
            found = {family: of(f"{family}-{dataset}") for family in FAMILIES}
            verdict = "holds" if holds(found) else "does not hold"
            told = (shown.format(value) for value in found.values())
            yield row(claim, f"{measure}, {TITLES[dataset]}", *told, verdict)


TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}


def distance(name: str) -> float:
    return ratio(own(name), "fd")


def other_distance(name: str) -> float:
    """The Fréchet distance that the net without labels sees, over its floor."""
    (found,) = (f for f in own(name).figures if f.key == "fd" and f.net.endswith("supervised"))
    return found.value / (found.floor or 1.0)


def coverage(name: str) -> float:
    return ratio(own(name), "coverage")


def accuracy(name: str) -> float:
    return figure(own(name), "accuracy")[0]


def sharpness(name: str) -> float:
    (found,) = (f for f in own(name).figures if f.key == "sharpness")
    return found.value / (found.floor or 1.0)


CLAIMS: tuple[tuple[str, str, str, Callable[[str], float], Callable[[Figures], bool]], ...] = (
    (
        "An autoencoder is not generative",
        "FD ÷ floor above 15",
        "{:.3g}×",
        distance,
        lambda found: found["ae"] > 15,
    ),
    (
        "A VAE is smooth and somewhat blurry",
        "sharpness ÷ real under 0.9",
        "{:.2f}",
        sharpness,
        lambda found: found["vae"] < 0.9,
    ),
    (
        "A GAN is sharp",
        "sharpness ÷ real over 0.9",
        "{:.2f}",
        sharpness,
        lambda found: found["gan"] > 0.9,
    ),
    (
        "A GAN leaves out part of the data",
        "coverage ÷ floor, the smallest",
        "{:.2f}",
        coverage,
        lambda found: found["gan"] == min(found.values()),
    ),
    (
        "Diffusion gives the best pictures",
        "FD ÷ floor, the smallest",
        "{:.3g}×",
        distance,
        lambda found: found["flow"] == min(found.values()),
    ),
    (
        "The same, seen by another net",
        "self-supervised FD ÷ floor, the smallest",
        "{:.3g}×",
        other_distance,
        lambda found: found["flow"] == min(found.values()),
    ),
    (
        "Diffusion is slow",
        "million operations a picture, the most",
        "{:,.0f}",
        operations,
        lambda found: found["flow"] == max(found.values()),
    ),
    (
        "Conditioning layers on all four",
        "asked class seen, over 90 %",
        "{:.1%}",
        accuracy,
        lambda found: min(found.values()) > 0.9,
    ),
)
"""What is said, the figure and the rule, how it is shown, where it is from, and the rule itself."""


if __name__ == "__main__":
    main()
