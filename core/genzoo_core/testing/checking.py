"""Checking components, models and plugins: what a test suite and `genzoo check` call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from os import PathLike, fspath
from typing import Any, ParamSpec

from genzoo_core.errors import UsageError
from genzoo_core.specs import ComponentSpec, PartSpec
from genzoo_core.testing.case import Case, Shape, typed
from genzoo_core.testing.codecs import check_encoder_component
from genzoo_core.testing.conditioners import check_conditioner_component
from genzoo_core.testing.models import check_model_component, check_weights
from genzoo_core.testing.noisers import check_noiser_component
from genzoo_core.testing.plugins import case_of, check_installed, stages
from genzoo_core.testing.report import Recorder, Report
from genzoo_core.testing.samplers import check_sampler_component
from genzoo_core.testing.strictness import check_config
from genzoo_core.zoo import Zoo

CHECKS: dict[str, Callable[[Recorder, Case, Any], None]] = {
    "model": check_model_component,
    "codec": check_encoder_component,
    "encoder": check_encoder_component,
    "conditioner": check_conditioner_component,
    "noiser": check_noiser_component,
    "sampler": check_sampler_component,
}
"""How a component of a kind is checked, once it is built."""

P = ParamSpec("P")


def _raising(examine: Callable[P, Report]) -> Callable[P, Report]:
    """The function `check_…` for `examine_…`: the same, but problems are raised."""

    @wraps(examine)
    def check(*args: P.args, **kwargs: P.kwargs) -> Report:
        return examine(*args, **kwargs).require()

    check.__name__ = check.__qualname__ = examine.__name__.replace("examine", "check")
    check.__doc__ = (
        f"As `{examine.__name__}`, but raises a `ConformanceError` with all problems.\n\n"
        f"{examine.__doc__}"
    )
    return check


def _check_component(record: Recorder, case: Case) -> Report:
    """Build a component and run all checks of its kind."""
    built = record.made("it can be built from its config", case.build)
    if built is not None:
        check_config(record, type(getattr(built, "module", built)))
        CHECKS[case.kind](record, case, built)
    return record.report()


def examine_component(
    zoo: Zoo,
    kind: str,
    name: str,
    config: Mapping[str, object] | None = None,
    *,
    conditioners: Mapping[str, ComponentSpec | Mapping[str, object]] | None = None,
    parts: Mapping[str, PartSpec | Mapping[str, object] | str] | None = None,
    columns: Mapping[str, Sequence[object]] | None = None,
    options: Mapping[str, object] | None = None,
    shape: Shape | None = None,
    values: Sequence[object] = (),
    noiser: ComponentSpec | Mapping[str, object] | None = None,
) -> Report:
    """Check that a component of the zoo, `genzoo.open_zoo()`, conforms to its interface.

    It is built with fresh weights, trained for a few steps, fitted, saved, loaded and sampled
    from; a small config makes that quick.

    Args:
        kind: "model", "codec", "encoder", "conditioner", "noiser", "sampler" or "density", which is
            checked inside of `genzoo/autoencoder`.
        name: `distribution/name`, or a bare name while it is unique.
        conditioners: The conditioners that it is to own, each as
            `{"component": name, "config": {…}}`.
        parts: The frozen parts that it needs, by role: names of models of the zoo.
        columns: Raw values for its conditioners by name, as a dataset's column gives them; by
            default ids in turn, or what the conditioner gives as `typical`.
        options: Options to sample with, by name.
        shape: (C, H, W) of an image, where neither the component nor its config says.
        values: For a conditioner, raw values that it must accept.
        noiser: For a sampler, a noiser that it fits where it fits none of the usual ones.

    Raises:
        UsageError: A kind that has no checks.
    """
    if kind == "density":
        own = {"component": name, "config": dict(config or {})}
        report = examine_component(
            zoo,
            "model",
            "genzoo/autoencoder",
            {"shape": shape or (1, 8, 8), "latent": 4, "density": own},
            conditioners=conditioners,
            columns=columns,
            options=options,
        )
        return replace(report, subject=f"{kind} {name}")
    if kind not in CHECKS:
        kinds = ", ".join(CHECKS)
        raise UsageError(f"components of kind {kind!r} cannot be checked", f"kinds are {kinds}")
    by_role = (parts or {}).items()
    named = {role: {"model": part} if isinstance(part, str) else part for role, part in by_role}
    case = Case(
        zoo,
        kind,
        name,
        config=config or {},
        conditioners=typed(conditioners, ComponentSpec),
        parts=typed(named, PartSpec),
        columns=columns or {},
        options=options or {},
        shape=shape,
        values=values,
        noiser=typed({"noiser": noiser}, ComponentSpec)["noiser"] if noiser else None,
    )
    return _check_component(Recorder(f"{kind} {name}"), case)


def examine_recipe(zoo: Zoo, recipe: str | PathLike[str]) -> Report:
    """Check a recipe, and what it trains as a component, with the recipe's config.

    No dataset is read. `recipe` is the path of a TOML file, or the name of a model of the zoo that
    has a recipe.
    """
    reference = fspath(recipe)
    record = Recorder(f"recipe {reference}")
    read = record.made("it is a well-formed recipe", zoo.recipe, reference)
    if read is None:
        return record.report()
    record.check("its stages are those of what it trains", stages, zoo, read)
    kind = read.model.kind
    if kind in CHECKS:
        return _check_component(record, case_of(zoo, read))
    record.skip("what it trains conforms to its interface", f"there is none for a {kind!r}")
    return record.report()


def examine_model(
    zoo: Zoo,
    model: str | PathLike[str],
    *,
    columns: Mapping[str, Sequence[object]] | None = None,
    options: Mapping[str, object] | None = None,
    shape: Shape | None = None,
) -> Report:
    """Check a model that has weights: that it loads, is what its card says, and samples.

    Of a folder in a format that a plugin reads it is also checked that its card needs no weights,
    and that it is the same when it is loaded again.

    Args:
        model: Name of a model of the zoo, or the path of a model file or of such a folder.
        columns: As for a component.
        options: As for a component.
        shape: As for a component.
    """
    reference = fspath(model)
    record = Recorder(f"model {reference}")
    check_weights(record, zoo, reference, columns=columns or {}, options=options or {}, shape=shape)
    return record.report()


def examine_plugin(zoo: Zoo, name: str) -> Report:
    """Check a plugin's manifest against its code and its files.

    What the manifest names is imported in a fresh process first, and then in this one. `name` is
    that of its distribution, whose plugins are all checked, or of the plugin.

    Raises:
        UsageError: No such plugin is installed.
    """
    record = Recorder(f"plugin {name}")
    for plugin in zoo.plugins(name):
        check_installed(record, zoo, plugin)
    return record.report()


check_component = _raising(examine_component)
check_recipe = _raising(examine_recipe)
check_model = _raising(examine_model)
check_plugin = _raising(examine_plugin)
