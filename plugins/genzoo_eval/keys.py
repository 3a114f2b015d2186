"""The figures that there are: their names, units, and which way is better. Imports no torch."""

from __future__ import annotations

from typing import Literal

import msgspec


class Key(msgspec.Struct, frozen=True):
    """What a figure of this key means.

    Attributes:
        key: As `Figure.key` has it.
        title: The field's term.
        unit: Of the value, or "" for a plain number; "%" for shares, which are stored as 0..1.
        better: Whether a lower or a higher value is better, or "" where neither is.
        meaning: One line for a newcomer, with its source.
    """

    key: str
    title: str
    unit: str
    better: Literal["lower", "higher", ""]
    meaning: str


KEYS = {
    key.key: key
    for key in (
        Key(
            "fd",
            "Fréchet distance",
            "",
            "lower",
            "Distance of the normals fitted to the features of generated and of test images "
            "(Heusel et al. 2017).",
        ),
        Key(
            "fd_infinity",
            "Fréchet distance, n → ∞",
            "",
            "lower",
            "The same without the bias of a finite sample (Chong & Forsyth 2020).",
        ),
        Key(
            "kid",
            "Kernel distance",
            "",
            "lower",
            "Squared maximum mean discrepancy, cubic kernel, without bias (Bińkowski et al. 2018).",
        ),
        Key(
            "precision",
            "Precision",
            "%",
            "higher",
            "Generated images that lie among the real ones (Kynkäänniemi et al. 2019, k = 3).",
        ),
        Key(
            "recall",
            "Recall",
            "%",
            "higher",
            "Real images that lie among the generated ones (Kynkäänniemi et al. 2019, k = 3).",
        ),
        Key(
            "density",
            "Density",
            "",
            "higher",
            "Precision that counts how many real neighbourhoods hold an image; real ones have 1 "
            "(Naeem et al. 2020, k = 5).",
        ),
        Key(
            "coverage",
            "Coverage",
            "%",
            "higher",
            "Real images with a generated one in their neighbourhood (Naeem et al. 2020, k = 5).",
        ),
        Key(
            "accuracy",
            "Asked class seen",
            "%",
            "higher",
            "Images in which a classifier of real ones sees the class that was asked for.",
        ),
        *(
            Key(
                f"r{k}_{name}",
                f"R@{k}, {title} captions",
                "%",
                "higher",
                f"Images whose asked caption, {meaning}, is among the first {k} of as many such "
                "that a dual encoder (Radford et al. 2021) finds; beside it that of real images.",
            )
            for name, title, meaning in (
                ("seen", "seen", "one of the training data"),
                ("held_out", "held-out", "which no training image has"),
            )
            for k in (1, 10)
        ),
        Key(
            "r10_rarer",
            "R@10, seen captions of rarer kinds",
            "%",
            "higher",
            "The same, of the seen captions that are not of the category that most training "
            "images have.",
        ),
        Key(
            "composed",
            "Composed",
            "%",
            "higher",
            "Images of held-out captions nearer to a real one of the caption, never seen, than to "
            "all training images; beside it that of real images.",
        ),
        Key(
            "copied_seen",
            "Copies, seen captions",
            "%",
            "",
            "Images of seen captions closer to a training image than nearly all test images are.",
        ),
        Key(
            "copied_held_out",
            "Copies, held-out captions",
            "%",
            "lower",
            "The same for held-out captions: what is repeated is the image of another caption.",
        ),
        Key(
            "style",
            "Asked style seen",
            "%",
            "higher",
            "Images whose nearest training image has the drawing style that was asked for.",
        ),
        Key(
            "class_tv",
            "Class imbalance",
            "%",
            "lower",
            "Total variation between the classes seen without a prompt and those of the data.",
        ),
        Key(
            "duplicates",
            "Near duplicates",
            "%",
            "lower",
            "Generated images closer to another one than test images are to one another.",
        ),
        Key(
            "memorised",
            "Copies of training images",
            "%",
            "lower",
            "Generated images closer to a training image than nearly all test images are.",
        ),
        Key(
            "nearer",
            "Nearer to training images",
            "%",
            "",
            "How probably an image is nearer to a training image than a test image is: 50 % is "
            "expected, more speaks for copying, and for blur (Meehan et al. 2020).",
        ),
        *(
            Key(
                f"nearer_{name}",
                f"Nearer to training images, {title} captions",
                "%",
                "",
                f"The same of images of {title} captions{more}.",
            )
            for name, title, more in (
                ("seen", "seen", ", whose training images are to be learnt"),
                ("held_out", "held-out", ", of which no training image is"),
            )
        ),
        Key(
            "sharpness",
            "Sharpness",
            "",
            "",
            "Mean variance of the Laplacian (Pech-Pacheco et al. 2000); best close to the floor's.",
        ),
        Key(
            "reconstruction_mse",
            "Reconstruction error",
            "",
            "lower",
            "Mean squared error of test images encoded and decoded, pixels in [-1, 1].",
        ),
        Key(
            "reconstruction_psnr",
            "Reconstruction PSNR",
            "dB",
            "higher",
            "Peak signal-to-noise ratio of test images encoded and decoded.",
        ),
        Key(
            "images_per_second",
            "Speed",
            "images/s",
            "higher",
            "Images per second in batches, on the threads that the model runs fastest on.",
        ),
        Key(
            "first_image",
            "First image",
            "s",
            "lower",
            "Seconds of `genzoo run -n 1` in a new process, from start to file.",
        ),
        Key(
            "peak_memory",
            "Peak memory",
            "MB",
            "lower",
            "Largest resident memory of a new process that makes 64 images.",
        ),
        Key("parameters", "Parameters", "", "lower", "Numbers that were trained, parts included."),
        Key(
            "flops",
            "Operations per image",
            "MFLOP",
            "lower",
            "Floating-point operations of matrix products and convolutions for one image.",
        ),
    )
}
"""By `Key.key`, in the order in which they are shown."""


def format_value(key: str, value: float) -> str:
    """A value with its unit, in as many digits as carry meaning.

    An unknown key, of another version or plugin, is shown as a plain number.
    """
    known = KEYS.get(key)
    unit = known.unit if known else ""
    if unit == "%":
        return f"{100 * value:.1f} %"
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()
