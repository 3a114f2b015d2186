"""Checks of a model: with fresh weights, trained for a few steps, or with weights of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec
import torch

from genzoo_core.cards import ModelCard
from genzoo_core.conditioner import conditioners_of
from genzoo_core.encoder import Encoder
from genzoo_core.errors import NotFittedError
from genzoo_core.model import GenerativeModel
from genzoo_core.testing import material
from genzoo_core.testing.case import Case, Shape, image_shape, own_parameters, round_trip
from genzoo_core.testing.codecs import PERSISTENT, check_codec, check_loaded_encoder
from genzoo_core.testing.comparing import TOLERANCE, equal, relative_error
from genzoo_core.testing.folders import check_folder
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, check_sampling, sampled
from genzoo_core.testing.strictness import check_config, strict_options, strict_struct
from genzoo_core.testing.training import BATCH, Trained, check_training, finalized, fitted_flags
from genzoo_core.testing.varying import check_guided, check_varying
from genzoo_core.zoo import Opened, Zoo

SAMPLED = "its options can be made"


def check_model_component(record: Recorder, case: Case, built: Opened) -> None:
    """Run all checks of a component of kind "model"."""
    model = built.module
    assert isinstance(model, GenerativeModel)
    _check_options(record, type(model))
    record.check("its conditioners are those of its context", _conditioners, model, case)
    batch = material.batch(model.conditioners, BATCH, model.sample_shape, case.columns)
    trains = check_training(record, Trained(built, batch))
    subject = record.made(SAMPLED, sampled, built, case.options, case.columns)
    if subject is not None:
        record.check("it refuses to sample before it is fitted", _unfitted, subject)
    if not trains:
        return
    record.check("it fits what has a closed form", finalized, built, case)
    if subject is not None:
        _check_saved_model(record, case.zoo, subject)


def check_weights(
    record: Recorder,
    zoo: Zoo,
    reference: str,
    *,
    columns: Mapping[str, Sequence[object]],
    options: Mapping[str, object],
    shape: Shape | None,
) -> None:
    """Run all checks of a model with weights: one of the zoo, a model file, or a folder."""
    opened = record.made(
        "it loads, and is the file that its card promises",
        lambda: (zoo.open(reference), zoo.card(reference)),
    )
    if opened is None:
        return
    built, card = opened
    record.check("its card says what it is", _agrees, built, card)
    if built.format:
        check_folder(record, zoo, reference, built)
    # What a format builds by itself can be neither saved nor built again.
    can_be_saved = not built.format or bool(built.content)
    module, spec = built.module, built.spec
    if isinstance(module, Encoder):
        image = image_shape(shape or card.shape, module, spec.config)
        if can_be_saved:
            check_loaded_encoder(record, zoo, built, image)
        else:
            check_codec(record, module, material.images(len(SEEDS), image))
        return
    if not isinstance(module, GenerativeModel):
        record.skip("it makes pictures or latents", f"a {spec.kind} does neither")
        return
    if can_be_saved:
        check_config(record, type(module))
        _check_options(record, type(module))
    subject = record.made(SAMPLED, sampled, built, options, columns)
    if subject is not None and can_be_saved:
        _check_saved_model(record, zoo, subject)
        record.check("other conditions give other pictures", _matters, subject)
    elif subject is not None:
        check_sampling(record, subject)


def _check_options(record: Recorder, model: type[GenerativeModel[msgspec.Struct]]) -> None:
    if record.check("its options are strict and frozen", strict_struct, model, "Options"):
        record.check("its options are typed", strict_options, model.Options)


def _conditioners(model: GenerativeModel[msgspec.Struct], case: Case) -> Iterator[str]:
    expected = list(case.conditioners)
    if list(model.conditioners) != expected:
        mend = "pass the context on: super().__init__(context, condition_dim)"
        found = ", ".join(model.conditioners) or "none"
        yield problem(f"the conditioners {', '.join(expected) or '(none)'}", found, mend)


def _unfitted(subject: Sampled) -> Iterator[str]:
    flags = [name for name, flag in fitted_flags(subject.model) if not bool(flag.any())]
    if not flags:
        raise SkipError("it has no flag `fitted`, so nothing to fit before it samples")
    try:
        subject.draw()
    except NotFittedError:
        return
    mend = "raise NotFittedError from sample() while the flag is not set"
    yield problem(f"NotFittedError while {flags[0]} is not set", "pictures", mend)


def _check_saved_model(record: Recorder, zoo: Zoo, subject: Sampled) -> None:
    """Save a model, load it, and check what was loaded."""
    loaded: list[Opened] = []
    claim = "what was saved and loaded gives the same pictures"
    if not record.check(claim, _reloaded, zoo, subject, loaded) and not loaded:
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


def _reloaded(zoo: Zoo, subject: Sampled, loaded: list[Opened]) -> Iterator[str]:
    loaded.append(round_trip(zoo, subject.built))
    if loaded[0].module.training:
        yield problem("evaluation mode after loading", "training mode", "leave eval() alone")
    try:
        expected = subject.draw()
    except NotFittedError:
        return  # a check of its own finds that
    found = replace(subject, built=loaded[0]).draw()
    yield from equal(found, expected, "the same pictures from the same seeds", PERSISTENT)


def _agrees(built: Opened, card: ModelCard) -> Iterator[str]:
    module = built.module
    conditioners = tuple(conditioners_of(module))
    pairs: list[tuple[str, object, object]] = [
        ("kind", built.spec.kind, card.kind),
        ("conditioners", conditioners, card.conditioners),
    ]
    if not built.format:  # the registry counts those of a folder
        count = sum(p.numel() for p in own_parameters(built).values())
        pairs.append(("parameters", count, card.parameters))
    if isinstance(module, GenerativeModel):
        pairs.append(("shape", tuple(module.sample_shape), card.shape))
    for field, has, says in pairs:
        if has != says:
            mend = "correct the card: the card.toml that a training writes is right"
            if built.format:
                mend = "let the format's `card` say so"
            yield problem(f"`{field}` = {has!r} in the card", repr(says), mend)


def _matters(subject: Sampled) -> Iterator[str]:
    if not subject.model.conditioners:
        raise SkipError("it takes no condition")
    one_seed = replace(subject, seeds=[SEEDS[0]] * len(SEEDS))
    for name, rows in subject.conditions.items():
        if bool((rows == rows[0]).all()):
            raise SkipError(f"there is one value of {name} alone; give columns={{{name!r}: […]}}")
        alike = {**subject.conditions, name: rows[:1].expand_as(rows).clone()}
        found, expected = one_seed.draw(), replace(one_seed, conditions=alike).draw()
        if relative_error(found, expected) <= TOLERANCE:
            mend = "let the network see self.condition(conditions, rng.n), and train it"
            yield problem(f"other pictures for another {name}", "the same ones", mend)
        if not bool(torch.isfinite(found).all()):
            yield problem(f"finite pictures for each {name}", "NaN or infinity", "train it longer")
