"""Checks of a generative model: with fresh weights, trained for a few steps, and loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from genzoo_core.errors import NotFittedError
from genzoo_core.model import GenerativeModel
from genzoo_core.testing import material
from genzoo_core.testing.case import Case
from genzoo_core.testing.codecs import check_codec
from genzoo_core.testing.comparing import equal
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, check_sampling, sampled
from genzoo_core.testing.saving import round_trip
from genzoo_core.testing.strictness import strict_options, strict_struct
from genzoo_core.testing.training import BATCH, Trained, check_training, finalized, fitted_flags
from genzoo_core.testing.varying import check_guided, check_varying
from genzoo_core.zoo import Opened


def check_model_component(record: Recorder, case: Case, built: Opened) -> None:
    """Run all checks of a component of kind "model"."""
    model = built.module
    assert isinstance(model, GenerativeModel)
    check_options(record, type(model))
    record.check("its conditioners are those of its context", _conditioners, model, case)
    batch = material.batch(model.conditioners, BATCH, model.sample_shape, case.columns)
    trains = check_training(record, Trained(built, batch))
    subject = with_options(record, built, case.options, case.columns)
    if subject is not None:
        record.check("it refuses to sample before it is fitted", unfitted, subject)
    if not trains:
        return
    record.check("it fits what has a closed form", finalized, built, case)
    if subject is not None:
        check_saved_model(record, case, subject)


def with_options(
    record: Recorder,
    built: Opened,
    options: Mapping[str, object],
    columns: Mapping[str, Sequence[object]],
) -> Sampled | None:
    """A model with options and conditions to sample with; None where its options cannot be made."""
    return record.made("its options can be made", sampled, built, options, columns)


def check_saved_model(record: Recorder, case: Case, subject: Sampled) -> None:
    """Save a model, load it, and check what was loaded."""
    loaded: list[Opened] = []
    claim = "what was saved and loaded gives the same pictures"
    if not record.check(claim, reloaded, case, subject, loaded) and not loaded:
        return
    again = replace(subject, built=loaded[0])
    pictures = check_sampling(record, again)
    if pictures is not None:
        check_varying(record, again, pictures)
        check_guided(record, again)
    if again.model.codec is not None:
        # On its own pictures: the codec need not encode any others well.
        if pictures is None:
            pictures = material.images(len(SEEDS), again.model.sample_shape)
        check_codec(record, again.model.codec, pictures, "its codec: ")


def check_options(record: Recorder, model: type[GenerativeModel[msgspec.Struct]]) -> None:
    """Check the `Options` of a model's class."""
    if record.check("its options are strict and frozen", strict_struct, model, "Options"):
        record.check("its options are typed", strict_options, model.Options)


def _conditioners(model: GenerativeModel[msgspec.Struct], case: Case) -> Iterator[str]:
    expected = list(case.conditioners)
    if list(model.conditioners) != expected:
        mend = "pass the context on: super().__init__(context, condition_dim)"
        found = ", ".join(model.conditioners) or "none"
        yield problem(f"the conditioners {', '.join(expected) or '(none)'}", found, mend)


def unfitted(subject: Sampled) -> Iterator[str]:
    """What is wrong with `sample` while the flag `fitted` is not set: it must refuse."""
    flags = [name for name, flag in fitted_flags(subject.model) if not bool(flag.any())]
    if not flags:
        raise SkipError("it has no flag `fitted`, so nothing to fit before it samples")
    try:
        subject.draw()
    except NotFittedError:
        return
    mend = "raise NotFittedError from sample() while the flag is not set"
    yield problem(f"NotFittedError while {flags[0]} is not set", "pictures", mend)


def reloaded(case: Case, subject: Sampled, loaded: list[Opened]) -> Iterator[str]:
    """What is wrong with the pictures of a model that was saved and loaded."""
    loaded.append(round_trip(case.zoo, subject.built))
    if loaded[0].module.training:
        yield problem("evaluation mode after loading", "training mode", "leave eval() alone")
    try:
        expected = subject.draw()
    except NotFittedError:
        return  # a check of its own finds that
    mend = (
        "keep all that sampling needs in parameters and persistent buffers: attributes of "
        "any other sort are not in the file"
    )
    found = replace(subject, built=loaded[0]).draw()
    yield from equal(found, expected, "the same pictures from the same seeds", mend)
