"""Calling the plugins' hooks, one by one and guarded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pluggy

from genzoo.plugins.guard import import_module, stdout_to_stderr, warn
from genzoo.text import one_line
from genzoo_core import hookspecs
from genzoo_core.errors import GenzooError, PluginError, did_you_mean
from genzoo_core.plugin import Plugin

if TYPE_CHECKING:
    from genzoo_core.zoo import Zoo

_RUNNING: ContextVar[frozenset[tuple[str, str]]] = ContextVar("running", default=frozenset())
"""The hooks that are being called, each with the plugin whose implementation runs."""


@contextmanager
def _running(name: str, plugin: Plugin) -> Iterator[None]:
    token = _RUNNING.set(_RUNNING.get() | {(name, str(plugin))})
    try:
        yield
    finally:
        _RUNNING.reset(token)


def hook_names() -> tuple[str, ...]:
    """Names of the hooks that there are."""
    return tuple(vars(_new_manager().hook))


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("genzoo")
    manager.add_hookspecs(hookspecs)
    return manager


class Hooks:
    """The hooks of sound plugins; one is imported when a hook is called that it lists."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = plugins
        # One for each plugin: what pluggy keeps of a faulty one cannot trouble the others.
        self._managers: dict[str, pluggy.PluginManager | None] = {}
        self._warnings: set[str] = set()

    def results(
        self, name: str, zoo: Zoo, arguments: Mapping[str, object]
    ) -> Iterator[tuple[Plugin, Any]]:
        """Call a hook's implementations one by one: their results but for None, by plugin.

        One that raises is a warning on stderr, and the next one is called; of a first-result
        hook, a `GenzooError` is an answer, which is raised where no other has a result. What
        they write to stdout goes to stderr. Generators are run to their end. A call from within an
        implementation, which can use the registry, passes over that plugin.
        """
        spec = getattr(_new_manager().hook, name).spec
        named = [argument for argument in spec.argnames if argument != "zoo"]
        given = {**arguments, "zoo": zoo}
        if given.keys() != {*named, "zoo"}:
            raise TypeError(f"{name} takes {', '.join(named)}; got {', '.join(arguments)}")
        first = spec.opts["firstresult"]
        answer: GenzooError | None = None
        for plugin, implementation in self._implementations(name):
            if (name, str(plugin)) in _RUNNING.get():
                continue
            try:
                with _running(name, plugin), stdout_to_stderr():
                    values = [given[argument] for argument in implementation.argnames]
                    result = implementation.function(*values)
                    if isinstance(result, Iterator):
                        result = list(result)
            except (Exception, SystemExit) as error:
                if first and isinstance(error, GenzooError):
                    answer = answer or error
                else:
                    self.warn_once(f"plugin {plugin}: {name} failed: {one_line(error)}")
                continue
            if result is not None:
                yield plugin, result
                if first:
                    return
        if answer is not None:
            raise answer

    def warn_once(self, problem: str) -> None:
        """Warn of what is wrong with a plugin, unless that was said before."""
        if problem not in self._warnings:
            self._warnings.add(problem)
            warn(problem)

    def check(self, plugin: Plugin) -> None:
        """Import a plugin and check its hooks against their specifications and its manifest.

        Raises:
            PluginError: What is wrong.
        """
        module = import_module(plugin, plugin.module)
        manager = _new_manager()
        try:
            manager.register(module)
        except Exception as error:
            raise PluginError(f"plugin {plugin}: wrong hook: {one_line(error)}") from error
        problem = _problem(plugin.hooks, manager.get_hookcallers(module) or [])
        if problem:
            raise PluginError(f"plugin {plugin}: {problem}")
        self._managers[str(plugin)] = manager

    def _implementations(self, name: str) -> Iterator[tuple[Plugin, pluggy.HookImpl]]:
        for plugin in self._plugins:
            if name not in plugin.hooks:
                continue
            if str(plugin) not in self._managers:
                self._managers[str(plugin)] = None
                try:
                    self.check(plugin)
                except PluginError as error:
                    self.warn_once(str(error))
            if manager := self._managers[str(plugin)]:
                for implementation in getattr(manager.hook, name).get_hookimpls():
                    yield plugin, implementation


def _problem(listed: Sequence[str], callers: Sequence[pluggy.HookCaller]) -> str | None:
    """What is wrong with the hooks that a module implements, or None."""
    for caller in callers:
        own = caller.get_hookimpls()
        if not caller.has_spec():
            if all(implementation.optionalhook for implementation in own):
                continue
            hint = did_you_mean(caller.name, hook_names())
            return f"implements an unknown hook {caller.name}" + (f"; {hint}" if hint else "")
        if caller.name not in listed:
            return f"implements {caller.name}, which its manifest does not list"
        if any(implementation.wrapper or implementation.hookwrapper for implementation in own):
            return f"{caller.name} is a wrapper, which genzoo does not call"
    missing = sorted(set(listed) - {caller.name for caller in callers})
    return f"its manifest lists {missing[0]}, which it does not implement" if missing else None
