"""What `genzoo new` can put into a plugin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Something that a plugin can bring, with a folder of templates of its name.

    Attributes:
        name: Its name.
        component: Whether it is a component that the conformance kit can check.
        model: What follows the plugin's name in that of the model that comes with it, or "".
        learns: Whether there is a recipe, which trains on shapes that the plugin draws.
        try_it: A command that shows what it does.
    """

    name: str
    component: bool = True
    model: str = ""
    learns: bool = False
    try_it: str = ""


KINDS = (
    Kind(
        "model",
        model="-shapes",
        learns=True,
        try_it="genzoo run $name-shapes circle square -n 8 -o shapes.png",
    ),
    Kind("codec", model="-codec-shapes", learns=True, try_it="genzoo info $name-codec-shapes"),
    Kind("sampler", try_it="genzoo run flow-mnist 7 --sampler $name -n 16 -o sevens.png"),
    Kind(
        "noiser",
        learns=True,
        try_it="genzoo train src/$package/recipes/$name-diffusion-shapes.toml --data data",
    ),
    Kind(
        "conditioner",
        learns=True,
        try_it="genzoo train src/$package/recipes/$name-conditioned-shapes.toml --data data",
    ),
    Kind("command", component=False, try_it="genzoo $name vae-mnist 1 -n 64"),
)
"""In the order in which a README describes them."""
