"""Prompts and labels as tensors: what `Conditioner` promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from genzoo_core.conditioner import Condition, Conditioner
from genzoo_core.errors import UsageError
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, round_trip
from genzoo_core.testing.comparing import same, well_formed
from genzoo_core.testing.randomness import by_row
from genzoo_core.testing.report import Recorder, problem, unexpected
from genzoo_core.zoo import Opened

N = 4
NONSENSE = "no such value of any conditioner"
HOSTILE = ("", " ", "\0", "-1", "999999999999", "😀", "\ud800", "x" * 100_000)
"""Texts that a user may type: each is a value, or refused by a UsageError."""
MEND = "raise UsageError, and name the choices"
IDS = "ids go from 0 to categories - 1, and null is the next"


@dataclass(frozen=True)
class Subject:
    """A conditioner that was built for a case."""

    built: Opened
    case: Case

    @property
    def conditioner(self) -> Conditioner:
        assert isinstance(self.built.module, Conditioner)
        return self.built.module

    def prepared(self) -> Tensor:
        return material.prepared(self.conditioner, N, self.case.values)

    def embed(self, prepared: Tensor) -> Condition:
        with torch.inference_mode():
            embedded: Condition = self.conditioner(prepared)
        return embedded


def check_conditioner_component(record: Recorder, case: Case, built: Opened) -> None:
    built.module.eval()
    subject = Subject(built, case)
    for claim, check in (
        ("null is a row for each image, and is trained", null),
        ("prepared values are rows like null's", rows),
        ("values are drawn by each image's own rng", own_chance),
        ("embeddings have the dimensions that it says", embeddings),
        ("drop puts null in the place of rows", drop),
        ("any text is a value, or refused with the choices", texts),
        ("what was saved and loaded embeds the same", reloaded),
    ):
        record.check(claim, check, subject)


def null(subject: Subject) -> Iterator[str]:
    conditioner = subject.conditioner
    for n in (0, 1, N):
        nothing = conditioner.null(n)
        if not isinstance(nothing, Tensor) or nothing.dim() < 1 or len(nothing) != n:
            found = str(list(nothing.shape)) if isinstance(nothing, Tensor) else repr(nothing)
            yield problem(f"null({n}) of shape [{n}, …]", found, "return a row for each image")
            return
    if any(not torch.equal(row, nothing[0]) for row in nothing):
        yield problem("the same row for each null", "several", "null is one value")
    categories = conditioner.categories
    if categories is not None and not bool((nothing == categories).all()):
        yield problem(f"null as the id {categories}", str(nothing[:3].tolist()), IDS)
    if not any(parameter.requires_grad for parameter in conditioner.parameters()):
        return
    with torch.enable_grad():
        conditioner.zero_grad()
        conditioner(nothing).vector.square().sum().backward()
        trained = any(p.grad is not None and p.grad.any() for p in conditioner.parameters())
        conditioner.zero_grad()
    if not trained:
        mend = "give null an embedding of its own, that is a parameter"
        yield problem("gradients for what embeds null", "none", mend)


def rows(subject: Subject) -> Iterator[str]:
    conditioner, nothing = subject.conditioner, subject.conditioner.null(N)
    sources = [("typical", conditioner.typical(SampleRng(range(N))))]
    if subject.case.values:
        sources.append(("prepare", subject.prepared()))
    for name, found in sources:
        if found.shape != nothing.shape or found.dtype != nothing.dtype:
            yield problem(
                f"{name} to give {nothing.dtype} of shape {list(nothing.shape)}, as null does",
                f"{found.dtype} of shape {list(found.shape)}",
                "prepared rows of a conditioner are all of one form",
            )
        if conditioner.categories is None:
            continue
        # By default `typical` gives null, the id `categories`.
        highest = conditioner.categories - (name != "typical")
        if not bool(((found >= 0) & (found <= highest)).all()):
            yield problem(f"{name} to give ids up to {highest}", str(found[:5].tolist()), IDS)


def own_chance(subject: Subject) -> Iterator[str]:
    conditioner = subject.conditioner
    values = {"prepare": subject.case.values[0]} if subject.case.values else {}
    with suppress(UsageError):
        values['prepare of "random"'] = conditioner.parse("random")
    yield from by_row("typical: row", conditioner.typical, N)
    for name, value in values.items():
        yield from by_row(f"{name}: row", partial(_prepare, conditioner, value), N)


def embeddings(subject: Subject) -> Iterator[str]:
    conditioner, prepared = subject.conditioner, subject.prepared()
    found: object = subject.embed(prepared)
    if not isinstance(found, Condition):
        name = f"a {type(found).__name__}"
        yield problem("forward to give a Condition", name, "return Condition(vector)")
        return
    yield from well_formed(found.vector, (N, conditioner.vector_dim), "its vector")
    if (found.tokens is None) != (conditioner.token_dim is None):
        instead = f"token_dim = {conditioner.token_dim}, and tokens = {found.tokens}"
        yield problem("tokens where there is a token_dim", instead, "set token_dim, or None")
    elif found.tokens is not None:
        shape = (N, found.tokens.shape[1], conditioner.token_dim or 0)
        yield from well_formed(found.tokens, shape, "its tokens")
        if found.mask is not None and found.mask.shape != found.tokens.shape[:2]:
            instead = str(list(found.mask.shape))
            yield problem("a mask of shape [B, T]", instead, "True where a token counts")
    if (found.spatial is None) != (conditioner.spatial_dim is None):
        instead = f"spatial_dim = {conditioner.spatial_dim}, and spatial = {found.spatial}"
        yield problem("a map where there is a spatial_dim", instead, "set spatial_dim, or None")
    elif found.spatial is not None:
        shape = (N, conditioner.spatial_dim or 0, *found.spatial.shape[2:])
        if found.spatial.dim() != 4:
            instead = f"shape {list(found.spatial.shape)}"
            yield problem("a map of shape [B, D, H, W]", instead, "reshape it")
        else:
            yield from well_formed(found.spatial, shape, "its map")
    if found.vector.shape[0] == N:
        single = subject.embed(prepared[1:2]).vector[0]
        if not same(single, found.vector[1]):
            mend = "use no statistics over the batch"
            yield problem("row 1 of a batch as it is alone", "another embedding", mend)


def drop(subject: Subject) -> Iterator[str]:
    conditioner, prepared = subject.conditioner, subject.prepared()
    for probability, expected in ((0.0, prepared), (1.0, conditioner.null(N))):
        found = conditioner.drop(prepared.clone(), SampleRng(range(N)), probability)
        if not torch.equal(found, expected):
            what = "null" if probability else "the rows as they are"
            mend = "leave drop to the base class"
            yield problem(f"drop at probability {probability:g} to give {what}", "others", mend)


def texts(subject: Subject) -> Iterator[str]:
    conditioner = subject.conditioner
    for text in HOSTILE:
        try:
            _prepare(conditioner, conditioner.parse(text), SampleRng([0]))
        except UsageError:
            continue
        except (Exception, SystemExit) as error:
            yield problem(f"{text[:20]!r} to be a value or a UsageError", unexpected(error), MEND)
    if conditioner.categories is None:
        return
    for wrong in (NONSENSE, object(), -1, 10**9):
        expected = f"UsageError for {str(wrong)[:20]!r}"
        try:
            value = conditioner.parse(wrong) if isinstance(wrong, str) else wrong
            _prepare(conditioner, value, SampleRng([0]))
        except UsageError as error:
            if len(str(error)) < len(str(wrong)[:20]) + 20:
                yield problem("an error that names the choices", str(error), "add them")
        except (Exception, SystemExit) as error:
            yield problem(expected, unexpected(error), MEND)
        else:
            yield problem(expected, "a value", MEND)


def _prepare(conditioner: Conditioner, raw: object, rng: SampleRng) -> Tensor:
    return conditioner.prepare([raw] * rng.n, rng)


def reloaded(subject: Subject) -> Iterator[str]:
    prepared = subject.prepared()
    loaded = round_trip(subject.case.zoo, subject.built).module
    assert isinstance(loaded, Conditioner)
    with torch.inference_mode():
        found = loaded(prepared)
    if not same(found.vector, subject.embed(prepared).vector):
        mend = "keep all that embedding needs in parameters and persistent buffers"
        yield problem("the same embeddings after loading", "others", mend)
    if not torch.equal(loaded.null(1), subject.conditioner.null(1)):
        yield problem("the same null after loading", "another", "let it follow from the config")
