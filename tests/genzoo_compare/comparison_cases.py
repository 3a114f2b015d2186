"""A comparison made by hand: figures as reports hold them, and small pictures."""

from __future__ import annotations

from typing import Any

import torch

from genzoo_compare.baselines import Baseline
from genzoo_compare.comparison import Comparison, Gallery, Net, Row
from genzoo_eval.report import Figure, Report, Subject
from genzoo_stability.results import Claim, StabilityResults, Summary

SEEING, BLIND = "features-mnist-classifier", "features-mnist-self-supervised"
HOSTILE = "<script>alert('evil')</script>&|`*\x1b[31m"


def report(
    name: str,
    family: str,
    *,
    seeing: float,
    blind: float,
    speed: float,
    parameters: int,
    accuracy: float | None = None,
    error: float | None = None,
    precision: float = 0.9,
    recall: float = 0.8,
    spread: float | None = None,
    options: dict[str, Any] | None = None,
) -> Report:
    """A report whose Fréchet distances are given in floors: 3 in one net, 0.5 in the other."""
    figures = [
        Figure("fd", 3.0 * seeing, SEEING, 3.0, None if spread is None else 3.0 * spread, 10_000),
        Figure("fd", 0.5 * blind, BLIND, 0.5, None if spread is None else 0.5 * spread, 10_000),
        Figure("precision", precision, SEEING, 0.95, None, 10_000),
        Figure("recall", recall, SEEING, 0.94, None, 10_000),
        Figure("images_per_second", speed, n=512),
        Figure("parameters", parameters),
    ]
    if accuracy is not None:
        figures.append(Figure("accuracy", accuracy, SEEING, 0.994, None, 10_000))
    if error is not None:
        figures.append(Figure("reconstruction_mse", error, n=10_000))
    return Report(
        subject=Subject(f"genzoo/{name}", "ab" * 32, family=family, options=options or {}),
        dataset="mnist",
        reference="cd" * 32,
        n=10_000,
        seed=0,
        figures=tuple(figures),
        command=f"genzoo eval {name} --data mnist",
        machine="2 cores",
    )


def pictures(n: int, seed: int = 0) -> torch.Tensor:
    """uint8 `[n, 1, 28, 28]` of noise."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, 28, 28), generator=generator, dtype=torch.uint8)


def gallery(seed: int, *, encodes: bool, classes: tuple[str, ...] = ()) -> Gallery:
    """Pictures of one model."""
    return Gallery(
        samples=pictures(36, seed),
        prompted=tuple((name, pictures(10, seed + i)) for i, name in enumerate(classes)),
        originals=pictures(10, 99) if encodes else None,
        copies=pictures(10, seed + 50) if encodes else None,
        walk=pictures(10, seed + 60),
        neighbours=pictures(10, seed + 70),
    )


CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def rows() -> tuple[Row, ...]:
    """One row or two of each family, and one of a family that nobody knows."""
    flow = [
        report(
            "flow-mnist", "diffusion", seeing=s, blind=b, speed=v, parameters=753_700, accuracy=a
        )
        for s, b, v, a in (
            (90, 70, 900, 0.7),
            (20, 22, 500, 0.95),
            (6, 5, 190, 0.99),
            (3, 2.6, 55, 0.994),
        )
    ]
    kept = {"prior": "standard-normal"}
    return (
        Row(
            "ae-mnist",
            "autoencoder",
            report(
                "ae-mnist",
                "autoencoder",
                seeing=1.9,
                blind=3.1,
                speed=5200,
                parameters=401_204,
                accuracy=0.983,
                error=0.021,
                spread=0.05,
            ),
            "Convolutional autoencoder with a Gaussian mixture fitted to its latents.",
            gallery=gallery(1, encodes=True, classes=CLASSES),
        ),
        Row(
            "vae-mnist",
            "vae",
            report(
                "vae-mnist",
                "vae",
                seeing=2.4,
                blind=3.3,
                speed=5100,
                parameters=601_956,
                accuracy=0.974,
                error=0.027,
                spread=0.06,
            ),
            "Convolutional VAE with a learned noise level and a fitted prior.",
            gallery=gallery(2, encodes=True, classes=CLASSES),
        ),
        Row(
            "gan-mnist",
            "gan",
            report(
                "gan-mnist",
                "gan",
                seeing=1.7,
                blind=1.9,
                speed=4100,
                parameters=1_011_204,
                accuracy=0.984,
                spread=0.04,
            ),
            "Digits by class in one pass: R3GAN in small.",
            gallery=gallery(3, encodes=False, classes=CLASSES),
        ),
        Row(
            "flow-mnist",
            "diffusion",
            flow[3],
            "Rectified flow with a small U-Net.",
            curve=tuple(zip((1, 2, 5), flow[:3], strict=True)),
            gallery=gallery(4, encodes=False, classes=CLASSES),
        ),
        Row(
            "odd",
            HOSTILE,
            report("odd", HOSTILE, seeing=11, blind=12, speed=50, parameters=5),
            HOSTILE,
            gallery=gallery(5, encodes=False),
        ),
        Row(
            "ae-mlp-mnist",
            "autoencoder",
            report(
                "ae-mlp-mnist",
                "autoencoder",
                seeing=224,
                blind=250,
                speed=52_000,
                parameters=209_968,
                error=0.03,
                options=kept,
            ),
            "The tutorial's autoencoder.",
            settings=kept,
            gallery=gallery(6, encodes=True),
            baseline=Baseline("ae-mlp-mnist", "autoencoder", "Its title", "the tutorial", "mnist"),
        ),
    )


def summary(variant: str, family: str, failed: int, **others: Any) -> Summary:
    """What nine trainings of one kind of nets came to."""
    fields: dict[str, Any] = {
        "judged_by": "fd",
        "runs": 9,
        "seeds": 9,
        "steps": 100,
        "reasons": {},
        "medians": {},
        "cv": None,
        "by_rate": {},
        "sensitivity": None,
        "wobble": None,
        "checkpoints": 5,
    }
    return Summary(variant=variant, family=family, failed=failed, **{**fields, **others})


def stability(*summaries: Summary) -> StabilityResults:
    """Results of these, and a claim."""
    claim = Claim("GANs train unsteadily.", "holds", "5 of 9 trainings failed", "over a third")
    return StabilityResults(
        *("mnist", 240, 2000, "a net", "ab", {}, summaries, (claim,), (), ()),
        command="genzoo stability --data mnist",
    )


def comparison() -> Comparison:
    """The rows, two feature nets, a stability and a missing baseline."""
    steady = (
        summary("gan-classic", "gan", 5, sensitivity=14.0),
        summary("gan", "gan", 1, sensitivity=2.1),
        summary("vae", "vae", 0, sensitivity=1.2),
    )
    return Comparison(
        dataset="mnist",
        rows=rows(),
        missing=(
            Baseline(
                "vae-two-stage",
                "vae",
                "Two-stage VAE",
                "Dai & Wipf 2019",
                "mnist",
                missing="no component stacks two",
            ),
        ),
        nets=(Net(SEEING, "11" * 32, "A classifier."), Net(BLIND, "22" * 32, "Without labels.")),
        stability=stability(*steady),
        real=pictures(36, 7),
        command="genzoo compare --data mnist -o report.html",
    )
