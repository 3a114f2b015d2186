"""What can be trained, and the stages and phases of a training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from genzoo_core.conditioner import Conditions
from genzoo_core.rng import Rng


@dataclass(frozen=True)
class Batch:
    """What one step of a training sees.

    Attributes:
        images: float32 `[B, C, H, W]` in [-1, 1].
        conditions: A row for each image.
        rows: Indices of the images in the training set, int64 `[B]`; None where unknown.
    """

    images: Tensor
    conditions: Conditions = field(default_factory=dict)
    rows: Tensor | None = None


@dataclass(frozen=True)
class Progress:
    """Where a stage stands: `step` of its `total` steps are done.

    Schedules and warm-ups are functions of it alone.
    """

    step: int
    total: int

    @property
    def fraction(self) -> float:
        """`step / total`, in [0, 1); 1 where a stage is validated."""
        return self.step / max(self.total, 1)


@dataclass(frozen=True)
class Phase:
    """One side of an alternating training, with an optimiser of its own.

    Attributes:
        name: Unique among the phases of all stages; recipes configure it by this name.
        parameters: What it trains; disjoint from the other phases of its stage.
        every: It runs at every `every`-th step of its stage.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    every: int = 1


@dataclass(frozen=True)
class Stage:
    """A part of a training that ends before the next begins.

    Attributes:
        name: Recipes say under this name how long it runs and on what batches.
        phases: Run one after the other at each step.
        prepared: Whether `prepare_stage` comes before it where it is the first, too.
    """

    name: str
    phases: tuple[Phase, ...]
    prepared: bool = False


class Trainable(ABC):
    """What `genzoo train` can train: a model, a codec, a feature net.

    A class with this interface is a `torch.nn.Module` as well. It overrides `stages` where it takes
    more than one stage of one phase: a GAN has two phases.
    """

    stage_name: ClassVar[str] = "training"
    """What recipes call the one stage, and its one phase, of a class that does not define
    `stages`."""

    def stages(self) -> tuple[Stage, ...]:
        """The stages, run one after the other.

        By default one with one phase, both called `stage_name`, which trains all parameters that
        are not frozen; those of shared parts are.
        """
        assert isinstance(self, nn.Module)
        trained = tuple(p for p in self.parameters() if p.requires_grad)
        return (Stage(self.stage_name, (Phase(self.stage_name, trained),)),)

    @abstractmethod
    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The loss of one phase on one batch.

        Only the parameters of `phase`, one of those of `stages`, get gradients; all others are
        constants in this call. `rng` has as many samples as the batch.

        Args:
            batch: Images, and what belongs to them.
            rng: Of as many samples as the batch.
            phase: One of those of `stages`.
            progress: Where the stage stands.

        Returns:
            The scalar to minimise, and named figures to log (detached scalars).
        """

    def validated_phase(self, stage: Stage) -> Phase | None:
        """The phase whose loss on other pictures says how good the stage's weights are, or None.

        By default the only one of a stage. A class whose loss says nothing, because it is measured
        against a network that learns too, returns None; so does a stage of several phases.

        The loss is then called in evaluation mode, as at the end of the stage (a `progress` of 1),
        with the same numbers at each look.

        Args:
            stage: One of `stages`.
        """
        return stage.phases[0] if len(stage.phases) == 1 else None

    def diagnose(
        self, stage: Stage, figures: Mapping[str, float], progress: Progress
    ) -> Mapping[str, str]:
        """Signs, in the figures that `loss` gave, that a training goes wrong.

        Called with the means since the last call. What shows three times in a row is said once.
        A loss that explodes or does not fall is seen without this. Nothing unless overridden.

        Args:
            stage: One of `stages`.
            figures: Means since the last call, by the names that `loss` gave.
            progress: Where the stage stands.

        Returns:
            By kind, as "collapse": what is wrong, and what to do.
        """
        return {}

    def check_data(self, images: int, conditions: Conditions) -> None:  # noqa: B027 - most take any
        """Refuse training data that `finalize` or a later stage could not do with.

        Called with the number of images, and a row of each condition for each of them, before the
        first step, so that such an error does not come after hours: a class with fewer images than
        the mixture that is fitted to it has components, or a missing library. Does nothing unless
        overridden.

        Args:
            images: How many there are.
            conditions: Prepared values by name, a row for each image.

        Raises:
            GenzooError: What is missing, and what to do; a `DataError` where it is the data.
        """

    def prepare_stage(  # noqa: B027 - most have one stage
        self, stage: Stage, batches: Iterable[Batch], *, resumed: bool
    ) -> None:
        """One pass over the training data, in its order, before each stage but the first.

        Before the first as well where that is `prepared`, unless the data are a stream or seen less
        than once: `loss` must then do without.

        The EMA weights of the stages before are in place. It computes what `stage` builds on:
        statistics of latents, which go into buffers, or the latents of all images, which stay in
        memory and are found by `Batch.rows`. Draws no numbers. Does nothing unless overridden.

        Args:
            stage: The one that begins.
            batches: All training images once, in their order.
            resumed: Whether a training goes on from a checkpoint within `stage`, which holds the
                buffers: what is computed again must come out the same.
        """

    def finalize(self, batches: Iterable[Batch]) -> None:  # noqa: B027 - most have nothing to fit
        """One pass over the training data with the EMA weights, after the last stage.

        For what has a closed form: statistics of latents, a density fitted to them. Writes
        into buffers whose shapes follow from the config. Does nothing unless overridden.

        Args:
            batches: All training images once, in their order.
        """
