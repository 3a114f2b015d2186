"""`genzoo list`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shelf import Shelf, model
from terminal import on_terminal


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    """A shelf with models of three families."""
    shelf.add(
        "acme",
        model("ae-cat", family="autoencoder", dataset="cats", shape=[3, 64, 64], size=1_234_567),
        model("gan-cat", family="gan", conditioners=["label", "style"], aliases=["meow"]),
        model("codec-cat", family="autoencoder", kind="codec"),
        files={"__init__.py": "import time; time.sleep(10)"},
    )
    return shelf


def names(shelf: Shelf, *arguments: str) -> list[str]:
    """The names that are listed, but for genzoo's own."""
    entries = shelf.json("list", *arguments)
    return [e["name"] for e in entries if not e["full_name"].startswith("genzoo/")]


def test_hostile_24_a_table_is_drawn_without_waiting_for_a_slow_import(shop: Shelf) -> None:
    done = shop.genzoo("list", "*cat")
    assert done.stderr == ""
    header, *lines = done.stdout.splitlines()
    assert header.split() == [
        *("NAME", "FAMILY", "KIND", "DATASET", "SHAPE", "CONDITIONERS", "SIZE", "SUMMARY"),
    ]
    assert [line.split()[0] for line in lines] == ["ae-cat", "gan-cat", "codec-cat"]
    assert lines[0].split()[1:6] == ["autoencoder", "model", "cats", "3×64×64", "1.2"]
    assert lines[1].index("label, style") == header.index("CONDITIONERS")
    assert lines[0].endswith("The model ae-cat.")


def test_json_holds_all_that_a_listing_knows(shop: Shelf) -> None:
    [entry] = shop.json("list", "gan-cat")
    assert entry == {
        "name": "gan-cat",
        "full_name": "acme/gan-cat",
        "family": "gan",
        "kind": "model",
        "dataset": "",
        "shape": None,
        "conditioners": ["label", "style"],
        "size": 0,
        "parameters": 0,
        "summary": "The model gan-cat.",
        "aliases": ["meow"],
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["*-cat"], ["ae-cat", "codec-cat", "gan-cat"]),
        (["cat"], ["ae-cat", "codec-cat", "gan-cat"]),
        (["CAT"], ["ae-cat", "codec-cat", "gan-cat"]),
        (["a*"], ["ae-cat"]),
        (["acme/g*"], ["gan-cat"]),
        (["acme/"], ["ae-cat", "codec-cat", "gan-cat"]),
        (["[ag]*-cat"], ["ae-cat", "gan-cat"]),
        (["meow"], ["gan-cat"]),
        (["--family", "gan"], ["gan-cat"]),
        (["--kind", "codec"], ["codec-cat"]),
        (["--conditioner", "style"], ["gan-cat"]),
        (["cat", "--family", "autoencoder", "--kind", "model"], ["ae-cat"]),
    ],
)
def test_models_are_chosen(shop: Shelf, arguments: list[str], expected: list[str]) -> None:
    assert names(shop, *arguments) == expected


@pytest.mark.parametrize("pattern", ["gan-cta", "zzz*", "["])
def test_a_pattern_that_nothing_matches_fails(shop: Shelf, pattern: str) -> None:
    for extra in ([], ["--json"]):
        done = shop.genzoo("list", pattern, *extra)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"Error: no model matches {pattern!r}; ")
    assert "did you mean gan-cat" in shop.genzoo("list", "gan-cta").stderr


def test_of_files_in_the_place_of_a_pattern_it_says_that_it_needs_quotes(
    shop: Shelf, tmp_path: Path
) -> None:
    made = tmp_path / "gan1.png"
    made.touch()
    for files in ([str(made)], [str(made), "gan2.png"]):
        refused = shop.genzoo("list", *files).stderr
        assert "quotes" in refused
        assert "the shell puts the names of files here in its place" in " ".join(refused.split())


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("--family", "gna", "gan"),
        ("--kind", "modell", "codec"),
        ("--conditioner", "lable", "label"),
    ],
)
def test_an_unknown_choice_names_those_that_there_are(
    shop: Shelf, option: str, value: str, known: str
) -> None:
    done = shop.genzoo("list", option, value)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: no {option[2:]} {value!r}; ")
    assert known in done.stderr


def test_choices_that_exclude_one_another_fail(shop: Shelf) -> None:
    done = shop.genzoo("list", "--family", "gan", "--kind", "codec")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: no model matches all of these options")


