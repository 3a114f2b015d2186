"""What tutorials say of the families, and whether it was seen. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from genzoo_stability.results import Claim, Starved, Summary, Verdict

FEWEST_SEEDS = 3
"""Trainings at the recipe's own rate below which nothing is said of a variant."""

STEADY = 0.1
"""Coefficient of variation up to which seeds are said to agree."""

BLURRY = 0.9
"""Times the sharpness of real images below which pictures are blurry."""

STARVED = 0.1
"""Share of the gradient left at which a generator is said to starve."""

GRADIENTS = "gradient norm (after so many steps of the discriminator alone): "

CALM = ("autoencoder", "vae", "diffusion")
GANS = ("gan-classic", "gan")


def judge_claims(
    summaries: Sequence[Summary], floor: Mapping[str, float], starving: Sequence[Starved]
) -> tuple[Claim, ...]:
    """The claims with their verdicts, each decided by a rule that it states.

    Args:
        summaries: Of the variants that were measured; those of too few seeds are passed over.
        floor: Figures of real images.
        starving: The experiment on discriminators that are too good.
    """
    known = {s.variant: s for s in summaries if s.seeds >= FEWEST_SEEDS}
    evidence = Evidence(known, floor)
    return (
        *evidence.autoencoder(),
        evidence.vae(),
        evidence.gan("gan-classic", "A GAN with the classic minimax loss trains unstably."),
        evidence.gan("gan", "A GAN with a modern loss (R3GAN) trains unstably."),
        starves(
            starving,
            "minimax",
            "A discriminator that is too good starves the generator (minimax loss).",
        ),
        nourishes(
            starving,
            "relativistic",
            "With a modern loss (R3GAN) a discriminator that is too good starves nobody.",
        ),
        *evidence.diffusion(),
    )


@dataclass(frozen=True)
class Evidence:
    """What the claims on families rest on.

    Attributes:
        known: Summaries by variant.
        floor: Figures of real images.
    """

    known: Mapping[str, Summary]
    floor: Mapping[str, float]

    def autoencoder(self) -> tuple[Claim, Claim]:
        """Stable, but not generative."""
        it = self.known.get("autoencoder")
        calm = None
        figures = "–"
        if it is not None and it.cv is not None:
            calm = it.failed == 0 and it.cv <= STEADY
            figures = f"{_failed(it)}, its error varies by {it.cv:.1%} over seeds"
        stable = Claim(
            "An autoencoder trains stably.",
            _verdict(calm),
            figures,
            f"no training failed, and the reconstruction error varies by at most {STEADY:.0%}",
        )
        others = ("vae", "gan", "diffusion")
        generative = Claim(
            "An autoencoder is not generative: N(0, I) decoded is no picture.",
            _verdict(self._extreme("fd", "autoencoder", others, largest=True)),
            self._shown("fd", "autoencoder", others),
            "its Fréchet distance is above that of the VAE, of R3GAN and of diffusion",
        )
        return stable, generative

    def vae(self) -> Claim:
        """Smooth and somewhat blurry."""
        value = self._median("vae", "sharpness")
        real = self.floor.get("sharpness")
        blurry, figures = None, "–"
        if value is not None and real is not None:
            blurry = value < BLURRY * real
            figures = f"sharpness {value:.3g}, real images {real:.3g}"
        return Claim(
            "A VAE's pictures are smooth and somewhat blurry.",
            _verdict(blurry),
            figures,
            f"they have less than {BLURRY:g} times the sharpness of real images",
        )

    def gan(self, variant: str, claim: str) -> Claim:
        """Unstable, beside the families that are called stable."""
        it = self.known.get(variant)
        others = [self.known[name] for name in CALM if name in self.known]
        unstable = None
        if it is not None and len(others) == len(CALM):
            unstable = _less_stable(it, others)
        shown = ([it] if it is not None else []) + others
        return Claim(
            claim,
            _verdict(unstable),
            "; ".join(f"{s.variant} {_failed(s)}, wobble {_share(s.wobble)}" for s in shown) or "–",
            "more of its trainings failed than of the autoencoder's, the VAE's and diffusion's "
            "each; or as many, and its wobble is larger than each of theirs",
        )

    def diffusion(self) -> tuple[Claim, Claim, Claim]:
        """Stable, slower, best."""
        it = self.known.get("diffusion")
        gans = [self.known[name] for name in GANS if name in self.known]
        stable = None
        if it is not None and len(gans) == len(GANS):
            stable = it.failed == 0 and not any(_less_stable(it, [gan]) for gan in gans)
        shown = ([it] if it is not None else []) + gans
        others = ("autoencoder", "vae", *GANS)
        return (
            Claim(
                "Diffusion trains stably.",
                _verdict(stable),
                "; ".join(f"{s.variant} {_failed(s)}, wobble {_share(s.wobble)}" for s in shown)
                or "–",
                "no training failed, and neither GAN is more stable by the rule above",
            ),
            Claim(
                "Diffusion is slower.",
                _verdict(self._extreme("images_per_second", "diffusion", others, largest=False)),
                self._shown("images_per_second", "diffusion", others),
                "it makes fewer images a second than each of the others, on one thread",
            ),
            Claim(
                "Diffusion gives the best pictures.",
                _verdict(self._extreme("fd", "diffusion", others, largest=False)),
                self._shown("fd", "diffusion", others),
                "its Fréchet distance is below that of each of the others, after equal time",
            ),
        )

    def _median(self, variant: str, key: str) -> float | None:
        summary = self.known.get(variant)
        return None if summary is None else summary.medians.get(key)

    def _extreme(
        self, key: str, variant: str, others: Iterable[str], *, largest: bool
    ) -> bool | None:
        """Whether a variant has the largest, or smallest, median of all; None where one is
        not known."""
        value = self._median(variant, key)
        rest = [self._median(name, key) for name in others]
        if value is None or None in rest:
            return None
        known = [other for other in rest if other is not None]
        return value > max(known) if largest else value < min(known)

    def _shown(self, key: str, variant: str, others: Iterable[str]) -> str:
        values = {name: self._median(name, key) for name in (variant, *others)}
        known = [f"{name} {value:.3g}" for name, value in values.items() if value is not None]
        return ", ".join(known) or "–"


