"""The stages of a training: which phase trains which parameters."""

from __future__ import annotations

from collections.abc import Iterator

from genzoo_core.testing.case import own_parameters
from genzoo_core.testing.report import problem
from genzoo_core.training import Stage, Trainable
from genzoo_core.zoo import Opened


def sound_stages(built: Opened) -> Iterator[str]:
    assert isinstance(built.module, Trainable)
    stages = built.module.stages()
    names = {id(p): name for name, p in own_parameters(built).items()}
    if not stages:
        yield problem("at least one stage", "none", "return what is to be trained from stages()")
    yield from _unique("stage", [stage.name for stage in stages])
    yield from _unique("phase", [phase.name for stage in stages for phase in stage.phases])
    for stage in stages:
        if not stage.phases:
            yield problem(f"a phase in stage {stage.name!r}", "none", "add one")
        yield from _disjoint(stage, names)
    trained = {id(p) for stage in stages for phase in stage.phases for p in phase.parameters}
    own = own_parameters(built).items()
    if left := [name for name, p in own if p.requires_grad and id(p) not in trained]:
        mend = "add them to a phase, or freeze them with requires_grad_(False)"
        yield problem("every trainable parameter in a phase", f"none for {_some(left)}", mend)
    again = built.module.stages()
    if [_shape(stage) for stage in again] != [_shape(stage) for stage in stages]:
        yield problem("the same stages at each call", "others", "make stages() a function")


def _shape(stage: Stage) -> tuple[str, tuple[tuple[str, int, tuple[int, ...]], ...]]:
    phases = ((p.name, p.every, tuple(map(id, p.parameters))) for p in stage.phases)
    return stage.name, tuple(phases)


def _unique(what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        mend = "recipes configure it by its name"
        yield problem(f"one {what} called {name!r}", "several", mend)


def _disjoint(stage: Stage, names: dict[int, str]) -> Iterator[str]:
    owner: dict[int, str] = {}
    for phase in stage.phases:
        where = f"phase {phase.name!r} of stage {stage.name!r}"
        if phase.every < 1:
            yield problem(f"{where} at every 1st, 2nd, … step", f"every = {phase.every}", "set it")
        if not phase.parameters:
            yield problem(f"parameters in {where}", "none", "give it what it trains")
        own = [id(p) for p in phase.parameters if id(p) in names]
        if foreign := len(phase.parameters) - len(own):
            found = f"{foreign} that are not the model's own"
            yield problem(f"{where} to train the model's own parameters", found, "leave them out")
        for other in dict.fromkeys(owner[p] for p in own if p in owner):
            both = _some([names[p] for p in own if owner.get(p) == other])
            mend = "each belongs to one of them, and the other sees it detached"
            yield problem(f"phases {other!r} and {phase.name!r} to share no parameter", both, mend)
        owner |= dict.fromkeys(own, phase.name)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
