"""What tutorials say of the families, held against the figures. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from genzoo_stability.results import Claim, Starved, Summary, Verdict

FEWEST_SEEDS = 3
"""Trainings at the recipe's own rate below which a variant is not judged."""

STEADY = 0.1
"""Largest coefficient of variation over seeds of a stable training."""

BLURRY = 0.9
"""Times the sharpness of real images below which pictures are blurry."""

STARVED = 0.1
"""Share of the gradient left below which a generator starves."""

CALM = ("autoencoder", "vae", "diffusion")
GANS = ("gan-classic", "gan")

Summaries = Mapping[str, Summary]
"""By variant."""


def judge_claims(
    summaries: Sequence[Summary], floor: Mapping[str, float], starving: Sequence[Starved]
) -> tuple[Claim, ...]:
    """The claims with their verdicts, each decided by a rule that it states."""
    found = {s.variant: s for s in summaries if s.seeds >= FEWEST_SEEDS}
    minimax, relativistic = (gradient_left(starving, x) for x in ("minimax", "relativistic"))
    left = (
        f"{STARVED:.0%} of its gradient is left after the longest training of the "
        "discriminator alone, of that after the shortest"
    )
    beside = _course(starving, "non-saturating")
    return (
        _autoencoder_is_stable(found),
        _extreme(
            found,
            "An autoencoder is not generative: N(0, I) decoded is no picture.",
            "its Fréchet distance is above that of the VAE, of R3GAN and of diffusion",
            "fd",
            "autoencoder",
            ("vae", "gan", "diffusion"),
            largest=True,
        ),
        _vae_is_blurry(found, floor),
        _gan_is_unstable(
            found, "A GAN with the classic minimax loss trains unstably.", "gan-classic"
        ),
        _gan_is_unstable(found, "A GAN with a modern loss (R3GAN) trains unstably.", "gan"),
        _claim(
            "A discriminator that is too good starves the generator (minimax loss).",
            None if minimax is None else minimax < STARVED,
            _gradient_norms(starving, "minimax")
            + (beside and f"; with the non-saturating loss {beside}"),
            f"less than {left}",
        ),
        _claim(
            "With a modern loss (R3GAN) a discriminator that is too good starves nobody.",
            None if relativistic is None else relativistic >= STARVED,
            _gradient_norms(starving, "relativistic"),
            f"at least {left}",
        ),
        _diffusion_is_stable(found),
        _extreme(
            found,
            "Diffusion is slower.",
            "it makes fewer images a second than each of the others, on one thread",
            "images_per_second",
            "diffusion",
            ("autoencoder", "vae", *GANS),
        ),
        _extreme(
            found,
            "Diffusion gives the best pictures.",
            "its Fréchet distance is below that of each of the others, after equal time",
            "fd",
            "diffusion",
            ("autoencoder", "vae", *GANS),
        ),
    )


def _autoencoder_is_stable(summaries: Summaries) -> Claim:
    it, stable, figures = summaries.get("autoencoder"), None, ""
    if it is not None and it.cv is not None:
        stable = it.failed == 0 and it.cv <= STEADY
        figures = f"{_failed(it)}, its error varies by {it.cv:.1%} over seeds"
    return _claim(
        "An autoencoder trains stably.",
        stable,
        figures,
        f"no training failed, and the reconstruction error varies by at most {STEADY:.0%}",
    )


def _vae_is_blurry(summaries: Summaries, floor: Mapping[str, float]) -> Claim:
    value, real = _median(summaries, "vae", "sharpness"), floor.get("sharpness")
    blurry, figures = None, ""
    if value is not None and real is not None:
        blurry = value < BLURRY * real
        figures = f"sharpness {value:.3g}, real images {real:.3g}"
    return _claim(
        "A VAE's pictures are smooth and somewhat blurry.",
        blurry,
        figures,
        f"they have less than {BLURRY:g} times the sharpness of real images",
    )


