"""What was asked for, as tensors: what `Conditioner` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from genzoo_core.conditioner import Condition, Conditioner
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.rng import SampleRng
from genzoo_core.testing import material
from genzoo_core.testing.case import Case
from genzoo_core.testing.comparing import same, well_formed
from genzoo_core.testing.fitting import build
from genzoo_core.testing.randomness import reseeded, untouched
from genzoo_core.testing.report import Recorder, problem, unexpected
from genzoo_core.testing.saving import round_trip
from genzoo_core.testing.strictness import strict_struct
from genzoo_core.zoo import Opened

N = 4
NONSENSE = "no such value of any conditioner"
HOSTILE = ("", " ", "\0", "-1", "999999999999", "😀", "\ud800", "x" * 100_000)
"""Texts that a command line can bring: each is a value, or refused by a UsageError."""


@dataclass(frozen=True)
class Asked:
    """A conditioner, and raw values that it must accept.

    Attributes:
        built: The conditioner.
        case: Where it is from.
    """

    built: Opened
    case: Case

    @property
    def conditioner(self) -> Conditioner:
        """The conditioner."""
        assert isinstance(self.built.module, Conditioner)
        return self.built.module

    def prepared(self) -> Tensor:
        """Rows of valid values, `[N, ...]`."""
        return material.prepared(self.conditioner, N, self.case.values)

    def embed(self, prepared: Tensor) -> Condition:
        """Prepared rows, embedded."""
        with torch.inference_mode():
            embedded: Condition = self.conditioner(prepared)
        return embedded


def check_conditioner_component(record: Recorder, case: Case) -> None:
    """Run all checks of a component of kind "conditioner"."""
    if (built := build(record, case)) is None:
        return
    built.module.eval()
    subject = Asked(built, case)
    kind = type(built.module)
    claims: list[tuple[str, Callable[[Asked], Iterator[str]]]] = [
        ("its config is strict and frozen", lambda _: strict_struct(kind, "Config")),
        ("null is a row for each image, and is trained", null),
        ("prepared values are rows like null's", rows),
        ("values are drawn by each image's own rng", own_chance),
        ("embeddings have the dimensions that it says", embeddings),
        ("drop puts null in the place of rows", drop),
        ("any text is a value, or refused with the choices", texts),
        ("what was saved and loaded embeds the same", reloaded),
    ]
    for claim, check in claims:
        record.check(claim, partial(check, subject))


def null(subject: Asked) -> Iterator[str]:
    """The null rows, and their gradient."""
    conditioner = subject.conditioner
    for n in (0, 1, N):
        nothing = conditioner.null(n)
        if not isinstance(nothing, Tensor) or nothing.dim() < 1 or len(nothing) != n:
            found = str(list(nothing.shape)) if isinstance(nothing, Tensor) else repr(nothing)
            yield problem(f"null({n}) of shape [{n}, …]", found, "return a row for each image")
            return
    if any(not torch.equal(row, nothing[0]) for row in nothing):
        yield problem("the same row for each null", "several", "null asks for nothing at all")
    categories = conditioner.categories
    if categories is not None and not bool((nothing == categories).all()):
        mend = "ids go from 0 to categories - 1, and null is the next"
        yield problem(f"null as the id {categories}", str(nothing[:3].tolist()), mend)
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


def rows(subject: Asked) -> Iterator[str]:
    """Prepared values can stand in one tensor with null."""
    conditioner, nothing = subject.conditioner, subject.conditioner.null(N)
    given = [("typical", conditioner.typical(SampleRng(range(N))))]
    if subject.case.values:
        given.append(("prepare", subject.prepared()))
    for name, found in given:
        if found.shape != nothing.shape or found.dtype != nothing.dtype:
            yield problem(
                f"{name} to give {nothing.dtype} of shape {list(nothing.shape)}, as null does",
                f"{found.dtype} of shape {list(found.shape)}",
                "prepared rows of a conditioner are all of one form",
            )
        if conditioner.categories is None:
            continue
        # Null, the id `categories`, is what `typical` gives where it knows no better.
        highest = conditioner.categories - (name != "typical")
        if not bool(((found >= 0) & (found <= highest)).all()):
            mend = "ids go from 0 to categories - 1, and null is the next"
            yield problem(f"{name} to give ids up to {highest}", str(found[:5].tolist()), mend)


def own_chance(subject: Asked) -> Iterator[str]:
    """What is random depends on the image's own seed alone."""
    conditioner = subject.conditioner
    draws: list[tuple[str, Callable[[SampleRng], Tensor]]] = [("typical", conditioner.typical)]
    if subject.case.values:
        value = subject.case.values[0]
        draws.append(("prepare", lambda rng: conditioner.prepare([value] * rng.n, rng)))
    try:
        chance = conditioner.parse("random")
    except UsageError:
        pass
    else:
        draws.append(
            ('prepare of "random"', lambda rng: conditioner.prepare([chance] * rng.n, rng))
        )
    for name, draw in draws:
        found: list[str] = []
        with untouched(found):
            together = draw(SampleRng(range(N)))
        yield from (f"{name}: {line}" for line in found)
        for i in range(N):
            with reseeded(i):
                single = draw(SampleRng([i]))
            if not torch.equal(single[0], together[i]):
                mend = "draw from `rng`, the same count of numbers for each image"
                yield problem(f"{name} to give image {i} what it gets alone", "another row", mend)
                break


