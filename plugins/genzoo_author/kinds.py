"""What `genzoo new` can put into a plugin."""

from __future__ import annotations

from dataclasses import dataclass

SHAPES = ("python -m genzoo_author.shapes data", "draw pictures to train on")
TRAIN = "train it for some seconds"


@dataclass(frozen=True)
class Kind:
    """Something that a plugin can bring, with a folder of templates of its name if it needs any.

    Attributes:
        steps: Commands that show what it does, each with what it is for.
        component: Whether it is a component that the conformance kit can check.
        hook: The hook that the package's module implements, or "".
        model: What follows the plugin's name in that of the model that comes with it, or "".
    """

    name: str
    steps: tuple[tuple[str, str], ...]
    component: bool = True
    model: str = ""
    hook: str = ""


BARE = Kind("bare", (("genzoo plugins", "see that it is found"),), component=False)
"""Nothing: the package and its manifest alone."""

KINDS = (
    Kind(
        "model",
        (
            ("genzoo run $name-shapes circle square -n 8 -o shapes.png", "draw with its model"),
            SHAPES,
            ("genzoo train $name-shapes --data data", TRAIN),
            ("genzoo ship runs/$name-shapes", "put the new weights into the plugin"),
        ),
        model="-shapes",
    ),
    Kind(
        "codec",
        (
            SHAPES,
            (
                "genzoo encode $name-codec-shapes data/shapes/train/circle/000.png -o z.npz",
                "turn a picture into latents",
            ),
        ),
        model="-codec-shapes",
    ),
    Kind(
        "encoder",
        (
            SHAPES,
            ("genzoo train src/$package/recipes/$name-encoded-shapes.toml --data data", TRAIN),
        ),
    ),
    Kind(
        "sampler",
        (
            (
                "genzoo run flow-mnist 7 --sampler $name -n 16 -o sevens.png",
                "draw with it from a model that is here",
            ),
        ),
    ),
    Kind(
        "noiser",
        (
            SHAPES,
            ("genzoo train src/$package/recipes/$name-diffusion-shapes.toml --data data", TRAIN),
        ),
    ),
    Kind(
        "conditioner",
        (
            SHAPES,
            ("genzoo train src/$package/recipes/$name-conditioned-shapes.toml --data data", TRAIN),
        ),
    ),
    Kind(
        "format",
        (
            ("python tests/write_example.py example", "write a folder in the format"),
            ("genzoo run example -n 8 -o digits.png", "draw from that folder"),
            ("genzoo check ./example", "check that it is read as genzoo asks"),
        ),
        component=False,
    ),
    Kind("command", (("genzoo $name vae-mnist 1 -n 64", "run its command"),), component=False),
    Kind(
        "hook",
        (("genzoo run vae-mnist 7 -n 8 -o sevens.png", "see what it says before a run"),),
        component=False,
        hook="genzoo_before_run",
    ),
    BARE,
)
"""In the order in which a README describes them."""
