"""Checks of a model that has weights: one of the zoo, a model file, or a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

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
from genzoo_core.testing.models import check_options, check_saved_model, with_options
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.testing.sampling import SEEDS, Sampled, check_sampling
from genzoo_core.testing.saving import own_parameters
from genzoo_core.testing.strictness import check_config
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
    opened = record.made(
        "it loads, and is the file that its card promises",
        lambda: (zoo.open(reference), zoo.card(reference)),
    )
    if opened is None:
        return
    built, card = opened
    record.check("its card says what it is", agrees, built, card)
    if built.format:
        check_folder(record, zoo, reference, built)
    # What a format builds by itself can be neither saved nor built again.
    can_be_saved = not built.format or bool(built.content)
    module, spec = built.module, built.spec
    case = Case(
        zoo,
        spec.kind,
        spec.component,
        config=spec.config,
        conditioners=spec.conditioners,
        columns=columns,
        options=options,
        shape=shape or card.shape,
    )
    if isinstance(module, Encoder):
        image = image_shape(case.shape, module, spec.config)
        if can_be_saved:
            check_loaded_encoder(record, case, built, image)
        else:
            check_codec(record, module, images(len(SEEDS), image))
    elif not isinstance(module, GenerativeModel):
        record.skip("it makes pictures or latents", f"a {spec.kind} does neither")
    elif not can_be_saved:
        if (subject := with_options(record, built, options, columns)) is not None:
            check_sampling(record, subject)
    else:
        check_config(record, type(module))
        check_options(record, type(module))
        if (subject := with_options(record, built, options, columns)) is not None:
            check_saved_model(record, case, subject)
            record.check("other conditions give other pictures", matters, subject)


def agrees(built: Opened, card: ModelCard) -> Iterator[str]:
    """What is wrong with a card: its fields must be those of the module."""
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


def matters(subject: Sampled) -> Iterator[str]:
    """What is wrong where another condition gives the same picture."""
    if not subject.model.conditioners:
        raise SkipError("it takes no condition")
    for name, rows in subject.conditions.items():
        if bool((rows == rows[0]).all()):
            raise SkipError(f"there is one value of {name} alone; give columns={{{name!r}: […]}}")
        alike = {**subject.conditions, name: rows[:1].expand_as(rows).clone()}
        one_seed = replace(subject, seeds=[SEEDS[0]] * len(SEEDS))
        pair = [replace(one_seed, conditions=c).draw() for c in (subject.conditions, alike)]
        if relative_error(pair[0], pair[1]) <= TOLERANCE:
            mend = "let the network see self.condition(conditions, rng.n), and train it"
            yield problem(f"other pictures for another {name}", "the same ones", mend)
        if not bool(torch.isfinite(pair[0]).all()):
            yield problem(f"finite pictures for each {name}", "NaN or infinity", "train it longer")