def test_a_name_with_two_owners_is_shown_in_full(shop: Shelf) -> None:
    shop.add("other", model("ae-cat"))
    assert names(shop, "ae-cat") == ["acme/ae-cat", "other/ae-cat"]


def test_broken_plugins_are_mentioned_in_one_line(shop: Shelf) -> None:
    for letter in "abcde":
        shop.add(f"bad-{letter}", head="no")
    done = shop.genzoo("list", "cat", "--json")
    assert len(json.loads(done.stdout)) == 3
    assert done.stderr.splitlines() == [
        "Warning: 5 plugins are broken: bad_a (bad-a 1.0), bad_b (bad-b 1.0), bad_c (bad-c 1.0),"
        " …; see `genzoo plugins`"
    ]


def test_an_empty_zoo_says_so(shelf: Shelf) -> None:
    done = shelf.genzoo("list", GENZOO_DISABLE="genzoo")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No models are installed" in done.stderr
    assert shelf.json("list", GENZOO_DISABLE="genzoo") == []


def test_models_known_at_run_time_are_listed_on_request(shelf: Shelf) -> None:
    body = (
        "from genzoo_core import ModelCard, hookimpl\nprint('hello')\n"
        "@hookimpl\ndef genzoo_models():\n    return [ModelCard('late', 'vae', 'At run time.')]\n"
    )
    shelf.add("acme", head='api = 2\nhooks = ["genzoo_models"]', files={"__init__.py": body})
    assert names(shelf) == []
    assert names(shelf, "--dynamic") == ["late"]


def test_a_terminal_shows_a_model_in_one_line_of_its_width(shelf: Shelf) -> None:
    shelf.add("acme", model("cat", summary="Cats, " * 60))
    for columns in (40, 80):
        lines = on_terminal(columns, "list", "cat")
        assert [len(line) <= columns for line in lines] == [True, True]
        assert lines[1].startswith("cat ")
        assert lines[1].endswith("…")
    assert len(on_terminal(80, "list", "cat", COLUMNS="60")[1]) == 60


