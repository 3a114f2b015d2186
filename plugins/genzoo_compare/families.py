"""How the families are called, ordered and drawn, everywhere the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A family's look."""

    title: str
    light: str
    dark: str
    marker: str
    sign: str


# From the palette of Okabe & Ito ("Color Universal Design", 2008), darkened or lightened until
# text in it can be read: a test holds them apart for those who see fewer colours.
LOOKS = {
    "autoencoder": Look("Autoencoder", "#0060a0", "#56b4e9", "o", "●"),
    "vae": Look("VAE", "#a35200", "#f0a92e", "s", "■"),
    "gan": Look("GAN", "#8f2f78", "#e8a0cc", "^", "▲"),
    "diffusion": Look("Diffusion", "#006b50", "#1fc794", "D", "◆"),
}
"""In the order of every table."""

OTHER = Look("", "#5a5a5a", "#b0b0b0", "P", "✚")


def look(family: str) -> Look:
    """The look of a family, also of one that another plugin brings."""
    if family in LOOKS:
        return LOOKS[family]
    title = family.replace("-", " ").replace("_", " ")
    title = title[:1].upper() + title[1:] or "Other"
    return Look(title, OTHER.light, OTHER.dark, OTHER.marker, OTHER.sign)


def css_name(family: str) -> str:
    """The family's class and variable in a style sheet."""
    return family if family in LOOKS else "other"


def in_order(families: Iterable[str]) -> tuple[str, ...]:
    """Families once each: those of `LOOKS` first, in their order, then by name."""
    order = list(LOOKS)
    return tuple(sorted(set(families), key=lambda f: (order.index(f) if f in order else 9, f)))