def _gan_is_unstable(summaries: Summaries, claim: str, variant: str) -> Claim:
    its, others = _of(summaries, variant), _of(summaries, *CALM)
    complete = bool(its) and len(others) == len(CALM)
    return _claim(
        claim,
        _less_stable(its[0], others) if complete else None,
        _stabilities([*its, *others]),
        "more of its trainings failed than of the autoencoder's, the VAE's and diffusion's "
        "each; or as many, and its wobble is larger than each of theirs",
    )


def _diffusion_is_stable(summaries: Summaries) -> Claim:
    its, gans = _of(summaries, "diffusion"), _of(summaries, *GANS)
    stable = None
    if its and len(gans) == len(GANS):
        stable = its[0].failed == 0 and not any(_less_stable(its[0], [gan]) for gan in gans)
    return _claim(
        "Diffusion trains stably.",
        stable,
        _stabilities([*its, *gans]),
        "no training failed, and neither GAN is more stable by the rule above",
    )


def _extreme(
    summaries: Summaries,
    claim: str,
    rule: str,
    key: str,
    variant: str,
    others: Iterable[str],
    *,
    largest: bool = False,
) -> Claim:
    """That a variant has the smallest median of a figure, or the largest."""
    values = {name: _median(summaries, name, key) for name in (variant, *others)}
    measured = {name: value for name, value in values.items() if value is not None}
    holds = None
    if len(measured) == len(values):
        value, *rest = measured.values()
        holds = value > max(rest) if largest else value < min(rest)
    return _claim(claim, holds, ", ".join(f"{name} {v:.3g}" for name, v in measured.items()), rule)


def _median(summaries: Summaries, variant: str, key: str) -> float | None:
    return summaries[variant].medians.get(key) if variant in summaries else None


def _of(summaries: Summaries, *variants: str) -> list[Summary]:
    """The summaries of those of the variants that were measured."""
    return [summaries[name] for name in variants if name in summaries]


def gradient_left(starving: Sequence[Starved], loss: str) -> float | None:
    """The gradient after the longest training of the discriminator, relative to that after the
    shortest, medians over seeds; None where it was not measured after two."""
    course = list(_gradients(starving, loss).values())
    return course[-1] / course[0] if len(course) > 1 and course[0] > 0 else None


def _gradients(starving: Sequence[Starved], loss: str) -> dict[int, float]:
    """Median gradient by steps, ascending."""
    steps = sorted({s.steps for s in starving if s.loss == loss})
    rows = {n: [s.gradient for s in starving if (s.loss, s.steps) == (loss, n)] for n in steps}
    return {n: median(values) for n, values in rows.items()}


def _course(starving: Sequence[Starved], loss: str) -> str:
    return ", ".join(f"{norm:.2g} ({n})" for n, norm in _gradients(starving, loss).items())


def _gradient_norms(starving: Sequence[Starved], loss: str) -> str:
    course = _course(starving, loss)
    return course and f"gradient norm (after so many steps of the discriminator alone): {course}"


def _less_stable(it: Summary, others: Sequence[Summary]) -> bool:
    share = it.failed_share or 0.0
    worst = max(other.failed_share or 0.0 for other in others)
    wobbles = [other.wobble or 0.0 for other in others]
    return share > worst or (share == worst and (it.wobble or 0.0) > max(wobbles))


def _claim(claim: str, holds: bool | None, figures: str, rule: str) -> Claim:
    verdicts: dict[bool | None, Verdict]
    verdicts = {True: "holds", False: "does not hold", None: "not measured"}
    return Claim(claim, verdicts[holds], figures or "–", rule)


def _failed(summary: Summary) -> str:
    text = f"{summary.failed} of {summary.runs} failed"
    if summary.failed and summary.seeds < summary.runs:
        text += f" ({summary.failed_seeds} of {summary.seeds} at its own rate)"
    return text


def _stabilities(summaries: Iterable[Summary]) -> str:
    return "; ".join(
        f"{s.variant} {_failed(s)}, wobble {'–' if s.wobble is None else f'{s.wobble:.1%}'}"
        for s in summaries
    )
