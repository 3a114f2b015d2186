"""Configs and options with one value changed: they work, or are refused by the field's name.

`GENZOO_FUZZ=100000 pytest tests/genzoo/test_fuzz_configs.py` finds other examples each time.
"""

from __future__ import annotations

import copy
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from fuzzing.mutations import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from mutations import fuzzed
from raw_files import edited_model

import genzoo
from genzoo_core import ComponentSpec, GenzooError, ModelCard, ModelSpec, Zoo

BUILDS = 1000
"""Configs with one value changed."""
SETTINGS = 150
"""Options with one value changed."""
PATIENCE = 60
"""Seconds until one of them counts as hanging."""

SHAPE = [1, 8, 8]
FLAT = {"type": "mlp", "hidden": 4}
CONV = {"type": "conv", "width": 4}
NET = {"type": "mlp", "width": 4, "blocks": 1, "embedding": 4}
UNET = {"type": "unet", "width": 4, "blocks": 1, "patch": 1, "embedding": 4, "flat": 4}
TRUNK = {"shape": SHAPE, "width": 4, "features": 4}
SECOND = {"type": "vae", "width": 4, "layers": 1, "embedding": 4}
EDM = {"data_std": 0.5, "sigma_min": 0.002, "sigma_max": 80.0, "rho": 7.0}
LOGS = {"log_mean": -1.2, "log_std": 1.2}
DDIM = {"component": "genzoo/ddim", "config": {"eta": 0.5}}
LABEL = {"label": ComponentSpec("genzoo/class-labels", {"classes": ["a", "b"], "dim": 2})}
WORDS = {"text": ComponentSpec("genzoo/caption-words", {"dim": 4, "buckets": 8})}


def diffusion(noiser: str, settings: dict[str, Any], **config: Any) -> ModelSpec:
    chosen = {"component": f"genzoo/{noiser}", "config": settings}
    whole = {"shape": SHAPE, "noiser": chosen, "network": NET, "steps": 3, **config}
    return ModelSpec("genzoo/diffusion", whole, conditioners=LABEL)


def gan(network: dict[str, Any], **config: Any) -> ModelSpec:
    return ModelSpec("genzoo/gan", {"shape": SHAPE, "latent": 2, "network": network, **config})


def latents(name: str, **config: Any) -> ModelSpec:
    return ModelSpec(f"genzoo/{name}", {"shape": SHAPE, "latent": 2, **config})


SPECS = [
    latents("autoencoder", network=FLAT, components=1),
    latents("autoencoder", network=CONV, prior={"type": "flow", "width": 4, "embedding": 4}),
    latents("vae", network=FLAT),
    latents("vae", network=CONV, prior=SECOND),
    gan(FLAT, penalty={"type": "one-centred"}),
    gan({**CONV, "critic_width": 4, "hidden": 4}, penalty={"type": "zero-centred"}, augment={}),
    diffusion("edm", EDM | LOGS, sampler="dpmpp-2m"),
    diffusion("edm", EDM | LOGS, network=UNET, sampler="heun", clip=False),
    diffusion("ddpm", {"schedule": "cosine", "prediction": "v"}, sampler=DDIM),
    diffusion("rectified-flow", {"times": "uniform"}, unasked="typical"),
    ModelSpec("genzoo/mean-flow", {"shape": SHAPE, "network": NET, "teacher": {}}),
    ModelSpec("genzoo/spatial-codec", {"shape": SHAPE, "width": 4}, kind="codec"),
    ModelSpec("genzoo/classifier", {"trunk": TRUNK}, "encoder", LABEL),
    ModelSpec("genzoo/self-supervised", {"trunk": TRUNK}, "encoder"),
    ModelSpec("genzoo/dual-encoder", {"trunk": TRUNK, "width": 4}, "encoder", WORDS),
    ModelSpec("genzoo/class-labels", {"classes": ["a", "b"], "frequencies": [1, 2]}, "conditioner"),
    ModelSpec("genzoo/caption-words", {"dim": 4, "buckets": 8}, "conditioner"),
]
"""Tiny ones, of all that has settings and needs neither a download nor a part."""

ENDS: list[Any] = [
    *(-1, 0, 1, 2, 3, 4, 16, 17, 100, 101, 512, 513, 1000, 1001, 4096, 4097, 10**4, 10**6, 10**9),
    *(-1e-9, 0.0, 5e-324, 1e-300, 1e-9, 1e-5, 1e-3, 0.1, 0.5, 0.99, 1.0, 1.0000001, 10.0, 10.1),
    *(100.0, 100.1, 1e3, 1e4, 1e6, 1.1e6, 1e9, 1e40, -1e9, 10**400, "x" * 2**20),
]
"""The ends of the ranges that there are, and what lies beyond."""

