"""Hooks are called one by one; a faulty one is a warning, and the next one is called."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
from answers import answer, full_name
from shelf import Shelf

import genzoo
from genzoo.plugins.hooks import hook_names
from genzoo_core import hookspecs
from genzoo_core.request import Record
from genzoo_core.zoo import Zoo

RECORD = Record(model="acme/x", weights="", n=1, seed=0)
FAILING = "def genzoo_before_run(record):\n    raise ValueError('no')\n"
HEAD = "from genzoo_core import hookimpl\n"


def hook(shelf: Shelf, distribution: str, body: str, *hooks: str) -> None:
    """Install a plugin whose module is `body` and whose manifest lists `hooks`."""
    listed = ", ".join(f'"{name}"' for name in hooks)
    shelf.add(distribution, head=f"api = 2\nhooks = [{listed}]", files={"__init__.py": HEAD + body})


def before_run() -> Zoo:
    """Call `genzoo_before_run`."""
    zoo = genzoo.open_zoo()
    zoo.call_hook("genzoo_before_run", record=RECORD)
    return zoo


def write(name: str, path: Path) -> str:
    """A `genzoo_before_run` that leaves `name` in a file."""
    return (
        f"@hookimpl\ndef genzoo_before_run(record):\n"
        f"    with open({str(path)!r}, 'a') as file:\n"
        f"        file.write('{name} ' + record.model)\n"
    )


def test_a_plugin_is_imported_only_when_a_hook_that_it_lists_is_called(
    shelf: Shelf, tmp_path: Path
) -> None:
    hook(shelf, "listed-lazy", write("a", tmp_path / "out"), "genzoo_before_run")
    hook(shelf, "unlisted-lazy", "raise RuntimeError('imported')")
    zoo = genzoo.open_zoo()
    assert zoo.call_hook("genzoo_after_run", record=RECORD, pictures=None) == []
    assert "listed_lazy" not in sys.modules
    zoo.call_hook("genzoo_before_run", record=RECORD)
    assert (tmp_path / "out").read_text() == "a acme/x"
    assert "unlisted_lazy" not in sys.modules


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("import not_installed_anywhere", "ModuleNotFoundError"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_hostile_22_a_plugin_that_fails_at_import(
    shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str, why: str
) -> None:
    number = sum(map(ord, body))  # a module of its own: a failed import may leave traces
    hook(shelf, f"bad-{number}", body, "genzoo_before_run")
    hook(shelf, f"good-{number}", write("good", tmp_path / "out"), "genzoo_before_run")
    before_run()
    assert (tmp_path / "out").read_text() == "good acme/x"
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith(f"Warning: plugin bad_{number} (bad-{number} 1.0) cannot be imported")
    assert why in line
    assert f"genzoo uninstall bad-{number}" in line


@pytest.mark.parametrize("fault", ["raise KeyError('x')", "raise SystemExit(1)", "1 / 0"])
def test_hostile_22_a_hook_that_raises_in_mid_call(
    shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    number = sum(map(ord, fault))
    body = f"@hookimpl\ndef genzoo_before_run(record):\n    {fault}\n"
    hook(shelf, f"first-{number}", write("first ", tmp_path / "out"), "genzoo_before_run")
    hook(shelf, f"mid-{number}", body, "genzoo_before_run")
    hook(shelf, f"next-{number}", write("next ", tmp_path / "out"), "genzoo_before_run")
    before_run()
    assert (tmp_path / "out").read_text() == "first  acme/xnext  acme/x"
    [line] = capfd.readouterr().err.splitlines()
    assert f"plugin mid_{number} (mid-{number} 1.0): genzoo_before_run failed" in line


def test_hostile_23_what_a_plugin_prints_goes_to_stderr(
    shelf: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    body = (
        "import os\nprint('import')\nos.write(1, b'import fd\\n')\n"
        "@hookimpl\ndef genzoo_before_run(record):\n"
        "    print('call')\n    os.system('echo child')\n"
    )
    hook(shelf, "loud-one", body, "genzoo_before_run")
    before_run()
    print("mine")  # noqa: T201 - stdout is as it was
    out, err = capfd.readouterr()
    assert out == "mine\n"
    assert {"import", "import fd", "call", "child"} <= set(err.splitlines())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("def genzoo_before_run(record, extra): ...", "extra"),
        ("def genzoo_before_rnu(record): ...", "did you mean genzoo_before_run"),
        ("def genzoo_after_run(record): ...", "genzoo_after_run, which its manifest does not"),
        ("def before_run(record): ...", "unknown hook before_run"),
    ],
)
def test_hostile_26_a_wrong_signature_or_a_misspelt_hook(
    shelf: Shelf, capfd: pytest.CaptureFixture[str], body: str, why: str
) -> None:
    number = sum(map(ord, body))
    hook(shelf, f"wrong-{number}", f"@hookimpl\n{body}", "genzoo_before_run")
    before_run()
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith(f"Warning: plugin wrong_{number} (wrong-{number} 1.0): ")
    assert why in line


def test_hostile_26_a_listed_hook_that_is_not_there(
    shelf: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    hook(shelf, "empty-one", "", "genzoo_before_run")
    before_run()
    assert "lists genzoo_before_run, which it does not implement" in capfd.readouterr().err


def test_a_wrapper_is_refused_for_it_would_not_be_called(
    shelf: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "@hookimpl(wrapper=True)\ndef genzoo_before_run(record):\n    return (yield)\n"
    hook(shelf, "wrapping-one", body, "genzoo_before_run")
    before_run()
    assert "is a wrapper" in capfd.readouterr().err


@pytest.mark.parametrize("body", ["raise ValueError('no')", "@hookimpl\n" + FAILING])
def test_one_fault_is_told_of_once(
    shelf: Shelf, capfd: pytest.CaptureFixture[str], body: str
) -> None:
    hook(shelf, f"once-{len(body)}", body, "genzoo_before_run")
    zoo = before_run()
    zoo.call_hook("genzoo_before_run", record=RECORD)
    assert capfd.readouterr().err.count("Warning") == 1


def test_a_call_without_all_arguments_is_the_callers_fault_not_the_plugins(shelf: Shelf) -> None:
    hook(shelf, "any-two", write("x", shelf.site / "out"), "genzoo_before_run")
    with pytest.raises(TypeError, match="takes record; got picture"):
        genzoo.open_zoo().call_hook("genzoo_before_run", picture=1)


def resolve(value: str) -> str:
    """A `genzoo_resolve_weights` that gives `value`, an expression."""
    return f"@hookimpl\ndef genzoo_resolve_weights(reference):\n    return {value}\n"


def test_a_first_result_hook_stops_at_the_first_that_answers(shelf: Shelf) -> None:
    hook(shelf, "res-a", resolve("1 / 0"), "genzoo_resolve_weights")
    hook(shelf, "res-b", resolve("None"), "genzoo_resolve_weights")
    hook(shelf, "res-c", resolve("reference.upper()"), "genzoo_resolve_weights")
    hook(shelf, "res-d", "raise RuntimeError('asked too')", "genzoo_resolve_weights")
    zoo = genzoo.open_zoo()
    assert zoo.call_hook("genzoo_resolve_weights", reference="a://b", sha256="") == ["A://B"]
    assert "res_d" not in sys.modules


@pytest.mark.parametrize("name", hook_names())
def test_each_hook_can_have_the_zoo(name: str) -> None:
    assert "zoo" in inspect.signature(getattr(hookspecs, name)).parameters


def test_an_implementation_that_names_it_gets_the_registry_that_calls(
    shelf: Shelf, tmp_path: Path
) -> None:
    body = (
        "@hookimpl\ndef genzoo_before_run(zoo, record):\n"
        "    zoo.called = [*getattr(zoo, 'called', []), zoo.card('vae-mlp-mnist').family]\n"
    )
    hook(shelf, "with-zoo", body, "genzoo_before_run")
    hook(shelf, "without-zoo", write("old", tmp_path / "out"), "genzoo_before_run")
    zoo: Any = before_run()
    assert zoo.called == ["vae"]
    assert (tmp_path / "out").read_text() == "old acme/x"  # as it was written before


def test_a_listing_brings_the_zoo_too(shelf: Shelf, tmp_path: Path) -> None:
    """Where no command has made one: models from the plugin's folder in the cache."""
    body = (
        "from genzoo_core import ModelCard\n"
        "@hookimpl\ndef genzoo_models(zoo):\n"
        "    summary = f'Beside {len(zoo.models())} others.'\n"
        "    return [ModelCard(zoo.cache('fresh-acme').name, 'vae', summary)]\n"
    )
    hook(shelf, "fresh-acme", body, "genzoo_models")
    others = len(genzoo.list_models())
    (listed,) = answer("list", "fresh-acme", "--dynamic")
    for shown in (listed, answer("info", "fresh-acme")["card"]):
        assert shown["summary"] == f"Beside {others} others."
    assert genzoo.card("fresh-acme").summary == f"Beside {others} others."


