"""Checks of a generative model: fresh, trained for a few steps, and loaded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from genzoo_core.errors import NotFittedError
from genzoo_core.model import GenerativeModel
from genzoo_core.testing import material
from genzoo_core.testing.case import Case
from genzoo_core.testing.codecs import check_codec
from genzoo_core.testing.comparing import relative_error, same
from genzoo_core.testing.fitting import BATCH, build, finalized
from genzoo_core.testing.guided import check_guided
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, check_sampling, sampled
from genzoo_core.testing.saving import round_trip
from genzoo_core.testing.strictness import strict_options, strict_struct
from genzoo_core.testing.training import Trained, check_training
from genzoo_core.testing.varying import check_varying
from genzoo_core.zoo import Opened


def check_model_component(record: Recorder, case: Case) -> None:
    """Run all checks of a component of kind "model"."""
    if (built := build(record, case)) is None:
        return
    model = built.module
    assert isinstance(model, GenerativeModel)
    check_strictness(record, type(model))
    record.check("its conditioners are those it was given", partial(_conditioners, model, case))
    batch = material.batch(model.conditioners, BATCH, model.sample_shape, case.columns)
    trains = check_training(record, Trained(built, batch))
    subject: list[Sampled] = []

    def options() -> Iterator[str]:
        subject.append(sampled(built, case.options, case.columns))
        yield from ()

    if record.check("its options can be made", options):
        record.check("what was not fitted says so", partial(unfitted, subject[0]))
    if not trains:
        return
    record.check("it fits what has a closed form", partial(finalized, built, case))
    if subject:
        check_saved_model(record, case, subject[0])


def check_saved_model(record: Recorder, case: Case, subject: Sampled) -> None:
    """Save a model, load it, and check what was loaded."""
    loaded: list[Opened] = []
    claim = "what was saved and loaded gives the same pictures"
    if not record.check(claim, partial(reloaded, case, subject, loaded)) and not loaded:
        return
    again = Sampled(loaded[0], subject.options, subject.asked)
    pictures = check_sampling(record, again)
    if pictures is not None:
        check_varying(record, again, pictures)
        check_guided(record, again)
    if again.model.codec is not None:
        # The latents of what the model draws are those of its prior: the codec need know no others.
        if pictures is None:
            pictures = material.images(len(SEEDS), again.model.sample_shape)
        check_codec(record, again.model.codec, pictures, "its codec: ")


def check_strictness(record: Recorder, model: type[GenerativeModel[msgspec.Struct]]) -> None:
    """Config and Options are strict."""
    record.check("its config is strict and frozen", partial(strict_struct, model, "Config"))
    if record.check("its options are strict and frozen", partial(strict_struct, model, "Options")):
        record.check("its options are typed", partial(strict_options, model.Options))


def _conditioners(model: GenerativeModel[msgspec.Struct], case: Case) -> Iterator[str]:
    given = list(case.conditioners)
    if list(model.conditioners) != given:
        mend = "pass the context on: super().__init__(context, condition_dim)"
        found = ", ".join(model.conditioners) or "none"
        yield problem(f"the conditioners {', '.join(given) or '(none)'}", found, mend)


def unfitted(subject: Sampled) -> Iterator[str]:
    """A model whose flag says that it was never fitted refuses to sample."""
    flags = [
        name
        for name, buffer in subject.model.named_buffers()
        if name.rpartition(".")[2] == "fitted" and not bool(buffer.any())
    ]
    if not flags:
        raise SkipError("it has no flag `fitted`, so nothing to fit before it samples")
    try:
        subject.draw()
    except NotFittedError:
        return
    mend = "raise NotFittedError from sample() while the flag is not set"
    yield problem(f"NotFittedError while {flags[0]} is not set", "pictures", mend)


def reloaded(case: Case, subject: Sampled, loaded: list[Opened]) -> Iterator[str]:
    """Pictures before saving and after loading are the same."""
    loaded.append(round_trip(case.zoo, subject.built))
    again = Sampled(loaded[0], subject.options, subject.asked)
    if loaded[0].module.training:
        yield problem("evaluation mode after loading", "training mode", "leave eval() alone")
    try:
        expected = subject.draw()
    except NotFittedError:
        return  # the same is told, and judged, where pictures are drawn
    found = again.draw()
    if not same(found, expected):
        yield problem(
            "the same pictures from the same seeds",
            f"ones that differ by {relative_error(found, expected):.2g}",
            "keep all that sampling needs in parameters and persistent buffers: attributes of "
            "any other sort are not in the file",
        )
