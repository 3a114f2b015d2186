"""The images of a model that is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import torch
from msgspec.structs import replace
from torch import Tensor

from genzoo_core.conditioner import Conditioner
from genzoo_core.errors import NotFittedError, UsageError
from genzoo_core.images import to_uint8
from genzoo_core.model import GenerativeModel
from genzoo_core.request import Record, Request
from genzoo_core.zoo import Zoo
from genzoo_eval.progress import OnProgress
from genzoo_eval.report import Subject
from genzoo_eval.settings import Settings
from genzoo_eval.spread import current, in_parts

BATCH = 100
"""Images made at a time: more are slower on a CPU."""

ANY_TEXT = "a red heart"
"""What a conditioner of texts reads, and one of another sort refuses."""


@dataclass(frozen=True)
class ModelImages:
    """The images of a model."""

    zoo: Zoo
    reference: str
    model: GenerativeModel[msgspec.Struct]
    record: Record
    family: str
    options: Mapping[str, object]
    conditions: Mapping[str, str]
    on_progress: OnProgress

    @classmethod
    def open(
        cls,
        zoo: Zoo,
        reference: str,
        settings: Settings,
        on_progress: OnProgress = lambda *_: None,
    ) -> ModelImages:
        """Load a model.

        What the settings' options say of a conditioner is a condition.

        Raises:
            UsageError: It is no generative model, or the options do not fit it.
            GenzooError: It cannot be loaded.
        """
        model = zoo.open(reference).module
        if not isinstance(model, GenerativeModel):
            raise UsageError(
                f"{reference} is not a generative model: it makes no pictures",
                "`genzoo list --kind model` shows those that do",
            )
        others = list(model.conditioners)[1:]
        named = {k: str(v) for k, v in settings.options.items() if k in others}
        conditions = {**settings.conditions, **named}
        options = {k: v for k, v in settings.options.items() if k not in others}
        request = Request(reference, n=1, seed=0, options=options, conditions=conditions)
        record, family = zoo.resolve(request), zoo.card(reference).family
        return cls(zoo, reference, model, record, family, options, conditions, on_progress)

    @property
    def subject(self) -> Subject:
        """What a report says of the model."""
        record = self.record
        # The record of a model of the user's own list names its file.
        listed = Path(record.model).is_absolute() and not Path(self.reference).exists()
        return Subject(
            name=self.reference if listed else record.model,
            sha256=record.weights,
            parts=record.parts,
            family=self.family,
            options=record.options,
            conditions=dict(self.conditions),
            versions=record.versions,
        )

    def unconditional(self, n: int, seed: int) -> Tensor | None:
        """`n` images without a prompt, uint8 `[n, C, H, W]`; None where the model has nothing to
        sample from."""
        return self._make((), n, seed, "making pictures")

    @cached_property
    def samples(self) -> bool:
        """Whether the model has something to sample from without a prompt."""
        return self.on_trial(1) is not None

    def on_trial(self, n: int) -> Tensor | None:
        """A few images without a prompt, of which no progress is told."""
        return self._make((), n, 0, "")

    def of_classes(self, n: int, seed: int, classes: int) -> tuple[Tensor, Tensor] | None:
        """About `n` images, as many of each class, and their classes, int64 `[N]`; None where the
        model's prompt is no class of this dataset, or it has nothing to sample from."""
        first = next(iter(self.model.conditioners.values()), None)
        if first is None or first.categories != classes:
            return None
        each = max(1, n // classes)
        ids = torch.arange(classes).repeat_interleave(each)
        prompts = tuple(str(i) for i in range(classes))
        made = self._make(prompts, each, seed, "making pictures of each class")
        return None if made is None else (made, ids)

    def takes(self, name: str) -> bool:
        """Whether the model has such a conditioner besides that of the prompt, which is not set."""
        return name in list(self.model.conditioners)[1:] and name not in self.record.conditions

    def of_captions(
        self,
        captions: Sequence[str],
        each: int,
        seed: int,
        conditions: Mapping[str, str] | None = None,
    ) -> Tensor | None:
        """`each` images of each caption in turn, uint8 `[N, C, H, W]`; None where the model has
        nothing to sample from.
        """
        what = ", ".join(["making pictures of captions", *(conditions or {}).values()])
        return self._make(tuple(captions), each, seed, what, conditions)

    def _make(
        self,
        prompts: tuple[str, ...],
        n: int,
        seed: int,
        what: str,
        conditions: Mapping[str, str] | None = None,
    ) -> Tensor | None:
        """`n` images of each prompt in turn, uint8 `[N, C, H, W]`; `what` is done, in words, or ""
        where nobody is told of its progress."""
        total, ranks = n * max(1, len(prompts)), current()
        pace = ranks.count if ranks else 1
        request = Request(
            self.reference,
            options=dict(self.options),
            conditions={**self.conditions, **(conditions or {})},
            batch=BATCH,
        )

        def images(request: Request, begun: int) -> Tensor:
            def progress(done: float, _: int) -> None:
                if what:
                    self.on_progress(what, min(begun + done * pace, total), total)

            made = self.zoo.generate(request, on_progress=progress)
            return to_uint8(made.images)

        def part(first: int, end: int) -> Tensor:
            # Each picture a row with its seed, which the run of all would give it.
            rows = range(first, end)
            seeds, texts = [seed + i for i in rows], [prompts[i // n] for i in rows if prompts]
            return images(replace(request, prompts=tuple(texts), n=1, seeds=tuple(seeds)), first)

        try:
            if ranks is None:
                return images(replace(request, prompts=prompts, n=n, seed=seed), 0)
            return in_parts(total, BATCH, part)
        except NotFittedError:
            return None


def reads_words(conditioners: Mapping[str, Conditioner]) -> bool:
    """Whether the prompt of a model that has these is any text."""
    first = next(iter(conditioners.values()), None)
    if first is None or first.categories is not None:
        return False
    try:
        first.parse(ANY_TEXT)
    except UsageError:
        return False
    return True