def starves(starving: Sequence[Starved], loss: str, claim: str) -> Claim:
    """That a loss leaves the generator no gradient where the discriminator is sure."""
    left = gradient_left(starving, loss)
    beside = _course(starving, "non-saturating", "; with the non-saturating loss ")
    return Claim(
        claim,
        _verdict(None if left is None else left < STARVED),
        _course(starving, loss) + ("" if beside == "–" else beside),
        f"less than {STARVED:.0%} of its gradient is left after the longest training of the "
        "discriminator alone, of that after the shortest",
    )


def nourishes(starving: Sequence[Starved], loss: str, claim: str) -> Claim:
    """That a loss leaves the generator its gradient."""
    left = gradient_left(starving, loss)
    return Claim(
        claim,
        _verdict(None if left is None else left >= STARVED),
        _course(starving, loss),
        f"at least {STARVED:.0%} of its gradient is left after the longest training of the "
        "discriminator alone, of that after the shortest",
    )


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


def _course(starving: Sequence[Starved], loss: str, told: str = GRADIENTS) -> str:
    course = _gradients(starving, loss)
    return told + ", ".join(f"{norm:.2g} ({n})" for n, norm in course.items()) if course else "–"


def _less_stable(it: Summary, others: Sequence[Summary]) -> bool:
    share = it.failed_share or 0.0
    worst = max(other.failed_share or 0.0 for other in others)
    wobbles = [other.wobble or 0.0 for other in others]
    return share > worst or (share == worst and (it.wobble or 0.0) > max(wobbles))


def _verdict(holds: bool | None) -> Verdict:
    if holds is None:
        return "not measured"
    return "holds" if holds else "does not hold"


def _failed(summary: Summary) -> str:
    told = f"{summary.failed} of {summary.runs} failed"
    if summary.failed and summary.seeds < summary.runs:
        told += f" ({summary.failed_seeds} of {summary.seeds} at its own rate)"
    return told


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
