"""With many plugins and models, answers are the same, and no more is read than they need."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path
from typing import Any

import pytest
from answers import answer, full_name, opened
from shelf import Shelf, model

import genzoo
from genzoo_core import UsageError

PLUGINS, MODELS = 30, 20


@pytest.fixture
def crowd(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Many plugins with many models each, one name and one alias among them shared by all."""
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")
    for number in range(PLUGINS):
        cards = [
            model(
                f"model-{number:02}-{i:02}",
                family=f"family-{number % 3}",
                shape=[1, i + 1, 28],
                size=1000 * number + i,
                aliases=["everyone"] if i == 0 else [],
                notes=f"Note {number} {i}: “täglich”,\n\tmodel-00-01.",
            )
            for i in range(MODELS)
        ]
        shelf.add(f"crowd-{number:02}", *cards, model("common", size=number))
    shelf.settle()
    return shelf


def naive(shelf: Shelf) -> list[tuple[str, dict[str, Any]]]:
    """All cards as the manifests say them, with their distributions, in alphabetical order."""
    found = [
        (folder.name.replace("_", "-"), card)
        for folder in shelf.site.iterdir()
        if (folder / "genzoo.toml").exists()
        for card in tomllib.loads((folder / "genzoo.toml").read_text())["models"]
    ]
    return sorted(found, key=lambda entry: (entry[1]["name"], entry[0]))


def test_answers_are_those_of_a_naive_reading(crowd: Shelf) -> None:
    cards = naive(crowd)
    for _ in range(2):  # searched, then kept
        listed = answer("list")
        assert [row["full_name"] for row in listed] == [f"{o}/{card['name']}" for o, card in cards]
        assert [row["size"] for row in listed] == [card["size"] for _, card in cards]
        told = genzoo.open_zoo().cards()
        assert [card.name for card in told] == [card["name"] for _, card in cards]
        assert [card.notes for card in told] == [card.get("notes", "") for _, card in cards]


@pytest.mark.parametrize(
    "pattern",
    ["model-07*", "MODEL-0[7]-1?", "-1", "*", "", "c*n", "crowd-03/*", "d-1*/m*-1?", "every", "no"],
)
def test_a_pattern_chooses_what_it_would_among_all(crowd: Shelf, pattern: str) -> None:
    glob = pattern if set(pattern) & set("*?[") else f"*{pattern}*"

    def meant(owner: str, card: dict[str, Any]) -> bool:
        names = [card["name"], *card.get("aliases", ())]
        texts = [f"{owner}/{card['name']}"] if "/" in pattern else names
        return any(fnmatch.fnmatchcase(text, glob.lower()) for text in texts)

    expected = [
        f"{owner}/common" if card["name"] == "common" else card["name"]
        for owner, card in naive(crowd)
        if meant(owner, card)
    ]
    assert genzoo.list_models(pattern) == expected


def test_names_mean_what_they_do_among_few(crowd: Shelf) -> None:
    genzoo.list_models()
    zoo = genzoo.open_zoo()
    assert zoo.card("model-03-07").size == 3007
    assert zoo.card("Crowd_03/common").size == 3
    for shared in ("common", "everyone"):
        with pytest.raises(UsageError, match="ambiguous"):
            zoo.card(shared)
    assert zoo.card("crowd-04/everyone").name == "model-04-00"
    # Parts of names, and what stands elsewhere in a row, are no names.
    for unknown in ("model-03-0", "vae", "crowd-03", "family-1", 'model-03-07"', "\udcff"):
        with pytest.raises(UsageError, match="no model"):
            zoo.card(unknown)


def test_a_mistyped_name_is_put_right_among_many(crowd: Shelf) -> None:
    for wrong in ("modle-17-03", "model-1703", "mdel-17-03"):
        with pytest.raises(UsageError, match=r"did you mean .*model-17-03"):
            genzoo.card(wrong)


def file_of(shelf: Shelf) -> Path:
    """The one file in the cache."""
    [file] = (path for path in shelf.cache.rglob("*") if path.is_file())
    return file


def test_a_lookup_by_name_opens_one_file_of_the_cache_and_no_other(crowd: Shelf) -> None:
    genzoo.card("model-03-07")  # once, so that its imports are behind us
    card, files = opened(lambda: genzoo.card("model-03-07"))
    assert (card.size, card.notes[:9]) == (3007, "Note 3 7:")
    assert files == [str(file_of(crowd))]


def test_a_zoo_says_what_there_was_when_it_was_opened(crowd: Shelf) -> None:
    genzoo.list_models()
    before = genzoo.open_zoo()
    crowd.add("newcomer", model("model-03-99"))
    crowd.settle()
    after = genzoo.open_zoo()
    assert after.card("model-03-99").name == "model-03-99"
    assert full_name("model-03-99") == "newcomer/model-03-99"
    assert before.card("model-03-07") == after.card("model-03-07")
    with pytest.raises(UsageError, match="no model"):
        before.card("model-03-99")


def test_a_zoo_outlives_damage_of_the_file_that_it_was_opened_from(crowd: Shelf) -> None:
    genzoo.list_models()
    expected = genzoo.open_zoo().cards()
    zoo = genzoo.open_zoo()
    with file_of(crowd).open("r+b") as file:  # in its place, as only a faulty disk would
        file.truncate(file_of(crowd).stat().st_size // 2)
    assert zoo.cards() == expected


def test_each_change_of_one_among_many_is_noticed(crowd: Shelf) -> None:
    def names() -> set[str]:
        shown = genzoo.list_models("model-05*")
        return set(map(full_name, shown)) if len(shown) == 1 else set(shown)

    assert len(names()) == MODELS
    manifest: Path = crowd.site / "crowd_05" / "genzoo.toml"
    manifest.write_text("api = 2\n" + model("model-05-new"))
    assert names() == {"crowd-05/model-05-new"}
    (crowd.site / "crowd_05-1.0.dist-info").rename(crowd.cache / "gone")
    assert names() == set()
    crowd.add("another", model("model-05-50"))
    assert names() == {"another/model-05-50"}
