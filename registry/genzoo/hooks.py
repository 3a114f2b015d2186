"""Calling the plugins' hooks, one by one and guarded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import pluggy

from genzoo.guard import import_module, one_line, stdout_to_stderr, warn
from genzoo.records import PluginRecord
from genzoo_core import hookspecs
from genzoo_core.errors import PluginError, did_you_mean


def hook_names() -> tuple[str, ...]:
    """Names of the hooks that there are."""
    manager = pluggy.PluginManager("genzoo")
    return tuple(name for name in vars(hookspecs) if manager.parse_hookspec_opts(hookspecs, name))


class Hooks:
    """The hook implementations of the plugins, which are imported when a hook is called.

    Args:
        plugins: Sound plugins; one is imported for a hook that its manifest lists.

    Attributes:
        errors: What was found wrong with a plugin, by its name, in the order it was met.
    """

    def __init__(self, plugins: Sequence[PluginRecord]) -> None:
        self._plugins = plugins
        self._manager = pluggy.PluginManager("genzoo")
        self._manager.add_hookspecs(hookspecs)
        self._modules: dict[PluginRecord, ModuleType | None] = {}
        self.errors: dict[str, PluginError] = {}

    def call(self, name: str, **arguments: Any) -> list[Any]:
        """Call a hook's implementations one by one.

        One that raises is a warning on stderr, and the next one is called. What they write to
        stdout goes to stderr.

        Args:
            name: The hook's name.
            arguments: All that its specification says.

        Returns:
            What the implementations gave but for None; for a first-result hook at most one.

        Raises:
            PluginError: There is no such hook.
        """
        if name not in hook_names():
            raise PluginError(f"there is no hook {name!r}", did_you_mean(name, hook_names()))
        caller = getattr(self._manager.hook, name)
        first = bool(caller.spec.opts["firstresult"])
        results: list[Any] = []
        for plugin, implementation in self._implementations(name):
            try:
                with stdout_to_stderr():
                    values = [arguments[argument] for argument in implementation.argnames]
                    result = implementation.function(*values)
            except (Exception, SystemExit) as error:
                self._record(plugin, PluginError(f"plugin {plugin}: {name}: {one_line(error)}"))
                continue
            if result is not None:
                results.append(result)
                if first:
                    break
        return results

    def check(self, plugin: PluginRecord) -> None:
        """Import a plugin and check its hooks against their specifications.

        Raises:
            PluginError: It cannot be imported, lacks a hook that its manifest lists, or has
                one with a wrong name or signature.
        """
        module = import_module(plugin, plugin.module)
        try:
            self._manager.register(module, plugin.name + "@" + plugin.distribution)
        except Exception as error:
            self._manager.unregister(module)
            raise PluginError(f"plugin {plugin}: wrong hook: {one_line(error)}") from error
        callers = self._manager.get_hookcallers(module) or []
        problem = _problem(module, plugin.hooks, callers)
        if problem:
            self._manager.unregister(module)
            raise PluginError(f"plugin {plugin}: {problem}")
        self._modules[plugin] = module

    def _implementations(self, name: str) -> Iterator[tuple[PluginRecord, pluggy.HookImpl]]:
        for plugin in self._plugins:
            if name not in plugin.hooks:
                continue
            if plugin not in self._modules:
                self._modules[plugin] = None
                try:
                    self.check(plugin)
                except PluginError as error:
                    self._record(plugin, error)
            module = self._modules[plugin]
            for implementation in getattr(self._manager.hook, name).get_hookimpls():
                if implementation.plugin is module:
                    yield plugin, implementation

    def _record(self, plugin: PluginRecord, error: PluginError) -> None:
        self.errors[plugin.name] = error
        warn(str(error))


def _problem(
    module: ModuleType, listed: Sequence[str], callers: Sequence[pluggy.HookCaller]
) -> str | None:
    """What is wrong with the hooks that a module implements, or None."""
    implemented = {caller.name for caller in callers}
    for caller in callers:
        if not caller.has_spec():
            hint = did_you_mean(caller.name, hook_names())
            return f"implements an unknown hook {caller.name}" + (f"; {hint}" if hint else "")
        if caller.name not in listed:
            return f"implements {caller.name}, which its manifest does not list"
        if any(i.plugin is module and (i.wrapper or i.hookwrapper) for i in caller.get_hookimpls()):
            return f"{caller.name} is a wrapper, which genzoo does not call"
    missing = sorted(set(listed) - implemented)
    return f"its manifest lists {missing[0]}, which it does not implement" if missing else None
