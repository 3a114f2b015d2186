"""How the families are called, ordered and told apart, everywhere the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Shape = Literal["circle", "square", "triangle", "diamond", "cross"]


@dataclass(frozen=True)
class Look:
    """A family's look.

    Attributes:
        title: Its name in a sentence.
        light: Colour on a light page, "#rrggbb".
        dark: Colour on a dark page.
        marker: Shape of its points, for those who see no colours.
    """

    title: str
    light: str
    dark: str
    marker: Shape


# From the palette of Okabe & Ito ("Color Universal Design", 2008), darkened or lightened until
# text in it can be read: a test holds them apart for those who see fewer colours.
LOOKS = {
    "autoencoder": Look("Autoencoder", "#0060a0", "#56b4e9", "circle"),
    "vae": Look("VAE", "#a35200", "#f0a92e", "square"),
    "gan": Look("GAN", "#8f2f78", "#e8a0cc", "triangle"),
    "diffusion": Look("Diffusion", "#006b50", "#1fc794", "diamond"),
}
"""In the order in which they are shown."""

OTHER = Look("", "#5a5a5a", "#b0b0b0", "cross")


def look(family: str) -> Look:
    """The look of a family, also of one that a plugin brought."""
    if family in LOOKS:
        return LOOKS[family]
    title = family.replace("-", " ").replace("_", " ")
    return Look(title[:1].upper() + title[1:] or "Other", OTHER.light, OTHER.dark, OTHER.marker)


def css_name(family: str) -> str:
    """The family's class and variable in a style sheet."""
    return family if family in LOOKS else "other"


def in_order(families: Iterable[str]) -> tuple[str, ...]:
    """Families once each: those that are known first, in their order, then by name."""
    known = list(LOOKS)
    return tuple(
        sorted(set(families), key=lambda f: (known.index(f) if f in known else len(known), f))
    )