VALUES = st.one_of(st.sampled_from(ENDS), st.sampled_from(HOSTILE), st.integers(0, 9), st.floats())


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in plain data."""
    if isinstance(tree, dict | list | tuple):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        for key in keys:
            yield (*path, key)
            yield from places(tree[key], (*path, key))


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Plain data with another value at the end of the way."""
    if not path:
        return copy.deepcopy(value)
    out = dict(tree) if isinstance(tree, dict) else list(tree)
    out[path[0]] = put(tree[path[0]], path[1:], value)
    return out


@contextmanager
def patience() -> Iterator[None]:
    """Fail what hangs."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"it hangs: not done after {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def is_plain(value: Any) -> bool:
    """Whether a value is one that JSON and a message can hold."""
    match value:
        case str():
            return value.isascii() or value.isprintable()
        case float():
            return math.isfinite(value)
        case list():
            return all(map(is_plain, value))
        case dict():
            return all(map(is_plain, value.values()))
    return True


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return genzoo.open_zoo(no_plugins=True)


def test_a_config_with_another_value_works_or_is_refused_by_name(zoo: Zoo, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    targets: list[tuple[ModelSpec, Path, tuple[Any, ...]]] = []
    for number, spec in enumerate(SPECS):
        built = zoo.build(spec)
        path = tmp_path / f"{number}.safetensors"
        card = ModelCard("tiny", "tiny", "Tiny.", kind=spec.kind)
        zoo.save(path, built.spec, built.own_tensors(), card)
        targets += [(built.spec, path, place) for place in places(built.spec.config)]
    counts = {True: 0, False: 0}

    @fuzzed(BUILDS)
    @given(st.sampled_from(targets), VALUES)
    def try_one(target: tuple[ModelSpec, Path, tuple[Any, ...]], value: Any) -> None:
        spec, path, place = target
        config = put(spec.config, place, value)
        counts[builds_or_is_refused(zoo, spec, config, place, value)] += 1
        opens_or_is_refused(zoo, path, config)

    try_one()
    assert counts[True] > BUILDS / 20
    assert counts[False] > counts[True]


def refusal(work: Callable[[], Any]) -> str | None:
    """What genzoo refuses it with; None where it works."""
    try:
        with patience():
            work()
    except GenzooError as error:
        return str(error)
    return None


def builds_or_is_refused(
    zoo: Zoo, spec: ModelSpec, config: dict[str, Any], place: tuple[Any, ...], value: Any
) -> bool:
    if isinstance(value, int) and 64 < value <= 10**6 and place[-1] not in ("steps", "gamma"):
        return False  # it may be a width: gigabytes that the machine has
    whole = ModelSpec(spec.component, config, spec.kind, spec.conditioners)
    found = refusal(lambda: zoo.build(whole))
    if found is not None:
        assert len(found) < 700, found
        named = any(key in found for key in place if isinstance(key, str))
        assert named or not is_plain(value), (place, found)
        return False
    if spec.kind == "model":
        fitted = spec.component not in ("genzoo/autoencoder", "genzoo/vae")
        options = {} if fitted else {"prior": "standard-normal"}
        built = zoo.build(whole)
        made = refusal(lambda: genzoo.generate(built, n=2, seed=0, options=options, zoo=zoo))
        assert made is None or len(made) < 700, made
    return True


def opens_or_is_refused(zoo: Zoo, path: Path, config: dict[str, Any]) -> None:
    other = edited_model(path, lambda model: model.update(config=config))
    found = refusal(lambda: zoo.open(str(other)))
    assert found is None or len(found) < 1200, found


MODELS = ["flow-mnist", "ddpm-mnist", "flow1-mnist", "vae-mnist", "gan-mlp-mnist"]


def test_an_option_with_another_value_works_or_is_refused_by_name(zoo: Zoo) -> None:
    opened = {name: zoo.open(name) for name in MODELS}
    names = ["steps", "guidance", "sampler", "eta", "sampler.eta", "temperature", "prior", "x.y"]
    torch.set_num_threads(1)

    @fuzzed(SETTINGS)
    @given(st.sampled_from(MODELS), st.sampled_from(names), VALUES, st.booleans())
    def try_one(model: str, name: str, value: Any, as_text: bool) -> None:
        value = str(value) if as_text else value
        if name == "steps" and str(value).isdecimal() and 100 < int(value) <= 1000:
            return  # it takes seconds
        options = {"sampler": "ddim", name: value} if name == "sampler.eta" else {name: value}
        found = refusal(lambda: genzoo.generate(opened[model], options=options, seed=0, zoo=zoo))
        if found is not None:
            assert name.partition(".")[0] in found
            assert len(found) < 700, found

    try_one()