def test_a_narrow_terminal_does_without_what_matters_least(
    shelf: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    """The name and the summary stay, and the summary is cut once nothing else can go."""
    facts = {"dataset": "d" * 10, "conditioners": ["label"], "size": 10**6, "shape": [1, 28, 28]}
    summary = "s" * 36
    shelf.add("acme", model("n" * 20, summary=summary, **facts))
    every = ["NAME", "FAMILY", "DATASET", "SHAPE", "CONDITIONERS", "SIZE", "SUMMARY"]
    dropped = ["SIZE", "SHAPE", "DATASET", "CONDITIONERS", "FAMILY"]
    columns = 20 + 6 + 10 + 7 + 12 + 6 + 36 + 2 * 6
    for count in range(len(dropped) + 1):
        header, row = on_terminal(columns, "list", "acme/")
        assert header.split() == [name for name in every if name not in dropped[:count]]
        assert row.startswith("n" * 20 + "  ")
        assert row.endswith("  " + summary)
        assert len(row) <= columns
        said = capfd.readouterr().err
        assert said.startswith("no room for ") == (count > 0)
        assert [name.lower() in said for name in every] == [n in dropped[:count] for n in every]
        columns = len(header.rstrip()) - len("SUMMARY") + len(summary) - 1
    header, row = on_terminal(40, "list", "acme/")
    assert row == "n" * 20 + "  " + "s" * 17 + "…"


@pytest.mark.parametrize("columns", [1, 10, 20, 80])
def test_no_terminal_is_too_narrow_for_a_name(shelf: Shelf, columns: int) -> None:
    shelf.add("acme", model("long-" + "n" * 30), model("short"))
    rows = on_terminal(columns, "list", "acme/")[1:]
    assert [row.split()[0] for row in rows] == ["long-" + "n" * 30, "short"]


def test_a_pipe_gets_lines_whole(shop: Shelf) -> None:
    done = shop.genzoo("list", "cat", COLUMNS="40")
    assert "…" not in done.stdout
    assert {"FAMILY", "DATASET", "SHAPE", "SIZE", "SUMMARY"} <= set(done.stdout.split())


def test_one_model_with_long_text_does_not_widen_the_rows_of_others(shelf: Shelf) -> None:
    long = {"family": "x" * 100, "conditioners": ["y" * 100] * 100, "summary": "é" * 1000}
    shelf.add("acme", model("long", **long), model("short"))
    rows = {line.split()[0]: line for line in shelf.genzoo("list", "acme/").stdout.splitlines()}
    assert all(text in rows["long"] for text in ("x" * 100, "y" * 100, "é" * 1000))
    assert len(rows["short"]) < 200
    assert max(map(len, on_terminal(80, "list", "acme/"))) == 80


def test_a_summary_cannot_steer_the_terminal(shelf: Shelf) -> None:
    shelf.add("acme", model("x", summary="a\x1b[2Jb\nc\x07"))
    done = shelf.genzoo("list", "acme/x")
    assert "a\\x1b[2Jb\\nc\\x07" in done.stdout
    assert "\x1b" not in done.stdout


def test_sizes_are_decimal(shelf: Shelf) -> None:
    sizes = {
        0: "",
        1: "1 B",
        999: "999 B",
        1000: "1.0 kB",
        429_948: "430 kB",
        999_499: "999 kB",
        999_500: "1.0 MB",
        5_990_000: "6.0 MB",
        12 * 10**9: "12.0 GB",
        10**16: "10000 TB",
    }
    shelf.add("acme", *(model(f"m{i}", size=count) for i, count in enumerate(sizes)))
    header, *lines = shelf.genzoo("list", "acme/").stdout.splitlines()
    column = slice(header.index("SIZE"), header.index("SUMMARY"))
    assert [line[column].strip() for line in lines] == list(sizes.values())


def test_wide_and_combining_characters_are_measured(shelf: Shelf) -> None:
    names = {"abc": 3, "猫": 2, "e\u0301": 1, "a\u202eb": 8}
    shelf.add("acme", *(model(f"m{i}", dataset=name) for i, name in enumerate(names)))
    _, *lines = shelf.genzoo("list", "acme/").stdout.splitlines()
    cells = [line.partition("vae     ")[2].partition("The model")[0] for line in lines]
    room = len(cells[0])
    for cell, (name, width) in zip(cells, names.items(), strict=True):
        assert cell == name.replace("\u202e", "\\u202e") + " " * (room - width)


def test_a_line_is_cut_between_wide_characters(shelf: Shelf) -> None:
    shelf.add("acme", model("m0", summary="abc"), model("m1", summary="猫猫猫"))
    before = len("NAME  ")
    assert [line[before:] for line in on_terminal(before + 4, "list", "acme/")] == [
        "SUM…",
        "abc",
        "猫…",
    ]
    assert on_terminal(before + 3, "list", "acme/")[1].endswith("  abc")


def test_of_a_kind_without_weights_the_components_are_listed(shop: Shelf) -> None:
    full_names = {row["full_name"] for row in shop.json("list", "--kind", "sampler")}
    assert full_names >= {"genzoo/heun", "genzoo/ddim"}
    drawn = shop.genzoo("list", "ddi*", "--kind", "sampler").stdout.splitlines()
    assert [line.split()[:3] for line in drawn] == [
        ["NAME", "KIND", "DISTRIBUTION"],
        ["ddim", "sampler", "genzoo"],
    ]
    assert "no component matches" in shop.genzoo("list", "xyz", "--kind", "sampler").stderr
    unknown = shop.genzoo("list", "--kind", "smapler")
    assert unknown.returncode == 2
    assert "did you mean sampler" in unknown.stderr


def test_a_kind_with_weights_and_components_tells_both(shop: Shelf) -> None:
    done = shop.genzoo("list", "--kind", "encoder")
    assert "features-mnist-classifier" in done.stdout
    assert "genzoo/timm" not in done.stdout
    assert "genzoo/timm" in done.stderr


def test_long_lines_of_info_go_on_below_their_beginning(shelf: Shelf) -> None:
    names = [f"class-{i}" for i in range(12)]
    shelf.add("acme", model("x", classes=names, summary="Long words. " * 12, sha256="ab" * 32))
    lines = on_terminal(60, "info", "x")
    assert max(len(line) for line in lines if "abab" not in line) <= 60
    (digest,) = (line for line in lines if "abab" in line)
    assert digest.endswith("  " + "ab" * 32)  # a word is never broken
    first = next(line for line in lines if line.startswith("  classes "))
    begin = first.index("class-0")
    text = " ".join(lines)
    assert all(name in text for name in names)
    after = lines[lines.index(first) + 1]
    assert after.startswith(" " * begin + "class-")
    assert ", ".join(names) in shelf.genzoo("info", "x").stdout
