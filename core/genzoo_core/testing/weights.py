"""Checks of a model that has weights: one of the zoo, or a model file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch

from genzoo_core.cards import ModelCard
from genzoo_core.conditioner import conditioners_of
from genzoo_core.encoder import Encoder
from genzoo_core.model import GenerativeModel
from genzoo_core.testing.case import Case, Shape, image_shape
from genzoo_core.testing.codecs import check_codec, check_loaded_encoder
from genzoo_core.testing.comparing import TOLERANCE, relative_error
from genzoo_core.testing.folders import check_folder
from genzoo_core.testing.material import images
from genzoo_core.testing.models import check_saved_model, check_strictness
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, check_sampling, sampled
from genzoo_core.testing.saving import parameters
from genzoo_core.zoo import Opened, Zoo


def check_weights(
    record: Recorder,
    zoo: Zoo,
    reference: str,
    *,
    columns: Mapping[str, Sequence[object]],
    options: Mapping[str, object],
    shape: Shape | None,
) -> None:
    """Run all checks of a model with weights."""
    found: list[tuple[Opened, ModelCard]] = []

    def loads() -> Iterator[str]:
        found.append((zoo.open(reference), zoo.card(reference)))
        yield from ()

    if not record.check("it loads, and is the file that its card promises", loads):
        return
    built, card = found[0]
    record.check("its card says what it is", partial(agrees, built, card))
    if built.format:
        check_folder(record, zoo, reference, built)
    if built.format and not built.content:
        check_built(record, built, options, columns, shape or card.shape)
        return
    module = built.module
    case = Case(
        zoo,
        built.spec.kind,
        built.spec.component,
        config=built.spec.config,
        conditioners=built.spec.conditioners,
        columns=columns,
        options=options,
        shape=shape or card.shape,
    )
    if isinstance(module, Encoder):
        image = image_shape(case.shape, module, built.spec.config)
        check_loaded_encoder(record, case, built, image)
        return
    if not isinstance(module, GenerativeModel):
        record.skip("it makes pictures or latents", f"a {built.spec.kind} does neither")
        return
    check_strictness(record, type(module))
    subject: list[Sampled] = []

    def asked() -> Iterator[str]:
        subject.append(sampled(built, options, columns))
        yield from ()

    if record.check("its options can be made", asked):
        check_saved_model(record, case, subject[0])
        record.check("what is asked makes a difference", partial(matters, subject[0]))


def check_built(
    record: Recorder,
    built: Opened,
    options: Mapping[str, object],
    columns: Mapping[str, Sequence[object]],
    shape: Shape | None,
) -> None:
    """Check what a format built by itself: it cannot be saved, nor built again."""
    module = built.module
    if isinstance(module, Encoder):
        image = image_shape(shape, module, built.spec.config)
        check_codec(record, module, images(len(SEEDS), image), "")
    elif isinstance(module, GenerativeModel):
        subject: list[Sampled] = []

        def asked() -> Iterator[str]:
            subject.append(sampled(built, options, columns))
            yield from ()

        if record.check("its options can be made", asked):
            check_sampling(record, subject[0])
    else:
        record.skip("it makes pictures or latents", f"a {built.spec.kind} does neither")


def agrees(built: Opened, card: ModelCard) -> Iterator[str]:
    """A card's shape, conditioners and count of parameters are those of the module."""
    module = built.module
    conditioners = tuple(conditioners_of(module))
    pairs: list[tuple[str, object, object]] = [
        ("kind", built.spec.kind, card.kind),
        ("conditioners", conditioners, card.conditioners),
    ]
    if not built.format:  # the registry counts those of a folder
        pairs.append(("parameters", parameters(built), card.parameters))
    if isinstance(module, GenerativeModel):
        pairs.append(("shape", tuple(module.sample_shape), card.shape))
    for field, has, says in pairs:
        if has != says:
            mend = "correct the card: the card.toml that a training writes is right"
            if built.format:
                mend = "let the format's `card` say so"
            yield problem(f"`{field}` = {has!r} in the card", repr(says), mend)


def matters(subject: Sampled) -> Iterator[str]:
    """Other conditions, other pictures."""
    model = subject.model
    if not model.conditioners:
        raise SkipError("it takes no condition")
    for name, rows in subject.asked.items():
        if bool((rows == rows[0]).all()):
            raise SkipError(f"only one value of {name} is known; give columns={{{name!r}: […]}}")
        alike = {**subject.asked, name: rows[:1].expand_as(rows).clone()}
        pair = [subject.draw([SEEDS[0]] * len(SEEDS), asked) for asked in (subject.asked, alike)]
        if relative_error(pair[0], pair[1]) <= TOLERANCE:
            mend = "let the network see self.condition(conditions, rng.n), and train it"
            yield problem(f"other pictures for another {name}", "the same ones", mend)
        if not bool(torch.isfinite(pair[0]).all()):
            yield problem(f"finite pictures for each {name}", "NaN or infinity", "train it longer")
