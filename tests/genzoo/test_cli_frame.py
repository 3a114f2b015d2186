"""What surrounds every command: its plugin, its errors, its exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from shelf import GENZOO, Shelf, command, model
from terminal import on_terminal

from genzoo.cli.run import SECTIONS, run

BUILTIN = {
    "list": "Show the models that are installed.",
    "info": "Show what is known of a model.",
    "run": "Generate pictures.",
    "encode": "Turn pictures into latents.",
    "decode": "Turn latents into pictures.",
    "export": "Write a model to one file.",
    "plugins": "Show the plugins that are installed.",
    "install": "Install plugins, and look whether they work.",
    "uninstall": "Remove plugins.",
    "doctor": "Look whether genzoo works here.",
    "completion": "Print a shell's completion script.",
}
"""The commands that genzoo itself brings, as the overview tells of them."""

COMMANDS = '''
import os, signal, sys, time
import click
from genzoo_core import UsageError, WeightsError

@click.command()
@click.argument("fault")
@click.pass_context
def fail(ctx, fault):
    """Ends in many ways."""
    if fault == "names":
        click.echo(" ".join(card.name for card in ctx.obj.cards()))
    elif fault == "usage":
        raise UsageError("this is\\nwrong", "do that")
    elif fault == "weights":
        raise WeightsError("bad file")
    elif fault == "bug":
        raise ZeroDivisionError("division")
    elif fault == "os":
        open("/nowhere/at/all")
    elif fault == "escape":
        raise UsageError("a\\x1b[2Jb")
    elif fault == "exit":
        ctx.exit(5)
    elif fault == "sys.exit":
        sys.exit(6)
    elif fault == "message":
        sys.exit("went wrong")
    elif fault == "bad-parameter":
        raise click.BadParameter("not so.")
    elif fault == "full":
        for _ in range(100_000):
            click.echo("line")
    elif fault == "wait":
        try:
            click.echo("ready")
            sys.stdout.flush()
            time.sleep(60)
        finally:
            click.echo("cleaned up", err=True)
'''


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    """A shelf with a plugin that adds the command `fail`."""
    shelf.add("acme", command("fail", "acme.cli:fail"), model("cat"), files={"cli.py": COMMANDS})
    return shelf


def test_help_names_every_command_without_importing_one(shelf: Shelf) -> None:
    folder = shelf.add("acme", command("paint", "acme.cli:paint"))
    for words in ([], ["--help"], ["-h"]):
        done = shelf.genzoo(*words)
        assert done.returncode == 0
        for name in (*BUILTIN, "train", "paint"):
            assert f"\n  {name} " in done.stdout
        for help_line in (*BUILTIN.values(), "Does paint."):
            assert f" {help_line}\n" in done.stdout
    assert not (folder / "imported").exists()
    assert not {"genzoo_train", "torch", "PIL"} & shelf.modules("--help")


@pytest.mark.parametrize("name", BUILTIN)
def test_each_command_has_help_that_begins_as_the_overview_says(shelf: Shelf, name: str) -> None:
    done = shelf.genzoo(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: genzoo {name} ")
    first = BUILTIN[name].rstrip(".").split()[0]
    assert done.stdout.split("\n\n")[1].strip().startswith(first)


@pytest.mark.parametrize(
    ("words", "name"),
    [(["install", "x"], "install"), (["plugins", "restore"], "restore"), (["eval"], "eval")],
)
def test_a_command_of_a_plugin_that_is_left_out_is_an_error_that_says_so(
    shelf: Shelf, words: list[str], name: str
) -> None:
    done = shelf.genzoo(*words, GENZOO_DISABLE="manage,eval")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no command {name!r}; ")
    assert "; left out, with their commands: eval, manage" in done.stderr
    helped = shelf.genzoo("plugins", "--help", GENZOO_DISABLE="manage")
    assert "restore" not in helped.stdout.partition("Options:")[2]


def test_an_error_is_broken_between_words_where_a_terminal_ends(shelf: Shelf) -> None:
    words = ("list", "--kind", "nois")
    lines = on_terminal(40, *words, code=2)
    assert len(lines) > 2
    assert max(map(len, lines)) <= 40
    assert " ".join(map(str.strip, lines)) == shelf.genzoo(*words).stderr.strip()


def test_the_version_is_the_distributions(shelf: Shelf) -> None:
    assert shelf.genzoo("--version").stdout.split()[-1] == version("genzoo")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lsit", "list"), ("trian", "train"), ("fial", "fail"), ("remove", "rm"), ("generate", "run")],
)
def test_an_unknown_command_is_answered_with_close_ones(shop: Shelf, word: str, meant: str) -> None:
    done = shop.genzoo(word)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no command {word!r}; did you mean ")
    assert meant in done.stderr


def test_a_command_gets_the_zoo(shop: Shelf) -> None:
    assert "cat" in shop.genzoo("fail", "names").stdout.split()


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        ("usage", 2, "Error: this is wrong; do that"),
        ("weights", 1, "Error: bad file"),
        (
            "bug",
            1,
            "Error: unexpected failure: ZeroDivisionError: division; `genzoo --debug …` shows",
        ),
        ("os", 1, "Error: /nowhere/at/all: No such file or directory"),
        ("escape", 2, "Error: a\\x1b[2Jb"),
        ("message", 1, "Error: went wrong"),
        ("bad-parameter", 2, "Error: Invalid value: not so; see `genzoo fail --help`"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    shop: Shelf, fault: str, code: int, line: str
) -> None:
    done = shop.genzoo("fail", fault)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["x" * 5000], "; `genzoo --help` shows those there are"),
        (["info", "x" * 5000], "; `genzoo list` shows those there are"),
        (["info", "x" * 5000 + ".safetensors"], "; `genzoo list` shows the models there are"),
        (["info", "x://" + "x" * 5000], "knows this address"),
        (["list", "--family", "x" * 5000], "; known: "),
        (["list", "--" + "x" * 5000], "; see `genzoo list --help`"),
        (["run", "vae-mlp-mnist", "-n", "x" * 5000], "; see `genzoo run --help`"),
        (["run", "vae-mlp-mnist", "-o", "/".join(["x" * 100] * 45)], "File name too long"),
        (["uninstall", "x" * 5000, "--dry-run"], "shows what is installed"),
    ],
)
def test_an_error_is_short_however_long_what_it_repeats_is(
    shelf: Shelf, words: list[str], why: str
) -> None:
    done = shelf.genzoo(*words)
    assert done.returncode in (1, 2)
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert why in line
    assert len(line) < 850


@pytest.mark.parametrize(("fault", "code"), [("exit", 5), ("sys.exit", 6)])
def test_a_command_may_choose_its_exit_code(shop: Shelf, fault: str, code: int) -> None:
    done = shop.genzoo("fail", fault)
    assert (done.returncode, done.stderr) == (code, "")


def test_debug_shows_the_traceback(shop: Shelf) -> None:
    for words, environment in ((["--debug"], {}), ([], {"GENZOO_DEBUG": "1"})):
        done = shop.genzoo(*words, "fail", "usage", **environment)
        assert done.returncode == 2
        assert "Traceback" in done.stderr
        assert done.stderr.splitlines()[-1] == "Error: this is wrong; do that"
    assert "Traceback" not in shop.genzoo("fail", "usage", GENZOO_DEBUG="0").stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["list", "--famly", "vae"], "No such option"),
        (["list", "a", "b"], "unexpected extra argument"),
        (["info"], "Missing argument"),
        (["--frob"], "No such option"),
        (["completion", "tcsh"], "'bash', 'zsh', 'fish'"),
    ],
)
def test_wrong_usage_is_one_line_too(shelf: Shelf, arguments: list[str], line: str) -> None:
    done = shelf.genzoo(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert line in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_in_order(shop: Shelf, number: int, code: int) -> None:
    process = subprocess.Popen(
        [str(GENZOO), "fail", "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "cleaned up\ninterrupted\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_no_import_of_torch_swallows_a_signal(tmp_path: Path, number: int, code: int) -> None:
    # As the real one does for some hundredths of a second, in which it imports NumPy from C++.
    raises = f"    __import__('signal').raise_signal({number:d})"
    swallows = f"try:\n{raises}\nexcept BaseException:\n    pass\n"
    (tmp_path / "torch.py").write_text(swallows, encoding="utf-8")
    done = subprocess.run(
        [str(GENZOO), "run", "flow-mnist", "7"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "interrupted\n")


@pytest.mark.parametrize("arguments", [["fail", "full"], ["list"], ["--help"], ["plugins"]])
def test_hostile_32_stdout_is_a_closed_pipe(shop: Shelf, arguments: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [str(GENZOO), *arguments], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_behind_stdout_is_an_error(shop: Shelf) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(GENZOO), "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "Error: No space left on device\n"


def test_an_encoding_that_lacks_a_character_gets_an_escape(shelf: Shelf) -> None:
    shelf.add("acme", model("x", shape=[1, 2, 3], summary="Tulip 🌷"))
    done = shelf.genzoo("list", "acme/x", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "1\\xd72\\xd73" in done.stdout
    assert shelf.json("list", "acme/x", PYTHONIOENCODING="ascii")[0]["summary"] == "Tulip 🌷"


@pytest.mark.parametrize("command", ["list", "info", "frobnicate"])
def test_a_word_of_any_length_is_answered_in_a_short_line(shelf: Shelf, command: str) -> None:
    words = ["x" * 100_000] if command == "frobnicate" else [command, "x" * 100_000]
    done = shelf.genzoo(*words)
    assert done.returncode in {1, 2}
    assert len(done.stderr) < 300
    assert done.stderr.startswith("Error: no ")


def test_the_package_can_be_run_as_a_module(shop: Shelf) -> None:
    command = [sys.executable, "-m", "genzoo", "fail", "exit"]
    assert subprocess.run(command, check=False).returncode == 5


@pytest.mark.parametrize(
    "body",
    [
        "import click\nimport not_installed_anywhere\n",
        "import click\n@click.command\ndef paint(): import not_installed_anywhere\n",
    ],
    ids=["loaded", "called"],
)
def test_a_command_that_needs_an_extra_says_how_to_get_it(shelf: Shelf, body: str) -> None:
    shelf.add("acme", command("paint", "acme.cli:paint", extra="paint"), files={"cli.py": body})
    done = shelf.genzoo("paint")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: `genzoo paint` needs not_installed_anywhere, which is not installed;"
        " `pip install 'acme[paint]'`\n"
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('no')", "cannot be imported: acme.cli: ValueError: no"),
        ("import sys; sys.exit()", "cannot be imported: acme.cli: SystemExit"),
        ("", "has no 'paint'"),
        ("paint = 3", "is not a click.Command"),
    ],
)
def test_hostile_22_a_command_that_cannot_be_imported(shelf: Shelf, body: str, why: str) -> None:
    shelf.add("acme", command("paint", "acme.cli:paint"), files={"cli.py": body})
    done = shelf.genzoo("paint")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert why in done.stderr
    assert shelf.genzoo("list").returncode == 0


def test_hostile_25_a_command_with_two_owners(shelf: Shelf) -> None:
    body = "import click\npaint = click.command('paint')(lambda: print(__name__))\n"
    for name in ("acme", "other"):
        shelf.add(name, command("paint", f"{name}.cli:paint"), files={"cli.py": body})
    done = shelf.genzoo("paint")
    assert done.returncode == 2
    assert "acme/paint and other/paint; use the full name" in done.stderr
    assert shelf.genzoo("other/paint").stdout == "other.cli\n"
    assert "acme/paint and other/paint" in shelf.genzoo("--help").stdout


def test_hostile_25_a_plugin_cannot_take_a_name_of_genzoos_own(shelf: Shelf) -> None:
    body = "import click\nlist_ = click.command('list')(lambda: print('mine'))\n"
    shelf.add("acme", command("list", "acme.cli:list_"), model("zebra"), files={"cli.py": body})
    assert [entry["name"] for entry in shelf.json("list", "zebra")] == ["zebra"]
    assert shelf.genzoo("acme/list").stdout == "mine\n"
    assert shelf.genzoo("--help").stdout.count("\n  list ") == 1


def test_no_plugins_leaves_out_their_commands(shop: Shelf) -> None:
    assert shop.genzoo("--no-plugins", "fail", "exit").returncode == 2
    assert shop.genzoo("--no-plugins", "list", "cat").returncode == 1


def test_each_option_of_run_stands_in_one_section_of_its_help(shelf: Shelf) -> None:
    text = shelf.genzoo("run", "--help").stdout
    shown = re.findall(r"^  (?:-\w, )?(--?[\w-]+)", text, re.MULTILINE)
    options = {option.opts[-1] for option in run.params if isinstance(option, click.Option)}
    assert sorted(shown) == sorted(options)
    titles = re.findall(r"^(\w[\w ]+):$", text, re.MULTILINE)
    assert titles == list(SECTIONS)
