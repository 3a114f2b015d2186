"""Completion in a shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from shelf import GENZOO, Shelf, command, model


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    """A shelf with two models and a command, installed a while ago."""
    shelf.add("acme", model("xcat"), model("xcow"), command("xcatch", "acme.cli:xcatch"))
    shelf.settle()
    return shelf


def complete(shelf: Shelf, *words: str, shell: str = "bash", **environment: str) -> list[str]:
    """What the shell is told for `genzoo WORDS`, the last of which is being typed."""
    typed = {"COMP_WORDS": " ".join(["genzoo", *words]), "COMP_CWORD": str(len(words))}
    if shell == "fish":
        typed["COMP_CWORD"] = words[-1]
    done = shelf.genzoo(_GENZOO_COMPLETE=f"{shell}_complete", **typed, **environment)
    assert done.stderr == ""
    return done.stdout.splitlines()


SETTINGS = [f"plain,{name}" for name in ("model", "output", "device", "scale", "parameters", "xmp")]


@pytest.mark.parametrize("name", ["run", "info", "encode", "decode", "export", "train"])
def test_names_of_models_are_completed(shop: Shelf, name: str) -> None:
    assert complete(shop, name, "x") == ["plain,xcat", "plain,xcow"]
    assert complete(shop, name, "acme/xco") == ["plain,acme/xcow"]


def test_a_name_with_two_owners_is_completed_in_full(shop: Shelf) -> None:
    shop.add("other", model("xcat"))
    everything = complete(shop, "run", "")
    assert {"plain,acme/xcat", "plain,other/xcat", "plain,xcow"} <= set(everything)
    assert "plain,xcat" not in everything
    assert complete(shop, "run", "other/") == ["plain,other/xcat"]


def test_what_is_no_model_is_completed_as_a_file(shop: Shelf) -> None:
    assert complete(shop, "run", "./mi") == ["file,./mi"]


def test_commands_are_completed_those_of_plugins_too(shop: Shelf) -> None:
    assert complete(shop, "compl") == ["plain,completion"]
    assert complete(shop, "x") == ["plain,xcatch"]
    assert complete(shop, "trai") == ["plain,train"]
    assert "plain,--no-plugins" in complete(shop, "--no")


def test_what_can_be_removed_or_restored_is_completed(shop: Shelf) -> None:
    assert complete(shop, "uninstall", "a") == ["plain,acme"]
    assert "plain,genzoo" not in complete(shop, "uninstall", "")
    assert complete(shop, "plugins", "re") == ["plain,restore"]
    assert complete(shop, "plugins", "--ch") == ["plain,--check"]


def test_options_are_completed(shop: Shelf) -> None:
    assert complete(shop, "list", "--fam") == ["plain,--family"]
    assert complete(shop, "run", "--interp") == ["plain,--interpolate"]
    assert complete(shop, "run", "xcat", "--interp") == ["plain,--interpolate"]
    assert complete(shop, "train", "--max") == ["plain,--max-steps"]


def test_a_plugins_command_that_takes_a_model_completes_names_without_its_import(
    shelf: Shelf,
) -> None:
    folder = shelf.add(
        "acme", model("xcat"), command("xcatch", "acme.cli:xcatch", argument="model")
    )
    assert complete(shelf, "xcatch", "x") == ["plain,xcat"]
    assert complete(shelf, "acme/xcatch", "x") == ["plain,xcat"]
    assert not (folder / "imported").exists()


def test_zsh_and_fish_get_help_lines(shop: Shelf) -> None:
    assert complete(shop, "xcatc", shell="zsh") == ["plain", "xcatch", "Does xcatch."]
    assert complete(shop, "xcatc", shell="fish") == ["plain,xcatch\tDoes xcatch."]


def test_a_fault_is_silent_while_someone_types(shop: Shelf) -> None:
    assert complete(shop, "run", "x", GENZOO_DISABLE="no-such-plugin") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_it_can_read(shelf: Shelf, shell: str) -> None:
    done = shelf.genzoo("completion", shell)
    assert done.returncode == 0
    assert f"_GENZOO_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_bash_itself_completes_with_the_script(shop: Shelf) -> None:
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    script = (
        f'PATH={GENZOO.parent}:$PATH; eval "$(genzoo completion bash)"; '
        "COMP_WORDS=(genzoo run x); COMP_CWORD=2; _genzoo_completion genzoo; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["xcat", "xcow"], done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "vae-mnist", "t"], ["plain,two", "plain,three"]),
        (["run", "vae-mnist", "seven", "ni"], ["plain,nine"]),
        (["encode", "vae-mnist", "--prompt", "ni"], ["plain,nine"]),
        (["run", "flow-emoji", "a"], [""]),  # any text
        (["run", "flow-emoji", "--set", "sty"], ["plain,style="]),
        (["run", "flow-emoji", "--set", "style="], ["plain,style=noto", "plain,style=twemoji"]),
        (["run", "flow-emoji", "--sampler", "h"], ["plain,heun"]),
        (["run", "flow-emoji", "--sampler", "dd"], [""]),  # neither DDIM nor DDPM fits a flow
        (["run", "ddpm-mnist", "--sampler", "ddi"], ["plain,ddim"]),
        (["run", "vae-mnist", "--device", "c"], ["plain,cpu", "plain,cuda"]),
        (["train", "flow", "--device", "c"], ["plain,cpu", "plain,cuda"]),
        (["serve", "--device", "m"], ["plain,mps"]),
        (["run", "vae-mnist", "--input", "di"], ["file,di"]),
        (["encode", "vae-mnist", "di"], ["file,di"]),
        (["run", "--prompts", "wo"], ["file,wo"]),
        (["train", "flow-mn"], ["plain,flow-mnist"]),
        (
            ["train", "co"],
            ["plain,codec", "plain,codec-emoji", "plain,codec-emoji-64", "plain,codec-mnist"],
        ),
        (["list", "--family", "va"], ["plain,vae"]),
        (["list", "--kind", "sam"], ["plain,sampler"]),
        (["list", "--conditioner", "sty"], ["plain,style"]),
        (["config", "set", "dev"], ["plain,device"]),
        (["config", "set", "device", "au"], ["plain,auto"]),
        (["config", "set", "model", "vae-mn"], ["plain,vae-mnist"]),
        (["config", "unset", ""], SETTINGS),
        (["config", "set", "xmp", "f"], ["plain,false"]),
    ],
)
def test_what_can_follow_is_completed(shop: Shelf, words: list[str], expected: list[str]) -> None:
    assert complete(shop, *words) == expected


def test_a_class_of_two_words_is_one_word_in_each_shell(shop: Shelf) -> None:
    assert "plain,Ankle\\ boot" in complete(shop, "run", "flow-fashion", "ank")
    assert "Ankle boot" in complete(shop, "run", "flow-fashion", "ank", shell="zsh")


def test_options_of_the_default_model_are_completed(shop: Shelf, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "vae-mnist"\n', encoding="utf-8")
    found = complete(shop, "run", "--set", "temp", GENZOO_CONFIG=str(tmp_path))
    assert found == ["plain,temperature="]


def test_no_completion_imports_torch(shop: Shelf) -> None:
    shop.modules("list")  # which makes the index
    for line in ("run vae-mnist t", "run flow-emoji --set st", "run vae-mnist --device c"):
        typed = {"COMP_WORDS": f"genzoo {line}", "COMP_CWORD": str(line.count(" ") + 1)}
        modules = shop.modules(_GENZOO_COMPLETE="bash_complete", **typed)
        assert "click.shell_completion" in modules
        assert not {"torch", "numpy", "importlib.metadata"} & modules
