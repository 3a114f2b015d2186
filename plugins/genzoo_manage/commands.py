"""`genzoo install`, `genzoo uninstall` and `genzoo plugins restore`."""

from __future__ import annotations

import shlex
import sys

import click
from packaging.utils import canonicalize_name

from genzoo_core.errors import GenzooError, PluginError, UsageError, did_you_mean
from genzoo_core.installer import Installer, find_installer
from genzoo_core.plugin import DISTRIBUTION
from genzoo_core.secrets import without_secrets
from genzoo_core.text import printable, shortened
from genzoo_core.zoo import Zoo
from genzoo_manage.installers import message, run_all, to_install, to_uninstall
from genzoo_manage.ledger import Entry, entry_of, ledger_file, read_ledger, update_ledger
from genzoo_manage.outcome import GENZOO, Snapshot, compare, named, report, take_snapshot
from genzoo_manage.requirements import Wanted, check_wanted, resolve

TRUST = "this runs code of whoever made it, now and when it is used, so install what you trust"

MOST = 20
"""Plugins that an error names."""

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, no more.")
constraint_option = click.option(
    *("-c", "--constraint", "constraints"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Keep to the versions in FILE.",
)


def _confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere, and with `--yes`, go on.

    Raises:
        GenzooError: The answer is no.
    """
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not click.confirm(question, default=True, err=True):
        raise GenzooError("nothing was changed")


@click.command("install")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("-e", "--editable", multiple=True, metavar="FOLDER", help="A plugin you work on.")
@click.option("-U", "--upgrade", is_flag=True, help="Take a newer version of what is there.")
@constraint_option
@yes_option
@dry_run_option
@click.pass_obj
def install(
    zoo: Zoo,
    *,
    requirements: tuple[str, ...],
    editable: tuple[str, ...],
    upgrade: bool,
    constraints: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Install plugins, look whether they work, and remember them for `genzoo plugins restore`.

    A REQUIREMENT is what pip reads: a name with a version or without, a path or a URL. It is
    installed by pip, or by uv or pipx where the environment is theirs.

    \b
    genzoo install acme-zoo
    genzoo install 'acme-zoo[train]>=1.2' ./another-plugin
    genzoo install -e ./my-plugin
    """
    wanted = Wanted(requirements, editable, upgrade, constraints)
    check_wanted(wanted)
    installer = find_installer()
    commands = to_install(installer, wanted)
    if dry_run:
        click.echo("\n".join(map(str, commands)))
        return
    message(f"{TRUST}: {wanted}")
    _confirm("Install it?", yes)
    before = take_snapshot()
    run_all(commands, f"{installer.name} could not install {wanted}")
    message("looking whether it works …")
    outcome = compare(before)
    installed = outcome.after.distributions
    requested = resolve(wanted, outcome.came, installed)
    for name in requested:
        if before.distributions.get(name) == installed[name]:
            message(f"{name} {installed[name].version} was there already")
    plugins = report(outcome, requested, zoo, installer.note)
    broken = [each for each in plugins if each["errors"]]
    sound = {each["distribution"] for each in plugins} - {each["distribution"] for each in broken}
    entries = [entry_of(installed[name], word) for name, word in requested.items() if name in sound]
    update_ledger(zoo, add=entries)
    if broken:
        names = sorted({each["distribution"] for each in broken if each["removal"]})
        listed = ", ".join([*map(named, broken[:MOST]), *(["…"] if len(broken) > MOST else [])])
        raise PluginError(
            f"{listed} came and {'is' if len(broken) == 1 else 'are'} broken",
            f"remove it with `genzoo uninstall {' '.join(names)}`" if names else None,
        )
    idle = [name for name in requested if name not in sound and name != GENZOO]
    if idle or not (requested or sound):
        removal = f"; `pip uninstall {shlex.join(idle)}` removes it" if idle else ""
        raise PluginError(
            f"{', '.join(idle) or wanted} brought no plugin of genzoo",
            f"a plugin has an entry point in the group `genzoo`{removal}",
        )


def _complete_distributions(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    owners = {plugin.distribution for plugin in ctx.obj.plugins() if plugin.removal}
    return sorted(name for name in owners if name.startswith(incomplete))


@click.command("uninstall")
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete_distributions
)
@yes_option
@dry_run_option
@click.pass_obj
def uninstall(zoo: Zoo, *, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove plugins. NAME is the distribution that `genzoo plugins` shows beside each.

    What the plugins needed stays: other packages may need it too.
    """
    before = take_snapshot()
    doomed = list(dict.fromkeys(_find(name, before) for name in names))
    installer = find_installer()
    commands = to_uninstall(installer, doomed)
    if dry_run:
        click.echo("\n".join(map(str, commands)))
        return
    removed = []
    for each in before.plugins:
        if each["distribution"] in doomed:
            removed.append(named(each))
            lost = ", ".join((*each["models"], *each["commands"]))
            message(f"removing {removed[-1]}" + (f", and with it {lost}" if lost else ""))
    _confirm("Remove it?", yes)
    run_all(commands, f"{installer.name} could not remove {', '.join(doomed)}")
    left = take_snapshot().distributions
    update_ledger(zoo, remove=[name for name in doomed if name not in left])
    for name in doomed:
        if name in left:
            raise PluginError(
                f"{name} is still there, in {left[name].folder.parent}",
                "what put it there can remove it; GENZOO_DISABLE leaves it out meanwhile",
            )
    for plugin in removed:
        click.echo(f"removed {plugin}")


def _find(name: str, installed: Snapshot) -> str:
    """The distribution of plugins that is meant, which is not genzoo itself."""
    distribution = canonicalize_name(name)
    if distribution == GENZOO:
        raise UsageError("genzoo itself is no plugin", "`pip uninstall genzoo` removes it")
    owners = {each["distribution"] for each in installed.plugins if each["removal"]}
    if distribution in owners:
        return distribution
    for each in installed.plugins:
        if each["name"] == name:
            owner = "genzoo itself" if each["builtin"] else each["distribution"]
            otherwise = f"GENZOO_DISABLE={shlex.quote(name)} leaves it out"
            hint = f"`{each['removal']}`" if each["removal"] else otherwise
            raise UsageError(f"plugin {name} is part of {owner}", hint)
    if distribution in installed.distributions and DISTRIBUTION.fullmatch(distribution):
        hint = f"`pip uninstall {distribution}` removes it"
        raise UsageError(f"{distribution} is installed, but no plugin of genzoo is in it", hint)
    near = did_you_mean(distribution, sorted(owners)) or "`genzoo plugins` shows what is installed"
    meant = repr(shortened(without_secrets(name), 100))
    raise UsageError(f"no plugin's distribution is named {meant}", near)


@click.command("restore")
@constraint_option
@yes_option
@dry_run_option
@click.pass_obj
def restore(zoo: Zoo, *, constraints: str | None, yes: bool, dry_run: bool) -> None:
    """Install again what `genzoo install` installed, in the very versions.

    For a new environment. What is there in that version already is left alone; what cannot be
    installed any more is named, and the exit code is 1 then.
    """
    file = ledger_file(zoo)
    entries = [entry for _, entry in read_ledger(file) if entry]
    if not entries:
        message(f"nothing to restore: {file} holds no plugins")
        return
    before = take_snapshot()
    missing: list[Entry] = []
    lost: set[str] = set()
    for entry in entries:
        version = before.version(entry.name)
        if version is not None and entry.version in ("", version):
            plan = "already there"
        elif entry.path is not None and not entry.path.exists():
            plan = f"cannot be restored: it came from {entry.path}, which is not there any more"
            lost.add(entry.name)
        else:
            plan = f"install {without_secrets(entry.argument)}"
            missing.append(entry)
        click.echo(printable(f"{entry.name} {entry.version}".rstrip() + f": {plan}"))
    if missing and not dry_run:
        installer = find_installer()
        message(TRUST)
        _confirm("Install them?", yes)
        lost |= _install(missing, installer, constraints)
        outcome = compare(before)
        there = outcome.after.distributions
        requested = {e.name: e.requirement for e in entries if e.name in there}
        plugins = report(outcome, requested, zoo, installer.note)
        lost |= {each["distribution"] for each in plugins if each["errors"]}
    names = [entry.name for entry in entries if entry.name in lost]
    if names:
        raise PluginError(
            f"{len(names)} of {len(entries)} cannot be restored: {', '.join(names)}",
            "install another version of it with `genzoo install`",
        )


def _install(entries: list[Entry], installer: Installer, constraints: str | None) -> set[str]:
    """Install one by one, so that one that fails does not keep the others away.

    Returns the names of those that failed.
    """
    failed = set()
    for entry in entries:
        words = (entry.argument,)
        wanted = Wanted(() if entry.editable else words, words if entry.editable else ())
        try:
            check_wanted(wanted)
            commands = to_install(installer, wanted._replace(constraints=constraints))
            run_all(commands, f"{installer.name} could not install it")
        except GenzooError as error:
            message(f"{entry.name}: {error}")
            failed.add(entry.name)
    return failed
