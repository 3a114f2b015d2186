"""Class labels: ids, names, chance, null, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import genzoo
from genzoo_class_labels.conditioner import ClassLabels
from genzoo_core import ConfigError, ModelSpec, SampleRng, UsageError

FASHION = ["T-shirt/top", "Trouser", "Ankle boot"]
LIKE = torch.empty(0)


def build(classes: list[str], **config: Any) -> ClassLabels:
    spec = ModelSpec("genzoo/class-labels", {"classes": classes, **config}, kind="conditioner")
    module = genzoo.open_zoo().build(spec).module
    assert isinstance(module, ClassLabels)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("02", 2),
        ("T-shirt/top", 0),
        ("t shirt", 0),
        ("TOP", 0),
        ("trouser", 1),
        ("ankle boot", 2),
        ("Ankle_Boot", 2),
        ("  ankle-boot ", 2),
        ("random", "random"),
    ],
)
def test_a_class_answers_to_its_id_and_its_names(text: str, expected: int | str) -> None:
    assert build(FASHION).parse(text) == expected


@pytest.mark.parametrize(
    "text", ["-1", "3", "cat", "", "1.5", "٣", "99999999999999999999", "\ud800"]
)
def test_hostile_28_what_is_no_class_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(UsageError, match=r"\(0\), Trouser \(1\), Ankle boot \(2\), and random"):
        build(FASHION).parse(text)


def test_a_near_miss_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"did you mean ankle boot\?"):
        build(FASHION).parse("ancle boot")


@pytest.mark.parametrize("raw", [[3], [-1], [True], [1.0], [None], ["cat"], [[0]]])
def test_prepare_refuses_what_a_dataset_must_not_hold(raw: list[Any]) -> None:
    with pytest.raises(UsageError, match="no class"):
        build(FASHION).prepare(raw, SampleRng([0]))


def test_prepare_takes_ids_and_names() -> None:
    rows = build(FASHION).prepare([2, "trouser", torch.tensor(0).item()], SampleRng([1, 2, 3]))
    assert rows.tolist() == [2, 1, 0]
    assert rows.dtype == torch.int64


@given(seeds=st.lists(st.integers(0, 2**62), min_size=1, max_size=6))
def test_a_random_class_depends_on_its_images_seed_alone(seeds: list[int]) -> None:
    labels = build(FASHION)
    together = labels.prepare([labels.parse("random")] * len(seeds), SampleRng(seeds))
    alone = [labels.prepare([labels.parse("random")], SampleRng([seed])).item() for seed in seeds]
    assert together.tolist() == alone
    # What else is asked in the batch does not move it.
    mixed = labels.prepare([labels.parse("random")] * (len(seeds) - 1) + [1], SampleRng(seeds))
    assert mixed.tolist() == [*alone[:-1], 1]


def test_random_classes_come_at_their_frequencies() -> None:
    labels = build(FASHION, frequencies=[1, 0, 3])
    shares = torch.bincount(labels.typical(SampleRng(range(4000))), minlength=3) / 4000
    torch.testing.assert_close(shares, torch.tensor([0.25, 0.0, 0.75]), atol=0.03, rtol=0)
    equal = torch.bincount(build(FASHION).typical(SampleRng(range(3000))), minlength=3) / 3000
    torch.testing.assert_close(equal, torch.full((3,), 1 / 3), atol=0.035, rtol=0)


def test_null_has_an_embedding_of_its_own() -> None:
    labels = build(FASHION, dim=5)
    assert labels.null(2).tolist() == [3, 3]
    assert labels.categories == 3
    everything = labels(torch.arange(4)).vector
    assert everything.shape == (4, 5)
    assert torch.equal(labels(labels.null(1)).vector[0], everything[3])
    assert len(everything.unique(dim=0)) == 4


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["cat", "Cat"], "two meanings of the class name 'cat'"),
        (["random"], "'random'"),
        (["a/b", "b"], "'b'"),
        ([], "length >= 1"),
        (["x"] * 10_001, "length <= 10000"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_a_config_error(
    classes: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build(classes)


def test_frequencies_must_go_with_the_classes() -> None:
    with pytest.raises(ConfigError, match="2 frequencies do not go with 3 classes"):
        build(FASHION, frequencies=[0.5, 0.5])
    with pytest.raises(ConfigError, match="all frequencies are 0"):
        build(FASHION, frequencies=[0, 0, 0])
