"""A training on several ranks gives what one process gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_cases import ACCUMULATED, BATCH, CASES, make_parts, make_recipe, train
from safetensors.torch import load_file
from torch import Tensor

import genzoo
from genzoo_core import BatchRng, ConfigError, GenzooError
from genzoo_core.ranks import Share, all_mean, all_rows, own_rows, share_of, sharing
from genzoo_train.finishing import add_to_list
from genzoo_train.ranks import Ranks, buckets

SCRIPT = Path(__file__).with_name("rank_cases.py")
PATIENCE = 570
UNSEEN = ("discriminator.head.bias", "self_attn.in_proj_bias")
"""What has no gradient in theory, so that Adam moves it by the sign of rounding: an offset of both
scores that are subtracted, and of the keys of attention."""

SOME = ("mean-flow-few", "vae-optimal", "gan-hinge", "ae-timm")
"""What looks across rows in one way each."""


@given(
    batch_size=st.integers(1, 300),
    ranks=st.integers(1, 9),
    parts=st.integers(1, 5),
    row=st.integers(0, 300),
)
def test_every_row_of_a_batch_is_computed_once_and_in_order(
    batch_size: int, ranks: int, parts: int, row: int
) -> None:
    if batch_size < ranks * parts:
        with pytest.raises(ConfigError, match=f"a batch of {batch_size} images cannot be shared"):
            Ranks(0, ranks).shares(batch_size, parts)
        return
    shares = [s for rank in range(ranks) for s in Ranks(rank, ranks).shares(batch_size, parts)]
    rows = torch.arange(batch_size)
    own = [rows[share.rows] for share in shares]
    assert all(len(some) == len(share) > 0 for some, share in zip(own, shares, strict=True))
    assert all(some.tolist() == sorted(some.tolist()) for some in own)
    assert torch.cat(own).sort().values.tolist() == rows.tolist()
    assert max(map(len, own)) - min(map(len, own)) <= 1
    assert sum(share.weight for share in shares) == pytest.approx(1)
    before = min(row, batch_size)
    for some, share in zip(own, shares, strict=True):
        assert share.before(before) == int((some < before).sum())
        assert (some[: share.before(before)] < before).all()


@given(n=st.integers(1, 40), count=st.integers(1, 5), seed=st.integers(0, 2**31))
@settings(max_examples=30)
def test_the_noise_of_a_row_does_not_depend_on_how_a_batch_is_shared(
    n: int, count: int, seed: int
) -> None:
    def draw(share: Share | None) -> list[Tensor]:
        rng = BatchRng(torch.Generator().manual_seed(seed), n, share)
        like = torch.empty(0)
        draws = [
            rng.normal((2,), like),
            rng.uniform((), like),
            rng.integers(9, (3,), like),
            rng.normal((), torch.empty(0, dtype=torch.float64)),
        ]
        assert all(len(each) == rng.n for each in draws)
        return draws

    whole = draw(None)
    for index in range(min(count, n)):
        share = Share(index, min(count, n), n)
        for one, part in zip(whole, draw(share), strict=True):
            assert torch.equal(one[share.rows], part)


def test_a_single_process_changes_nothing() -> None:
    rows = torch.randn(3, 2)
    assert all_rows(rows) is rows
    assert own_rows(rows) is rows
    assert all_mean(rows) is rows
    assert share_of(rows[:, 0] > 9) == 1
    with sharing(Share(0, 1, 3)):
        assert all_rows(rows) is rows


def test_what_looks_across_rows_refuses_parts_of_a_batch() -> None:
    with sharing(Share(1, 2, 3, parts=2)), pytest.raises(ConfigError, match="`accumulate` takes"):
        all_mean(torch.ones(()))


@given(sizes=st.lists(st.integers(0, 50), min_size=1), most=st.integers(1, 60))
def test_buckets_hold_each_tensor_once(sizes: list[int], most: int) -> None:
    kinds = (torch.float32, torch.float64)
    tensors = [torch.zeros(size, dtype=kinds[i % 2]) for i, size in enumerate(sizes)]
    found = list(buckets(tensors, most))
    assert {id(t) for bucket in found for t in bucket} == {id(t) for t in tensors}
    assert sum(map(len, found)) == len(tensors)
    assert all(len({t.dtype for t in bucket}) == 1 for bucket in found)
    assert all(len(b) == 1 or sum(t.numel() for t in b) <= most for b in found)


def run(folder: Path, ranks: int, kind: str, *names: str) -> dict[str, Tensor]:
    """What is learnt on so many ranks."""
    words = [sys.executable]
    if ranks > 1:
        words += ["-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    models = folder / f"models-{ranks}"
    environment = os.environ | {"GENZOO_MODELS": str(models), "OMP_NUM_THREADS": "1"}
    words += [str(SCRIPT), str(folder), kind, *names]
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return load_file(folder / f"{kind}-{ranks}.safetensors")


def differences(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, float]:
    """How far each tensor of weights and buffers lies apart, relative to its size, or to the
    typical size of the model's weights where it is smaller than that."""
    assert set(one) == set(other)
    found: dict[str, float] = {}
    for name in {key.split("/")[0] for key in one}:
        keys = [k for k in one if k.startswith(f"{name}/") and "/figure/" not in k]
        weights = torch.cat([one[key].double().flatten() for key in keys])
        typical = weights.norm() / len(weights) ** 0.5
        for key in keys:
            a, b = one[key].double(), other[key].double()
            size = torch.maximum(a.norm(), typical * a.numel() ** 0.5)
            found[key] = float((a - b).norm() / size)
    return found


