"""What surrounds every command: global options, errors in one line, exit codes, signals."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from itertools import takewhile
from types import FrameType
from typing import Any

import click

from genzoo.cli.group import ZooGroup
from genzoo.text import LONGEST_LINE, as_message, one_line, quoted
from genzoo_core.errors import GenzooError, did_you_mean
from genzoo_core.table import wrapped

INTERRUPTED = 128 + 2
CLOSED_PIPE = 128 + 13
TERMINATED = 128 + 15
INTERRUPTION = "interrupted"

NUMBER = re.compile("valid (integer|float)(?: range)?")
NUMBERS = {"integer": "whole number", "float": "number"}
"""What options take, in plainer words than those of click."""

Handler = Callable[[int, FrameType | None], Any] | int | None


class Terminated(KeyboardInterrupt):
    """SIGTERM: what saves finished work at Ctrl-C saves it then as well."""


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from genzoo import __version__

        click.echo(f"genzoo, version {__version__}")
        ctx.exit()


@click.group(
    cls=ZooGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--no-plugins", is_flag=True, help="Use only what comes with genzoo itself.")
@click.option("--debug", is_flag=True, help="Show tracebacks, as GENZOO_DEBUG=1 does.")
@click.option(
    *("--version", "_version"),
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def genzoo(ctx: click.Context, no_plugins: bool, debug: bool) -> None:
    """A zoo of generative models in which everything is a plugin."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and turn whatever ends it into an exit code; see `genzoo.cli.main`."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    _replace_closed_streams()
    before = _on_signals(_stopping(own=arguments is None))
    if isinstance(sys.stdout, TextIOWrapper):  # escapes, not errors, where it is not UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if "_GENZOO_COMPLETE" in os.environ:
            _complete(words)
        # Not `genzoo.main`, which turns a closed pipe into exit code 1 and errors into three lines.
        with genzoo.make_context("genzoo", list(words)) as ctx:
            _invoke(ctx)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:
        if _debugging(words) and not isinstance(error, SystemExit | click.exceptions.Exit):
            import traceback

            traceback.print_exception(error)
        return _exit_code(error)
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    return 0


def _invoke(ctx: click.Context) -> None:
    try:
        genzoo.invoke(ctx)
    except click.UsageError as error:
        if error.ctx is None:  # a command's parser does not say whose it is
            error.ctx = click.Context(genzoo, ctx, f"{ctx.invoked_subcommand}")
        raise


def _complete(words: list[str]) -> None:
    """Answer a shell. An error is silent: someone is typing."""
    try:
        genzoo.main(words, prog_name="genzoo")
    except Exception as error:
        raise SystemExit(1) from error


def _debugging(words: Sequence[str]) -> bool:
    options = takewhile(lambda word: word.startswith("-"), words)
    return "--debug" in options or os.environ.get("GENZOO_DEBUG", "") not in {"", "0"}


def _on_signals(stop: Handler) -> dict[int, Handler]:
    """Set what SIGTERM and Ctrl-C do, which only a main thread can; what they did before.

    What ignores Ctrl-C, as a shell's background jobs do, goes on so.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    ours = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        ours.append(signal.SIGINT)
    return {number: signal.signal(number, stop) for number in ours}


def _stopping(*, own: bool) -> Handler:
    """Raises what ends a command; `own`: the process is the command's own."""

    def stop(number: int, frame: FrameType | None) -> None:
        # While torch is imported its C++ swallows what is raised here, or aborts.
        while own and frame is not None:
            if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "torch":
                os.write(2, f"{INTERRUPTION}\n".encode())
                os._exit(128 + number)
            frame = frame.f_back
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    return stop


def _replace_closed_streams() -> None:
    """Open closed standard streams, before a file gets one of their numbers."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _exit_code(error: BaseException) -> int:
    """The exit code for what ended the command, which one line on stderr says."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return error.exit_code
        case KeyboardInterrupt() | click.Abort():
            terminated = isinstance(error, Terminated) or isinstance(error.__cause__, Terminated)
            _say(": ".join([INTERRUPTION, *getattr(error, "__notes__", ())]))
            return TERMINATED if terminated else INTERRUPTED
        case BrokenPipeError():
            # The interpreter's last flush goes nowhere: the pipe has no reader any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return CLOSED_PIPE
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit() if not isinstance(error.code, str):
            return error.code or 0
    _say(as_message(_message(error), LONGEST_LINE), "Error: ")
    return getattr(error, "exit_code", 1)


def _say(text: str, first: str = "") -> None:
    try:
        sys.stderr.write("\n".join(wrapped(text, first, "  ", sys.stderr)) + "\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # nobody reads stderr: the exit code says it
        pass


def _message(error: BaseException) -> str:
    match error:
        case GenzooError() | SystemExit():
            return str(error)
        case click.NoSuchOption(ctx=click.Context() as ctx):
            names = [name for option in ctx.command.params for name in option.opts]
            # Two dashes would make short names alike.
            bare = [name[2:] for name in names if name.startswith("--")]
            near = did_you_mean(error.option_name.lstrip("-"), bare, "--")
            see = f"see `{ctx.command_path} --help`"
            name = quoted(error.option_name)
            return "; ".join(filter(None, (f"No such option {name}", see, near)))
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "genzoo"
            said = NUMBER.sub(lambda kind: NUMBERS[kind[1]], error.format_message())
            return f"{said.rstrip('.')}; see `{where} --help`"
        case click.ClickException():
            return error.format_message()
        case OSError() if error.strerror:
            where = f"{error.filename}: " if error.filename is not None else ""
            return where + error.strerror
    return f"unexpected failure: {one_line(error)}; `genzoo --debug …` shows where"
