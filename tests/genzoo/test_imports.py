"""What `genzoo` imports: listing and completing run nothing that is slow, nor any plugin."""

from __future__ import annotations

import pytest
from shelf import Shelf, command, component, model

HEAVY = {"importlib.metadata", "pluggy", "rich", "tomllib", "email", "pathlib"}
NEVER = {"torch", "numpy", "PIL", "safetensors", "acme", "genzoo_vae", "genzoo_train"}


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    """A shelf with a plugin that was installed a while ago, and a warm index."""
    shelf.add(
        "acme",
        model("cat"),
        component("net", "model", "acme.net:Net"),
        command("paint", "acme.cli:paint"),
        head='api = 2\nhooks = ["genzoo_before_run"]',
    )
    shelf.settle()
    assert "importlib.metadata" in shelf.modules("list")
    return shelf


def imported(modules: set[str], unwanted: set[str]) -> set[str]:
    """Those of `modules` that are among `unwanted`, or lie in one of them."""
    return {m for m in modules if any(m == u or m.startswith(f"{u}.") for u in unwanted)}


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "c*", "--json"], ["list", "--family", "vae"], ["plugins"], ["--help"]],
)
def test_with_a_warm_index_listing_imports_little(shop: Shelf, arguments: list[str]) -> None:
    modules = shop.modules(*arguments)
    assert "genzoo.cli" in modules
    assert imported(modules, HEAVY | NEVER) == set()


@pytest.mark.parametrize(
    "words", ["", "lis", "run c", "info c", "export ", "encode c", "train c", "list --"]
)
def test_completion_imports_little(shop: Shelf, words: str) -> None:
    line = f"genzoo {words}"
    typed = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    modules = shop.modules(_GENZOO_COMPLETE="bash_complete", **typed)
    assert "click.shell_completion" in modules
    assert imported(modules, (HEAVY - {"pathlib"}) | NEVER) == set()


@pytest.mark.parametrize("arguments", [["list"], ["plugins"], ["info", "cat"]])
def test_even_a_cold_search_imports_no_plugin(shelf: Shelf, arguments: list[str]) -> None:
    shelf.add("acme", model("cat"), component("net", "model", "acme.net:Net"))
    modules = shelf.modules(*arguments)
    assert "tomllib" in modules  # a manifest was read
    assert imported(modules, NEVER) == set()
