"""The group of all commands, which imports one when it is invoked, and what it knows of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import click

from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.guard import load_target
from genzoo.plugins.names import Owned, choices, full_name, matches
from genzoo.text import listed, printable, quoted
from genzoo_core.errors import PluginError, UsageError, did_you_mean
from genzoo_core.manifest import CommandEntry

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from genzoo.zoo import Zoo

BUILTIN = {
    "list": ("genzoo.cli.list:list_", "Show the models that are installed."),
    "info": ("genzoo.cli.info:info", "Show what is known of a model."),
    "run": ("genzoo.cli.run:run", "Generate pictures."),
    "encode": ("genzoo.cli.latents:encode", "Turn pictures into latents."),
    "decode": ("genzoo.cli.latents:decode", "Turn latents into pictures."),
    "show": ("genzoo.cli.show:show", "Show how the pictures in a file were made."),
    "export": ("genzoo.cli.export:export", "Write a model to one file."),
    "add": ("genzoo.cli.add:add", "Put a model into your own list."),
    "rm": ("genzoo.cli.add:rm", "Remove a model from your own list."),
    "plugins": ("genzoo.cli.plugins:plugins", "Show the plugins that are installed."),
    "doctor": ("genzoo.cli.doctor.command:doctor", "Look whether genzoo works here."),
    "config": ("genzoo.cli.config:config", "Show your defaults, and set them."),
    "completion": ("genzoo.cli.completion:completion", "Print a shell's completion script."),
}
"""Target and help line of each command of genzoo itself. Plugins cannot take these names."""

LIGHT = ("list", "info", "show", "add", "rm", "plugins", "doctor", "config", "completion")
"""Commands that need no `Zoo`, but the catalogue alone."""

TAKE_MODEL = ("info", "run", "encode", "decode", "export")
"""Commands whose first argument is a model."""

KEY = "genzoo.catalogue"


variant_option = click.option(
    "--variant",
    default="",
    metavar="NAME",
    help="Which files of weights to read where a folder has several: fp16.",
)


def catalogue_of(ctx: click.Context) -> Catalogue:
    """The catalogue that `--no-plugins` and the environment ask for, opened once."""
    meta: dict[str, Any] = ctx.meta
    if KEY not in meta:
        meta[KEY] = Catalogue.open(no_plugins=bool(ctx.find_root().params.get("no_plugins")))
        meta[KEY].make_zoo = _make_zoo
    return cast(Catalogue, meta[KEY])


def _make_zoo(catalogue: Catalogue) -> Zoo:
    from genzoo.zoo import Zoo

    return Zoo(catalogue)


def complete_models(
    ctx: click.Context, _parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """Names of models, and files, that begin with `incomplete`: a `shell_complete` callback."""
    from click.shell_completion import CompletionItem

    catalogue = catalogue_of(ctx)
    full = "/" in incomplete
    names = [model.name if full else catalogue.short_name(model) for model in catalogue.models]
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


class _ModelCommand(click.Command):
    """Stands for a command whose first argument is a model, so that it need not be imported.

    Where it takes a template of recipes as well, those are among `names`.
    """

    def __init__(self, name: str, group: click.Group, names: Iterable[str]) -> None:
        super().__init__(name)
        self._group, self._names = group, names

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Models that begin with `incomplete`; for a dash, the options of the command itself."""
        if not incomplete.startswith("-"):
            from click.shell_completion import CompletionItem

            names = [name for name in self._names if name.startswith(incomplete)]
            return [*map(CompletionItem, names), *complete_models(ctx, None, incomplete)]
        command = self._group.get_command(ctx, str(self.name))
        return [] if command is None else command.shell_complete(ctx, incomplete)


class ZooGroup(click.Group):
    """Built-in commands, and those that the manifests of plugins name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        added = {command.bare for command in catalogue_of(ctx).commands}
        return [*BUILTIN, *sorted(added - set(BUILTIN))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in BUILTIN:
            module, _, attribute = BUILTIN[cmd_name][0].partition(":")
            return cast(click.Command, getattr(import_module(module), attribute))
        found = matches(cmd_name, catalogue_of(ctx).commands)
        if len(found) > 1:
            text = f"command {quoted(cmd_name)} is ambiguous: {' and '.join(map(full_name, found))}"
            raise UsageError(text, "use the full name")
        return _load(found[0]) if found else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if ctx.resilient_parsing and len(args) == 1 and (takes := self._argument(ctx, name)):
            names = choices(catalogue_of(ctx).recipes) if takes == "recipe" else ()
            return name, _ModelCommand(name, self, names), []
        command = self.get_command(ctx, name)
        if command is None:
            if ctx.resilient_parsing:
                return None, None, args
            raise self._unknown(ctx, name)
        if name not in LIGHT:
            ctx.obj = _make_zoo(catalogue_of(ctx))
            if not ctx.resilient_parsing:
                from genzoo.cli.settings import defaults

                ctx.default_map = {name: defaults(ctx, command, args[1:])}
        return name, command, args[1:]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            # Commands import most of what they need when they are called, not when loaded.
            for owned in matches(ctx.invoked_subcommand or "", catalogue_of(ctx).commands):
                _check_extra(owned, missing)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help(ctx, name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self._help(ctx, name)) for name in names]
        # Past click.Group, which would import each command for its help line.
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def _help(self, ctx: click.Context, name: str) -> str:
        if name in BUILTIN:
            return BUILTIN[name][1]
        found = matches(name, catalogue_of(ctx).commands)
        several = " and ".join(map(full_name, found))
        return several if len(found) > 1 else printable(found[0].entry.help)

    def _argument(self, ctx: click.Context, name: str) -> str | None:
        """What a command's first argument is: "model", "recipe" or None for anything else."""
        if name in TAKE_MODEL:
            return "model"
        found = matches(name, catalogue_of(ctx).commands)
        return next((each.entry.argument for each in found if each.entry.argument), None)

    def _unknown(self, ctx: click.Context, name: str) -> Exception:
        if name.startswith("-"):
            return click.NoSuchOption(name, ctx=ctx)
        names = self.list_commands(ctx)
        # `remove` is no command, but what `rm` and `uninstall` do.
        meant = [each for each in names if self._help(ctx, each).lower().startswith(f"{name} ")]
        near = f"did you mean {' or '.join(meant)}?" if meant else did_you_mean(name, names)
        disabled = [p.name for p in catalogue_of(ctx).plugins if p.disabled]
        absent = f"left out, with their commands: {listed(disabled)}" if disabled else None
        hint = "; ".join(filter(None, (absent, near))) or "`genzoo --help` shows those there are"
        return UsageError(f"no command {quoted(name)}", hint)


def _load(owned: Owned[CommandEntry]) -> click.Command:
    plugin, entry = owned.plugin, owned.entry
    try:
        command = load_target(plugin, entry.target)
    except PluginError as error:
        _check_extra(owned, error.__cause__)
        raise
    if not isinstance(command, click.Command):
        raise PluginError(f"plugin {plugin}: {entry.target} is not a click.Command")
    return command


def _check_extra(owned: Owned[CommandEntry], error: BaseException | None) -> None:
    """Say which extra a command needs, if it has one and `error` is of a missing library.

    Raises:
        PluginError: It is.
    """
    plugin, entry = owned.plugin, owned.entry
    if entry.extra and isinstance(error, ModuleNotFoundError):
        text = f"`genzoo {entry.name}` needs {error.name}, which is not installed"
        wanted = shlex.quote(f"{plugin.distribution}[{entry.extra}]")
        raise PluginError(text, f"`pip install {wanted}`") from error