def embeddings(subject: Asked) -> Iterator[str]:
    """The form of a `Condition`."""
    conditioner, prepared = subject.conditioner, subject.prepared()
    given: object = subject.embed(prepared)
    if not isinstance(given, Condition):
        found = f"a {type(given).__name__}"
        yield problem("forward to give a Condition", found, "return Condition(vector)")
        return
    yield from well_formed(given.vector, (N, conditioner.vector_dim), "its vector")
    if (given.tokens is None) != (conditioner.token_dim is None):
        found = f"token_dim = {conditioner.token_dim}, and tokens = {given.tokens}"
        yield problem("tokens where token_dim says so", found, "set token_dim, or None")
    elif given.tokens is not None:
        shape = (N, given.tokens.shape[1], conditioner.token_dim or 0)
        yield from well_formed(given.tokens, shape, "its tokens")
        if given.mask is not None and given.mask.shape != given.tokens.shape[:2]:
            found = str(list(given.mask.shape))
            yield problem("a mask of shape [B, T]", found, "True where a token counts")
    if (given.spatial is None) != (conditioner.spatial_dim is None):
        found = f"spatial_dim = {conditioner.spatial_dim}, and spatial = {given.spatial}"
        yield problem("a map where spatial_dim says so", found, "set spatial_dim, or None")
    elif given.spatial is not None:
        shape = (N, conditioner.spatial_dim or 0, *given.spatial.shape[2:])
        if given.spatial.dim() != 4:
            found = f"shape {list(given.spatial.shape)}"
            yield problem("a map of shape [B, D, H, W]", found, "reshape it")
        else:
            yield from well_formed(given.spatial, shape, "its map")
    if given.vector.shape[0] == N:
        single = subject.embed(prepared[1:2]).vector[0]
        if not same(single, given.vector[1]):
            mend = "use no statistics over the batch"
            yield problem("row 1 of a batch as it is alone", "another embedding", mend)


def drop(subject: Asked) -> Iterator[str]:
    """`drop` with probability 0 and 1."""
    conditioner, prepared = subject.conditioner, subject.prepared()
    for probability, expected in ((0.0, prepared), (1.0, conditioner.null(N))):
        found = conditioner.drop(prepared.clone(), SampleRng(range(N)), probability)
        if not torch.equal(found, expected):
            what = "null" if probability else "the rows as they are"
            mend = "leave drop to the base class"
            yield problem(f"drop at probability {probability:g} to give {what}", "others", mend)


def texts(subject: Asked) -> Iterator[str]:
    """What the command line can bring is parsed and prepared, or refused."""
    for text in HOSTILE:
        try:
            _prepare(subject.conditioner, subject.conditioner.parse(text))
        except UsageError:
            continue
        except (Exception, SystemExit) as error:
            mend = "raise UsageError, and name the choices"
            yield problem(f"{text[:20]!r} to be a value or a UsageError", unexpected(error), mend)
    if subject.conditioner.categories is None:
        return
    for wrong in (NONSENSE, object(), -1, 10**9):
        try:
            value = subject.conditioner.parse(wrong) if isinstance(wrong, str) else wrong
            _prepare(subject.conditioner, value)
        except UsageError as error:
            if len(str(error)) < len(str(wrong)[:20]) + 20:
                yield problem("an error that names the choices", str(error), "add them")
        except GenzooError as error:
            yield problem(f"UsageError for {str(wrong)[:20]!r}", unexpected(error), "raise that")
        except (Exception, SystemExit) as error:
            mend = "raise UsageError, and name the choices"
            yield problem(f"UsageError for {str(wrong)[:20]!r}", unexpected(error), mend)
        else:
            mend = "raise UsageError, and name the choices"
            yield problem(f"UsageError for {str(wrong)[:20]!r}", "a value", mend)


def _prepare(conditioner: Conditioner, raw: object) -> Tensor:
    return conditioner.prepare([raw], SampleRng([0]))


def reloaded(subject: Asked) -> Iterator[str]:
    """A conditioner in a model file."""
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
