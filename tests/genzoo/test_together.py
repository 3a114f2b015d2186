"""Pictures of several requests in one batch are those of each request alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import genzoo
from genzoo_core import GenzooError, Input, Request, UsageError
from genzoo_core.images import to_uint8
from genzoo_core.zoo import Part


def apart(mine: torch.Tensor, theirs: torch.Tensor) -> int:
    """The largest difference of two sets of pictures, in levels of 255."""
    return int((to_uint8(mine).int() - to_uint8(theirs).int()).abs().max())


@pytest.mark.parametrize("model", ["gan-mnist", "vae-mnist", "flow1-emoji", "ldm-emoji"])
def test_prompts_and_seeds_share_a_batch(model: str) -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open(model)
    words = ("a red heart", "smiling cat face") if "emoji" in model else ("7", "3")
    requests = [
        Request(model, (words[0],), n=2, seed=5),
        Request(model, words, n=1, seed=90),
        Request(model, (words[1],), n=5, seed=2**40),
    ]
    plans = [zoo.plan(request, opened) for request in requests]
    assert len({plan.group for plan in plans}) == 1
    spans = [(0, 2), (1, 2), (1, 4)]
    parts = [Part(plan, *span) for plan, span in zip(plans, spans, strict=True)]
    steps: list[torch.Size] = []
    together = zoo.make_together(parts, lambda i, n, x: steps.append(x.shape))
    assert all(len(shape) == 4 and shape[0] == 6 for shape in steps)
    for request, span, made in zip(requests, spans, together, strict=True):
        alone = genzoo.generate(opened, request.prompts, n=request.n, seed=request.seed)
        assert apart(made.images, alone.images[slice(*span)]) <= 1
        assert made.seeds == alone.seeds[slice(*span)]
        assert made.record.pictures == (None if span == (0, 2) else span)


def test_without_a_prompt_chance_is_of_each_seed() -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("vae-mnist")
    plans = [zoo.plan(Request("vae-mnist", n=2, seed=seed), opened) for seed in (1, 8)]
    together = zoo.make_together([Part(plan, 0, 2) for plan in plans])
    for seed, made in zip((1, 8), together, strict=True):
        assert apart(made.images, genzoo.generate(opened, n=2, seed=seed).images) <= 1


@pytest.mark.parametrize("how", [{"strength": 0.7}, {"mask": "left"}, {"negative": "a dog"}])
def test_inputs_masks_and_negatives_are_each_requests_own(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("flow-emoji")
    requests = []
    for seed, colour in ((3, "red"), (70, "blue")):
        path = tmp_path / f"{colour}.png"
        Image.new("RGB", (32, 32), colour).save(path)
        fields: dict[str, Any] = {"seed": seed, "options": {"steps": 2}, **how}
        if "mask" in how:
            mask = np.zeros((32, 32), np.uint8)
            mask[:, : 8 + seed % 16] = 255
            fields["mask"] = Input(str(tmp_path / f"{colour}-mask.png"))
            Image.fromarray(mask).save(fields["mask"].path)
        if "negative" not in how:
            fields["inputs"] = (Input(str(path)),)
        else:
            fields["negative"] = how["negative"] if colour == "red" else "a cat"
        requests.append(Request("flow-emoji", ("a face",), **fields))
    plans = [zoo.plan(request, opened) for request in requests]
    assert plans[0].group == plans[1].group
    together = zoo.make_together([Part(plan, 0, 1) for plan in plans])
    for request, made in zip(requests, together, strict=True):
        alone = zoo.generate(request, opened=opened)
        assert apart(made.images, alone.images) <= 1


def test_what_differs_in_more_than_rows_is_no_group() -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("flow-emoji")
    fields: list[dict[str, Any]] = [
        {},
        {"options": {"steps": 3}},
        {"negative": "a dog"},
        {"options": {"style": "noto"}},
    ]
    plans = [zoo.plan(Request("flow-emoji", ("a",), **each), opened) for each in fields]
    assert len({plan.group for plan in plans}) == len(fields)
    walk = zoo.plan(Request("flow-emoji", ("a",), n=2, interpolate=(1, 2)), opened)
    assert walk.group is None


def test_a_plan_that_is_like_the_last_is_the_same() -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("flow-emoji")
    options = {"steps": 1, "guidance": 2.0, "style": "noto"}
    last = zoo.plan(Request("flow-emoji", ("a cat",), seed=1, options=options), opened)
    requests = [
        Request("flow-emoji", ("a dog", "a red heart"), n=3, seed=2**40, options=options),
        Request("flow-emoji", seed=7, options=options),
        Request("flow-emoji", ("a dog",), seed=3, options={**options, "steps": 2}),
        Request("flow-emoji", ("a dog",), seed=3, options={"steps": 1}),
        Request("flow-emoji", ("a dog",), seed=3, options=options, negative="a cat"),
        Request("flow-emoji", ("a dog",), seed=3, options=options, batch=2),
        Request("flow-emoji", ("a dog",), n=2, options=options, interpolate=(1, 5)),
    ]
    for request in requests:
        plan, alone = zoo.plan(request, opened, last), zoo.plan(request, opened)
        assert plan.record == alone.record
        assert plan.group == alone.group
        (one,), (other,) = (zoo.make_together([Part(each, 0, 1)]) for each in (plan, alone))
        assert torch.equal(one.images, other.images)
    assert zoo.plan(Request("flow-emoji", options=options), opened, last).record.seed != 1
    wrong: list[dict[str, Any]] = [
        {"prompts": ("a\0",)},
        {"prompts": (7,)},
        {"prompts": ("a" * 10_001,)},
        {"prompts": ("a" * 10_000,) * 200},
        {"n": 0},
        {"n": True},
        {"seed": -1},
        {"seed": 2**63},
        {"options": {**options, "steps": True}},
        {"options": {**options, "steps": 1.5}},
        {"conditions": {"style": "twemoji"}},
    ]
    for fields in wrong:
        with pytest.raises(UsageError):
            zoo.plan(Request("flow-emoji", **{"options": options, **fields}), opened, last)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options": {"guidance": 1.0}, "negative": "a dog"}, "with guidance 1 nothing leads away"),
        ({"options": {"sampler": "ddim"}}, "ddim"),
    ],
)
def test_wrong_options_are_refused_when_a_request_is_planned(
    fields: dict[str, Any], message: str
) -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("flow-emoji")
    with pytest.raises(UsageError, match=message):
        zoo.plan(Request("flow-emoji", ("a cat",), **fields), opened)


def test_a_negative_needs_guidance_also_where_a_plan_is_like_the_last() -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("flow-mnist")
    last = zoo.plan(Request("flow-mnist", ("7",), negative="1"), opened)
    with pytest.raises(UsageError, match="nothing leads away from a negative"):
        zoo.plan(Request("flow-mnist", negative="1"), opened, last)


def test_where_one_picture_does_not_fit_into_memory_is_said_what_helps(painter: Path) -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("plain")
    plan = zoo.plan(Request("plain", n=3, options={"fault": "starving"}), opened)
    for make in (lambda: zoo.make_together([Part(plan, 0, 3)]), lambda: zoo.generate(plan.record)):
        with pytest.raises(GenzooError, match=r"out of memory making one .*; close other programs"):
            make()


def test_a_png_has_the_record_that_makes_it_alone() -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("gan-mnist")
    plan = zoo.plan(Request("gan-mnist", ("7",), n=3, seed=4), opened)
    (made,) = zoo.make_together([Part(plan, 1, 3)])
    first, second = zoo.png(made)
    assert zoo.read_record(first).pictures == (1, 2)
    assert zoo.read_record(second).pictures == (2, 3)
    with pytest.raises(UsageError, match=r"^the file is a damaged picture"):
        zoo.read_record(b"GIF89a")