def test_an_implementation_never_calls_itself(
    shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two that call the hook again: each hears of the other's call, not of its own."""
    for name in ("again-a", "again-b"):
        body = (
            "@hookimpl\ndef genzoo_before_run(record, zoo):\n"
            f"    with open({str(tmp_path / name)!r}, 'a') as file:\n"
            "        file.write(record.model + ' ')\n"
            f"    zoo.call_hook('genzoo_before_run', record=type(record)('{name}', weights='', "
            "n=1, seed=0))\n"
        )
        hook(shelf, name, body, "genzoo_before_run")
    before_run()
    assert (tmp_path / "again-a").read_text() == "acme/x again-b "
    assert (tmp_path / "again-b").read_text() == "again-a acme/x "
    assert capfd.readouterr().err == ""


def cards(expression: str) -> str:
    """A `genzoo_models` that gives `expression`."""
    return (
        "from genzoo_core import ModelCard\n"
        "def card(name, **more): return ModelCard(name, 'vae', 'At run time.', **more)\n"
        f"@hookimpl\ndef genzoo_models():\n    return {expression}\n"
    )


class TestDynamicModels:
    """`genzoo_models`."""

    def names(self) -> list[str]:
        names = [entry["full_name"] for entry in answer("list", "--dynamic")]
        return [name for name in names if not name.startswith("genzoo/")]

    def test_they_are_added_when_they_are_asked_for(self, shelf: Shelf) -> None:
        hook(shelf, "dyn-a", cards("[card('x'), card('y', weights='/w.st')]"), "genzoo_models")
        assert "x" not in genzoo.list_models()
        assert self.names() == ["dyn-a/x", "dyn-a/y"]

    def test_a_lookup_asks_for_them(self, shelf: Shelf) -> None:
        hook(shelf, "dyn-b", cards("(card(n) for n in ('late', 'later'))"), "genzoo_models")
        assert "later" not in genzoo.list_models()
        assert full_name("later") == "dyn-b/later"
        assert genzoo.card("later").summary == "At run time."

    def test_a_name_that_a_manifest_has_is_ambiguous_then(self, shelf: Shelf) -> None:
        hook(shelf, "dyn-c", cards("[card('vae-mlp-mnist')]"), "genzoo_models")
        shown = [entry["name"] for entry in answer("list", "vae-mlp-mnist", "--dynamic")]
        assert shown == ["dyn-c/vae-mlp-mnist", "genzoo/vae-mlp-mnist"]

    @pytest.mark.parametrize(
        ("expression", "why", "left"),
        [
            ("[card('a'), 'text', card('b')]", "gave str, not a ModelCard", ["a", "b"]),
            ("7", "gave int, not a ModelCard", []),
            ("[ModelCard(5, 'vae', 's')]", "Expected `str`, got `int` - at `$.name`", []),
            ("[card('a', shape='large')]", "at `$.shape`", []),
            ("[card('a', notes='x' * 10**6)]", "length <= 20000 - at `$.notes`", []),
            ("[card('a', metrics=(object(),))]", "gave a malformed card", []),
            ("[card('../a')]", "'../a'", []),
            ("[card('a', weights='w.st')]", "absolute path", []),
            ("[card('a'), card('a')]", "two models named a", ["a"]),
            ("(1 / 0 for _ in 'a')", "ZeroDivisionError", []),
        ],
    )
    def test_what_is_no_card_is_a_warning(
        self,
        shelf: Shelf,
        capfd: pytest.CaptureFixture[str],
        expression: str,
        why: str,
        left: list[str],
    ) -> None:
        name = f"dyn-{sum(map(ord, expression))}"
        hook(shelf, name, cards(expression), "genzoo_models")
        assert self.names() == [f"{name}/{model}" for model in left]
        assert why in capfd.readouterr().err