def together(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, float]:
    """How far all weights of a training lie apart, relative to their size, by its name."""
    found: dict[str, float] = {}
    for name in {key.split("/")[0] for key in one}:
        keys = [k for k in one if k.startswith(f"{name}/") and "/model." in k]
        keys = [k for k in keys if one[k].is_floating_point() and not k.endswith(UNSEEN)]
        a, b = (torch.cat([each[key].double().flatten() for key in keys]) for each in (one, other))
        found[name] = float((a - b).norm() / a.norm())
    return found


def worst(errors: Mapping[str, float]) -> tuple[float, str]:
    return max((error, key) for key, error in errors.items())


def check_figures(one: Mapping[str, Tensor], other: Mapping[str, Tensor], within: float) -> None:
    """Figures are rounded to single precision; those of a score are known up to a constant."""
    for key in one:
        if "/figure/" in key and not ("gan" in key and ("D(" in key or "loss" in key)):
            assert other[key].item() == pytest.approx(one[key].item(), rel=within), key


def test_three_ranks_agree_with_one_process_in_double_precision(tmp_path: Path) -> None:
    one, three = (run(tmp_path, ranks, "quick", *SOME) for ranks in (1, 3))
    assert worst(differences(one, three))[0] < 1e-9, worst(differences(one, three))
    check_figures(one, three, 1e-6)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "within", "each"), [("double", 1e-9, 1e-9), ("single", 1e-4, 1e-3)]
)
def test_everything_agrees_on_two_and_three_ranks(
    kind: str, within: float, each: float, tmp_path: Path
) -> None:
    one = run(tmp_path, 1, kind)
    for ranks in (2, 3):
        several = run(tmp_path, ranks, kind)
        whole = together(one, several)
        assert worst(whole)[0] < within, worst(whole)
        errors = differences(one, several)
        seen = {key: error for key, error in errors.items() if not key.endswith(UNSEEN)}
        assert worst(seen)[0] < each, worst(seen)
        check_figures(one, several, 1e-3)


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> genzoo.Zoo:
    """A zoo that has the parts of the cases."""
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    zoo = genzoo.open_zoo()
    make_parts(zoo, tmp_path)
    for part in ("a-codec", "a-teacher"):
        add_to_list(zoo, tmp_path / f"{part}.safetensors")
    return zoo


@pytest.mark.parametrize("name", ACCUMULATED)
@pytest.mark.parametrize("parts", [2, BATCH])
def test_a_batch_that_is_computed_in_parts_gives_the_same(
    name: str, parts: int, zoo: genzoo.Zoo
) -> None:
    whole, accumulated = (
        dict(train(zoo, make_recipe(name, CASES[name], accumulate=n), 8, Ranks(), double=True))
        for n in (1, parts)
    )
    whole = {key: tensor for key, tensor in whole.items() if key in accumulated}
    assert worst(differences(whole, accumulated))[0] < 1e-10
    check_figures(whole, accumulated, 1e-5)


@pytest.mark.parametrize("name", ["vae-optimal", "gan-hinge", "ae-timm", "dual"])
def test_a_loss_that_looks_across_rows_is_not_computed_in_parts(name: str, zoo: genzoo.Zoo) -> None:
    recipe = make_recipe(name, CASES[name], accumulate=2)
    with pytest.raises(GenzooError, match="which `accumulate` takes apart"):
        dict(train(zoo, recipe, 1, Ranks(), double=True))
