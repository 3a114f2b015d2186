"""With many plugins and models, answers are the same, and no more is read than they need."""

from __future__ import annotations

import fnmatch
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from shelf import Shelf, model

from genzoo.catalogue import Catalogue
from genzoo_core import PluginError, UsageError

PLUGINS, MODELS = 30, 20
T = TypeVar("T")


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


def opened(work: Callable[[], T]) -> tuple[T, list[str]]:
    """What `work` gives, and the files that it opens."""
    files: list[str] = []
    recording = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if recording and event == "open":
            files.append(str(arguments[0]))

    sys.addaudithook(hook)  # it stays for good, hence the switch
    try:
        return work(), files
    finally:
        recording = False


def test_answers_are_those_of_a_naive_reading(crowd: Shelf) -> None:
    cards = naive(crowd)
    for catalogue in (Catalogue.open(), Catalogue.open()):  # searched, then kept
        entries = catalogue.models()
        assert [(e.distribution, e.card.name) for e in entries] == [
            (owner, card["name"]) for owner, card in cards
        ]
        assert [e.card.notes for e in entries] == [card.get("notes", "") for _, card in cards]
        facts = catalogue.facts(catalogue.rows)
        assert [f.size for f in facts] == [card["size"] for _, card in cards]


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

    rows = Catalogue.open().select(pattern)
    expected = [(owner, card["name"]) for owner, card in naive(crowd) if meant(owner, card)]
    assert [(row.distribution, row.name) for row in rows] == expected


def test_names_mean_what_they_do_among_few(crowd: Shelf) -> None:
    Catalogue.open()
    catalogue = Catalogue.open()
    assert catalogue.find_model("model-03-07").card.size == 3007
    assert catalogue.find_model("Crowd_03/common").card.size == 3
    for shared in ("common", "everyone"):
        with pytest.raises(UsageError, match="ambiguous"):
            catalogue.find_model(shared)
    assert catalogue.find_model("crowd-04/everyone").card.name == "model-04-00"
    # Parts of names, and what stands elsewhere in a row, are no names.
    for unknown in ("model-03-0", "vae", "crowd-03", "family-1", 'model-03-07"', "\udcff"):
        with pytest.raises(UsageError, match="no model"):
            catalogue.find_model(unknown)


def test_a_mistyped_name_is_put_right_among_many(crowd: Shelf) -> None:
    for wrong in ("modle-17-03", "model-1703", "mdel-17-03"):
        with pytest.raises(UsageError, match=r"did you mean .*model-17-03"):
            Catalogue.open().find_model(wrong)


def test_a_lookup_by_name_opens_the_index_alone_and_reads_one_card(
    crowd: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalogue.open().find_model("model-03-07")  # once, so that its imports are behind us
    (index,) = (crowd.cache / "index").iterdir()
    entry, files = opened(lambda: Catalogue.open().find_model("model-03-07"))
    assert entry.card.size == 3007
    assert files == [str(index)]

    # Whatever stands in another model's card is not looked at; in its own it is noticed.
    whole = index.read_bytes()
    for number, text in ((29, b"Note 29 19"), (3, b"Note 3 7")):
        index.write_bytes(whole.replace(text, b"X" * len(text)))
        entry, files = opened(lambda: Catalogue.open().find_model("model-03-07"))
        assert entry.card.notes.startswith("Note 3 7:")
        searched = any(file.endswith("genzoo.toml") for file in files)
        assert searched == (number == 3)
    assert index.read_bytes() == whole


def test_a_catalogue_that_was_opened_outlives_its_index(crowd: Shelf) -> None:
    Catalogue.open()
    before = Catalogue.open()
    crowd.add("newcomer", model("model-03-99"))
    crowd.settle()
    after = Catalogue.open()
    assert after.find_model("model-03-99").distribution == "newcomer"
    assert before.find_model("model-03-07").card == after.find_model("model-03-07").card
    with pytest.raises(UsageError, match="no model"):
        before.find_model("model-03-99")


def test_what_changes_while_a_damaged_index_is_read_is_told(crowd: Shelf) -> None:
    Catalogue.open()
    catalogue = Catalogue.open()
    (index,) = (crowd.cache / "index").iterdir()
    with index.open("r+b") as file:  # in its place, as only a faulty disk would
        file.truncate(len(index.read_bytes()) // 2)
    (crowd.site / "crowd_00" / "genzoo.toml").write_text("api = 1\n" + model("other"))
    with pytest.raises(PluginError, match="changed"):
        catalogue.models()


def test_each_change_of_one_among_many_is_noticed(crowd: Shelf) -> None:
    def names() -> set[str]:
        return {row.full_name for row in Catalogue.open().select("model-05*")}

    everything = names()
    assert len(everything) == MODELS
    manifest: Path = crowd.site / "crowd_05" / "genzoo.toml"
    manifest.write_text("api = 1\n" + model("model-05-new"))
    assert names() == {"crowd-05/model-05-new"}
    (crowd.site / "crowd_05-1.0.dist-info").rename(crowd.cache / "gone")
    assert names() == set()
    crowd.add("another", model("model-05-50"))
    assert names() == {"another/model-05-50"}
