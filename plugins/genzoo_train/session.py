"""A training between its start and its end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import TrainingError
from genzoo_core.text import many
from genzoo_core.training import Phase, Progress, Trainable
from genzoo_core.zoo import Zoo
from genzoo_train.batches import InOrder
from genzoo_train.building import train_mode
from genzoo_train.checkpoints import (
    Checkpoint,
    read_checkpoint,
    share_checkpoint,
    write_checkpoint,
)
from genzoo_train.export import card_toml, export, finalize
from genzoo_train.failures import StoppedError, plainly, stage_failures, stop_requests
from genzoo_train.folder import RunFolder
from genzoo_train.health import Health
from genzoo_train.loop import StageLoop
from genzoo_train.ready import Ready
from genzoo_train.reporting import Reporter
from genzoo_train.samples import write_grid
from genzoo_train.streaming import Streamed
from genzoo_train.threads import MOST_THREADS, equal_threads, set_fastest
from genzoo_train.validation import BEST, Best, look


class Session:
    """The stages of a training, its checkpoints and its weights file."""

    def __init__(
        self, ready: Ready, zoo: Zoo, folder: RunFolder, fabric: Fabric, reporter: Reporter
    ) -> None:
        self._recipe, self._built, self._plans = ready.recipe, ready.built, ready.plans
        self._batches, self._aside, self._data = ready.batches, ready.aside, ready.data
        self._ranks = ready.ranks
        self._zoo, self._folder, self._fabric, self._reporter = zoo, folder, fabric, reporter
        self._index = 0
        self._loop, self._best = self._stage_loop(), Best()
        self._since = (0, time.monotonic())
        self._threads = 0
        self._saved = self._until = -1
        self._pictures: Path | None = None
        self._looked: dict[str, float] = {}
        self._warned: set[str] = set()

    def _stage_loop(self) -> StageLoop:
        plan = self._plans[self._index]
        return StageLoop(plan, self._built, self._batches, self._recipe, self._fabric, self._ranks)

    @property
    def done(self) -> int:
        """Steps done over all stages."""
        return sum(plan.steps for plan in self._plans[: self._index]) + self._loop.step

    def resume(self) -> None:
        """Go on from the folder's checkpoint, where there is one."""
        path = self._folder.checkpoint
        checkpoint = self._ranks.alone(
            lambda: read_checkpoint(path, self._recipe) if path.exists() else None
        )
        checkpoint = share_checkpoint(self._ranks, checkpoint)
        if checkpoint is not None:
            steps = dict(enumerate(plan.steps for plan in self._plans))
            there = 0 <= checkpoint.step <= steps.get(checkpoint.stage, -1)
            if not there or not 0 <= checkpoint.threads <= MOST_THREADS:
                raise TrainingError(
                    f"the checkpoint in {self._folder.path} stands at step {checkpoint.step} of "
                    f"stage {checkpoint.stage} on {many(checkpoint.threads, 'thread')}, which "
                    "cannot be",
                    "train in another --out",
                )
            if checkpoint.data != self._data:
                raise TrainingError(
                    f"{self._folder.path} was trained on other data",
                    "give the same --data, or choose another --out",
                )
            self._index = checkpoint.stage
            self._loop = self._stage_loop()
            state: dict[str, Tensor] = {}
            best: dict[str, Tensor] = {}
            for name, tensor in checkpoint.tensors.items():
                (best if name.startswith(BEST) else state)[name] = tensor
            self._loop.restore(checkpoint.step, state)
            self._best.restore(best)
            self._saved = checkpoint.step
            self._threads = checkpoint.threads
            self._reporter.note(f"going on at step {self.done:,} of {sum(steps.values()):,}")
        if damaged := self._ranks.alone(lambda: self._folder.cut_log(self.done)):
            self._reporter.note(f"damaged lines of {self._folder.log}, left out: {damaged}")

    def set_threads(self, threads: int | Literal["fastest"] | None) -> None:
        """Set the number of CPU threads; see `train`."""
        if threads == "fastest" and self._ranks.count > 1:
            # Each would find another number, and wait for the others meanwhile.
            threads = equal_threads(self._ranks)
        if isinstance(threads, int):
            torch.set_num_threads(threads)
        elif threads == "fastest" and self._threads:
            torch.set_num_threads(self._threads)
        elif threads == "fastest" and self._fabric.device.type == "cpu":
            with self._failures("fails"):
                count = set_fastest(self._loop)
                self._reporter.note(f"it is fastest here on {many(count, 'CPU thread')}")
        count = torch.get_num_threads()
        if self._threads not in (0, count):
            self._reporter.note(
                f"it ran on {many(self._threads, 'CPU thread')} before and runs on {count} now: "
                "the weights will differ in their last bits"
            )
        self._threads = count

    @contextmanager
    def announced(self) -> Iterator[None]:
        """Tell plugins that the training begins and how it ends."""
        if not self._ranks.first:
            yield
            return
        folder, call = self._folder.path, self._zoo.call_hook
        call("genzoo_before_training", recipe=self._recipe, folder=folder, step=self.done)
        outcome = "failed"
        try:
            yield
            outcome = "finished"
        except (StoppedError, KeyboardInterrupt):
            outcome = "stopped"
            raise
        finally:
            call("genzoo_end_training", folder=folder, outcome=outcome)

    def run(self, max_steps: int | None) -> None:
        """Run the stages, or what is left of them, up to `max_steps` over all of them."""
        total = sum(plan.steps for plan in self._plans)
        limit = total if max_steps is None else min(max_steps, total)
        if self.done < limit and (self._index or self._prepared()):
            self._prepare(resumed=bool(self.done))
        with stop_requests() as signals:
            while True:
                with self._failures("fails"):
                    self._run_stage(limit, signals)
                if self._index + 1 == len(self._plans) or self.done >= limit:
                    return
                # The next stage builds on the averaged weights.
                self._adopt()
                self._index += 1
                self._prepare(resumed=False)
                self._loop, self._best, self._saved = self._stage_loop(), Best(), -1

    def _prepared(self) -> bool:
        """Whether the first stage is prepared, which takes the time and memory of a pass."""
        plan, stream = self._plans[0], isinstance(self._batches, Streamed)
        seen = plan.steps * plan.recipe.batch_size
        return plan.stage.prepared and not stream and seen > len(self._batches)

    @torch.no_grad()
    def _prepare(self, *, resumed: bool) -> None:
        """Let the module pass over the data before the stage begins or goes on."""
        plan, module = self._plans[self._index], self._built.module
        assert isinstance(module, Trainable)  # plan_stages made sure
        batches = InOrder(self._batches, plan.recipe.batch_size)
        module.eval()
        with self._failures("cannot begin"):
            # By each rank, for what stays in memory; what goes into buffers is alike on all.
            module.prepare_stage(plan.stage, batches, resumed=resumed)
        self._ranks.send(self._built.own_tensors())
        train_mode(self._built)

    def _failures(self, doing: str) -> AbstractContextManager[None]:
        plan, component = self._plans[self._index], self._recipe.model.component
        return stage_failures(self._index, plan, component, doing)

    def _run_stage(self, limit: int, signals: list[int]) -> None:
        loop, report, reporter = self._loop, self._recipe.report, self._reporter
        total, done = loop.plan.steps, self.done
        self._until = min(total, loop.step + limit - done)
        reporter.stage(loop.plan.stage.name, Progress(loop.step, self._until))
        self._since = (loop.step, time.monotonic())
        phase = self._phase()
        module, start = self._built.module, self._recipe.model.start
        assert isinstance(module, Trainable)  # plan_stages made sure
        fresh = not (loop.step or start)
        self._health = Health(loop.plan, module, self._index, fresh=fresh, warned=self._warned)
        every = math.ceil(total / max(self._recipe.validation.looks, 1))
        signum = self._stop(signals)
        while loop.step < total and done < limit and not (signum or self._waited()):
            loop.advance()
            done += 1
            reporter.step(loop.step)
            if report.sample_every and loop.step % report.sample_every == 0:
                self._sample()
            looks = phase is not None and (loop.step % every == 0 or loop.step == total)
            if phase is not None and looks:
                self._look(phase)
            if loop.step % report.log_every == 0 or loop.step == total or looks:
                self._log(done)
            if loop.step % report.checkpoint_every == 0:
                self._save()
            signum = self._stop(signals)
        self._save()
        if self._waited():
            reporter.note(
                f"stage {loop.plan.stage.name} ends at step {loop.step:,} of {total:,}: "
                f"none were better on the pictures set aside than those of step "
                f"{self._best.step:,}"
            )
        if signum:
            raise StoppedError(done, self._folder.path, signum)

    def _stop(self, signals: list[int]) -> int:
        """A signal that one of the ranks got, so that all stop at the same step; 0 for none."""
        return self._ranks.largest(signals[0] if signals else 0)

    def _log(self, done: int) -> None:
        self._loop.figures.check(self._folder.checkpoint)
        values = self._loop.figures.means() | self._looked
        self._looked = {}
        if not self._ranks.first:
            return
        step, since = self._since
        seconds = max(time.monotonic() - since, 1e-9) / max(self._loop.step - step, 1)
        values |= {"images/s": self._loop.plan.recipe.batch_size / seconds, "s/step": seconds}
        progress = Progress(self._loop.step, self._until)
        self._reporter.figures(progress, values)
        assert self._loop.figures.first is not None  # a step was done
        warnings = self._health.check(values, self._loop.figures.first.item(), progress.step)
        for warning in warnings:
            self._reporter.note(f"Warning: step {done}: {warning}")
        line = {"warning": "; ".join(warnings)} if warnings else {}
        self._folder.write_log(done, {"stage": self._loop.plan.stage.name, **values, **line})
        self._zoo.call_hook(
            "genzoo_log_training",
            run=self._recipe.name,
            step=done,
            values=values,
            folder=self._folder.path,
            pictures=self._pictures,
            warnings=warnings,
        )
        self._pictures = None
        self._since = (self._loop.step, time.monotonic())

    def _sample(self) -> None:
        loop, start = self._loop, time.monotonic()
        loop.figures.check(self._folder.checkpoint)
        if not self._ranks.first:
            return
        loop.average.swap()
        try:
            path = self._folder.samples(loop.plan.stage.name, loop.step)
            write_grid(path, self._built, self._batches, self._recipe.report.samples)
            self._pictures = path if path.exists() else None
        except Exception as error:
            # No picture is worth a training, also where the disk or the memory is full.
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            self._reporter.note(f"no samples at step {loop.step}: {reason}")
        finally:
            loop.average.swap()
        self._pause(start)

    def _phase(self) -> Phase | None:
        """The phase by which the stage is judged, where pictures are set aside for it."""
        module = self._built.module
        assert isinstance(module, Trainable)  # plan_stages made sure
        return module.validated_phase(self._loop.plan.stage) if self._aside else None

    def _look(self, phase: Phase) -> None:
        """Judge the averaged weights by the pictures set aside."""
        loop, start = self._loop, time.monotonic()
        loop.figures.check(self._folder.checkpoint)
        assert self._aside is not None  # or there were no phase to look at
        loop.average.swap()
        loop.module.eval()
        try:
            self._looked = look(loop, phase, self._aside, self._recipe.seed, self._ranks)
            self._best.see(self._looked["valid/loss"], loop.step, self._built.own_tensors())
        finally:
            train_mode(self._built)
            loop.average.swap()
        self._pause(start)

    def _waited(self) -> bool:
        """Whether the stage ends early."""
        patience = self._recipe.validation.patience
        return bool(patience) and self._best.waited >= patience

    def _adopt(self) -> None:
        """Take the stage's averaged weights, and those of its best look where it has one."""
        self._loop.average.adopt()
        self._best.adopt(self._built.own_tensors())

    def _pause(self, start: float) -> None:
        """Leave what was done since `start` out of the time of the steps."""
        step, since = self._since
        self._since = (step, since + time.monotonic() - start)

    def _save(self) -> None:
        loop = self._loop
        if loop.step == self._saved:
            return
        loop.figures.check(self._folder.checkpoint)
        self._saved = loop.step
        if not self._ranks.first:
            return
        tensors = {**loop.tensors(), **self._best.state()}
        checkpoint = Checkpoint(self._index, loop.step, self._data, self._threads, tensors)
        write_checkpoint(self._folder.checkpoint, self._recipe, checkpoint)

    def finish(self) -> Path:
        """Fit what has a closed form, and write the weights and their card."""
        self._reporter.note("finishing the model, and writing its weights")
        if self._best.tensors and self._best.step < self._loop.step:
            self._reporter.note(
                f"the weights are those of step {self._best.step:,} of stage "
                f"{self._loop.plan.stage.name}, the best on the pictures set aside"
            )
        self._adopt()
        self._ranks.alone(self._write)
        return self._folder.weights(self._recipe.name)

    def _write(self) -> None:
        with plainly(f"{self._recipe.model.component} cannot be fitted"):
            finalize(self._built, self._batches, self._recipe)
        path = self._folder.weights(self._recipe.name)
        card = export(self._zoo, self._built, self._recipe, path)
        try:
            write_atomically(self._folder.card, card_toml(card).encode())
        except OSError as error:
            raise TrainingError(f"cannot write {self._folder.card}: {error.strerror}") from error
