"""Which captions are asked for, and how often they are found."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
import torch

from genzoo_core import DataError
from genzoo_core.dataset import Dataset
from genzoo_eval.text.captions import Captions, choose, sampled
from genzoo_eval.text.recall import over_captions, recall_at

CATEGORIES = {"flag": 10, "face": 40, "food": 6}
HELD = {"flag": 3, "face": 5, "food": 2}


def rows(split: str) -> list[tuple[str, str]]:
    """Each caption twice, with its category; the first ones of a category are held out."""
    found = [
        (f"{category} {i}", category)
        for category, count in CATEGORIES.items()
        for i in range(count)
        if (i < HELD[category]) == (split == "test")
    ]
    return found * 2


def dataset(given: list[tuple[str, str]]) -> Dataset:
    columns = {"text": [text for text, _ in given], "category": [c for _, c in given]}
    return Dataset(torch.arange(len(given)).reshape(-1, 1, 1, 1).to(torch.uint8), columns)


def chosen(test: list[tuple[str, str]], train: list[tuple[str, str]]) -> Captions:
    return choose(dataset(test), dataset(train), "text")


def test_seen_captions_are_as_many_of_each_category_as_held_out_ones() -> None:
    captions = chosen(rows("test"), rows("train"))
    for of in (captions.held_out, captions.seen):
        assert len(set(of.captions)) == len(of.captions) == 10
        assert Counter(text.split()[0] for text in of.captions) == HELD
    assert not set(captions.seen.captions) & set(captions.held_out.captions)


def test_the_choice_does_not_depend_on_the_order_of_the_data() -> None:
    first = chosen(rows("test"), rows("train"))
    mixed = [rows(split) for split in ("test", "train")]
    for split in mixed:
        random.Random(1).shuffle(split)
    again = chosen(*mixed)
    assert again.seen.captions == first.seen.captions
    assert again.held_out.captions == first.held_out.captions
    # The lowest SHA-256 of the ten, by `sha256sum`: 162ef2dc….
    assert first.held_out.captions[0] == "face 4"


def test_each_caption_has_its_own_pictures() -> None:
    test, train = rows("test"), rows("train")
    captions = chosen(test, train)
    for of, given in ((captions.held_out, test), (captions.seen, train)):
        assert len(of.images) == 20
        for image, owner in zip(of.images, of.owners, strict=True):
            assert given[int(image)][0] == of.captions[owner]


def test_some_captions_of_either_kind_are_shown_with_a_real_picture() -> None:
    test, train = rows("test"), rows("train")
    captions = chosen(test, train)
    shown = sampled(captions, 2)
    assert [text for text, _ in shown] == [
        *captions.seen.captions[:2],
        *captions.held_out.captions[:2],
    ]
    assert [
        given[int(i)][0] for (_, i), given in zip(shown, (train, train, test, test), strict=True)
    ] == [text for text, _ in shown]


def test_a_category_that_has_too_few_is_filled_up_from_others() -> None:
    test = [(f"soup {i}", "food") for i in range(5)]
    captions = chosen(test, rows("train"))  # four of food
    counts = Counter(text.split()[0] for text in captions.seen.captions)
    assert counts["food"] == 4
    assert counts.total() == 5


def test_captions_of_both_splits_are_not_held_out() -> None:
    captions = chosen([*rows("test"), *rows("train")], rows("train"))
    assert len(captions.held_out.captions) == 10
    with pytest.raises(DataError, match="each caption of the test split"):
        chosen(rows("train"), rows("train"))


def test_a_dataset_without_captions_is_refused() -> None:
    with pytest.raises(DataError, match="no column 'caption'; it has text, category"):
        choose(dataset(rows("test")), dataset(rows("train")), "caption")


def test_recall_by_hand() -> None:
    similarities = torch.tensor(
        [
            [0.9, 0.1, 0.2, 0.3],  # asked for 0: first
            [0.9, 0.1, 0.2, 0.3],  # asked for 2: third
            [0.5, 0.5, 0.1, 0.0],  # asked for 1: shares the first two places
            [0.7, 0.4, 0.4, 0.4],  # asked for 3: shares places two to four
            [0.0, 0.0, 0.0, 0.0],  # asked for 0: all alike
        ]
    )
    asked = torch.tensor([0, 2, 1, 3, 0])
    expected = {
        1: [1, 0, 1 / 2, 0, 1 / 4],
        2: [1, 0, 1, 1 / 3, 2 / 4],
        3: [1, 1, 1, 2 / 3, 3 / 4],
        4: [1, 1, 1, 1, 1],
        10: [1, 1, 1, 1, 1],
    }
    for k, values in expected.items():
        assert recall_at(k, similarities, asked).tolist() == pytest.approx(values)


def test_the_mean_is_over_captions_and_its_spread_the_bootstraps() -> None:
    shares = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0])
    asked = torch.tensor([0, 0, 3, 3, 5])  # captions of shares 1/2, 1 and 0
    found = over_captions(shares, asked)
    assert found.value == pytest.approx(0.5)
    assert found.spread == pytest.approx(math.sqrt((0 + 0.25 + 0.25) / 3) / math.sqrt(3))
    means = torch.tensor([0.5, 1.0, 0.0])
    draws = torch.randint(3, (200_000, 3), generator=torch.Generator().manual_seed(0))
    assert found.spread == pytest.approx(means[draws].mean(1).std().item(), rel=0.01)
    with pytest.raises(ValueError):
        over_captions(torch.empty(0), torch.empty(0, dtype=torch.int64))
