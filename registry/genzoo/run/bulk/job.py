"""A run in shards: its rows, and the plan of each shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.run.bulk.layout import Layout
from genzoo.run.bulk.manifest import Manifest, PromptSource
from genzoo.run.prompts import PromptFile, PromptRow, Raw, check_some
from genzoo.run.request import check_seed
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.zoo import Opened


class Rows:
    """The rows of a run, of which each has as many pictures. They are read in their order."""

    def __init__(self, source: PromptFile | Sequence[str]) -> None:
        self._file = source if isinstance(source, PromptFile) else None
        prompts: Sequence[str | None] = [None] if isinstance(source, PromptFile) else source
        # The rows in memory, of which the first has the number `_start`.
        self._rows = [PromptRow("", prompt, {}, None) for prompt in prompts or [None]]
        self._start = 0
        self._raws: Iterator[Raw] = iter(())
        if self._file is not None:
            self._raws = self._file.raws()
            self._rows = list(map(self._file.read, islice(self._raws, 1)))
            check_some(self._rows, self._file)
        self.first = self._rows[0]

    def check(self, opened: Opened, n: int) -> tuple[int, PromptSource | None]:
        """Check every row, of `n` pictures each; gives their number, and what file they are of.

        Raises:
            UsageError: A row does not fit the model; says which.
        """
        if self._file is None:
            return len(self._rows), None
        parse, count = _Parser(opened), 0
        for row in map(self._file.read, self._file.raws()):
            try:
                for name, text in parse.texts(row).items():
                    if name in parse.conditioners:  # a plan refuses others, of all rows
                        parse(name, text)
                if row.seed is not None:
                    check_seed(row.seed, n)
            except UsageError as error:
                raise UsageError(f"{row.place}: {error.message}", error.hint) from error
            count += 1
        source = PromptSource(self._file.name, count, self._file.digest())
        self._start, self._rows, self._raws = 0, [], self._file.raws()
        return count, source

    def window(self, start: int, stop: int) -> list[PromptRow]:
        """Rows `start` to `stop`; neither is less than it was in the last call.

        Raises:
            UsageError: The file has changed.
        """
        if self._file is None:
            return self._rows[start:stop]
        self._file.check_unchanged()
        end = self._start + len(self._rows)
        for _ in islice(self._raws, max(start - end, 0)):
            pass  # rows of other ranks are not even decoded
        kept = self._rows[start - self._start :] if start < end else []
        new = islice(self._raws, stop - max(start, end))
        self._rows = [*kept, *map(self._file.read, new)]
        self._start = start
        return self._rows


class _Parser:
    """Reads texts as the raw values of a model's conditioners."""

    def __init__(self, opened: Opened) -> None:
        from genzoo_core.conditioner import conditioners_of

        self.conditioners: Mapping[str, Conditioner] = conditioners_of(opened.module)
        self._first = next(iter(self.conditioners), "")

    def texts(self, row: PromptRow) -> dict[str, str]:
        """What a row says, by the names of conditioners."""
        prompt = {} if row.prompt is None else {self._first: row.prompt}
        return {**prompt, **row.conditions}

    def __call__(self, name: str, text: str) -> object:
        return self.conditioners[name].parse(text)


@dataclass(frozen=True)
class Job:
    """A run in shards.

    Attributes:
        plan: The plan of one picture of the first row: what all shards have in common.
        n: Pictures of each row.
        batch: Pictures at a time.
    """

    plan: Plan
    layout: Layout
    rows: Rows
    n: int
    batch: int

    def manifest(self, prompts: Sequence[str], source: PromptSource | None) -> Manifest:
        """What the folder says of the run, whose `prompts` came with the command."""
        first, record = self.rows.first, self.plan.record
        own = {
            name: text for name, text in record.conditions.items() if name not in first.conditions
        }
        record = msgspec.structs.replace(
            record,
            prompts=tuple(prompts),
            n=self.n,
            seed=0 if record.seeds else record.seed,
            seeds=(),
            conditions=own,
            batch=self.batch,
        )
        layout = self.layout
        return Manifest(record, layout.pictures, layout.size, layout.form, source)

    def shard(self, index: int, seed: int) -> Plan:
        """The plan of a shard, an ordinary run with a row for each picture, or one row for all.

        A larger index follows a smaller one. `seed` is that of the run's first picture.
        """
        first, last = self.layout.span(index)
        start = first // self.n
        rows = self.rows.window(start, -(-last // self.n))
        if len(rows) == 1:
            begin = seed + first if rows[0].seed is None else rows[0].seed + first - start * self.n
            return self._plan(rows, n=last - first, seed=begin)
        every = [rows[picture // self.n - start] for picture in range(first, last)]
        if rows[0].seed is None:
            return self._plan(every, n=1, seed=seed + first)
        seeds = tuple(
            row.seed + picture % self.n
            for picture, row in zip(range(first, last), every, strict=True)
            if row.seed is not None
        )
        return self._plan(every, n=1, seed=seeds[0], seeds=seeds)

    def _plan(self, rows: Sequence[PromptRow], *, n: int, **seeds: Any) -> Plan:
        plan, parse = self.plan, _Parser(self.plan.opened)
        one, names = len(rows) == 1, self.rows.first.conditions
        conditions = {name: tuple(row.conditions[name] for row in rows) for name in names}
        record = msgspec.structs.replace(
            plan.record,
            prompts=tuple(row.prompt for row in rows if row.prompt is not None),
            conditions={
                **plan.record.conditions,
                **{name: values[0] if one else values for name, values in conditions.items()},
            },
            n=n,
            batch=min(self.batch, n * len(rows)),
            **{"seeds": (), **seeds},
        )
        raws = {name: values * len(rows) for name, values in plan.raws.items()}
        texts = [parse.texts(row) for row in rows]
        for name in texts[0]:
            distinct = {text: parse(name, text) for text in {each[name] for each in texts}}
            raws[name] = tuple(distinct[each[name]] for each in texts)
        return replace(plan, task=task_of(record), record=record, raws=raws)
