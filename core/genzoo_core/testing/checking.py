"""Checking components, models and plugins: what a test suite and `genzoo check` call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike, fspath

from genzoo_core.errors import UsageError
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ComponentSpec, PartSpec
from genzoo_core.testing.case import Case, Shape, component_specs, part_specs
from genzoo_core.testing.codecs import check_encoder_component
from genzoo_core.testing.conditioners import check_conditioner_component
from genzoo_core.testing.models import check_model_component
from genzoo_core.testing.noisers import check_noiser_component
from genzoo_core.testing.plugins import check_installed
from genzoo_core.testing.recipes import case_of, stages
from genzoo_core.testing.report import Recorder, Report
from genzoo_core.testing.samplers import check_sampler_component
from genzoo_core.testing.weights import check_weights
from genzoo_core.zoo import Zoo

CHECKS: dict[str, Callable[[Recorder, Case], None]] = {
    "model": check_model_component,
    "codec": check_encoder_component,
    "encoder": check_encoder_component,
    "conditioner": check_conditioner_component,
    "noiser": check_noiser_component,
    "sampler": check_sampler_component,
}
"""How a component of a kind is checked; those of other kinds have no interface yet."""


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
    """As `check_component`, but what is wrong is in the report and not raised."""
    if kind not in CHECKS:
        known = ", ".join(CHECKS)
        raise UsageError(f"components of kind {kind!r} cannot be checked", f"kinds are {known}")
    case = Case(
        zoo,
        kind,
        name,
        config=config or {},
        conditioners=component_specs(conditioners),
        parts=part_specs(parts),
        columns=columns or {},
        options=options or {},
        shape=shape,
        values=values,
        noiser=component_specs({"noiser": noiser})["noiser"] if noiser else None,
    )
    record = Recorder(case.title)
    CHECKS[kind](record, case)
    return record.report()


def check_component(
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
    """Check that a component keeps to its interface.

    It is built with fresh weights, trained for a few steps, fitted, saved, loaded and sampled
    from; a small config makes that quick.

    Args:
        zoo: The registry: `genzoo.open_zoo()`.
        kind: "model", "codec", "encoder", "conditioner", "noiser" or "sampler".
        name: `distribution/name`, or a bare name while it is unique.
        config: Its config, as plain data.
        conditioners: The conditioners that it is to own, each as
            `{"component": name, "config": {…}}`.
        parts: The frozen parts that it needs, by role: names of models of the zoo.
        columns: Raw values for its conditioners by name, as a dataset's column gives them;
            ids in turn, or what is typical, unless given.
        options: Options to sample with, by name.
        shape: (C, H, W) of an image, where neither the component nor its config says.
        values: For a conditioner, raw values that it must accept.
        noiser: For a sampler, a noiser that it fits where it fits none of the usual ones.

    Returns:
        What came of each check.

    Raises:
        ConformanceError: Something is wrong; lists all that was found.
        UsageError: A kind that has no checks.
    """
    return examine_component(
        zoo,
        kind,
        name,
        config,
        conditioners=conditioners,
        parts=parts,
        columns=columns,
        options=options,
        shape=shape,
        values=values,
        noiser=noiser,
    ).require()


def examine_recipe(zoo: Zoo, recipe: str | PathLike[str]) -> Report:
    """As `check_recipe`, but what is wrong is in the report and not raised."""
    reference = fspath(recipe)
    record = Recorder(f"recipe {reference}")
    read: list[Recipe] = []

    def reads() -> Iterator[str]:
        read.append(zoo.recipe(reference))
        yield from ()

    if not record.check("it is a well-formed recipe", reads):
        return record.report()
    record.check("its stages are those of what it trains", partial(stages, zoo, read[0]))
    kind = read[0].model.kind
    if kind in CHECKS:
        CHECKS[kind](record, case_of(zoo, read[0]))
    else:
        record.skip("what it trains keeps to its interface", f"there is none for a {kind!r}")
    return record.report()


def check_recipe(zoo: Zoo, recipe: str | PathLike[str]) -> Report:
    """Check a recipe, and what it trains as `check_component` does, with the recipe's config.

    No dataset is read.

    Args:
        zoo: The registry: `genzoo.open_zoo()`.
        recipe: Path of a TOML file, or the name of a model of the zoo that has a recipe.

    Returns:
        What came of each check.

    Raises:
        ConformanceError: Something is wrong; lists all that was found.
    """
    return examine_recipe(zoo, recipe).require()


def examine_model(
    zoo: Zoo,
    model: str | PathLike[str],
    *,
    columns: Mapping[str, Sequence[object]] | None = None,
    options: Mapping[str, object] | None = None,
    shape: Shape | None = None,
) -> Report:
    """As `check_model`, but what is wrong is in the report and not raised."""
    reference = fspath(model)
    record = Recorder(f"model {reference}")
    check_weights(record, zoo, reference, columns=columns or {}, options=options or {}, shape=shape)
    return record.report()


def check_model(
    zoo: Zoo,
    model: str | PathLike[str],
    *,
    columns: Mapping[str, Sequence[object]] | None = None,
    options: Mapping[str, object] | None = None,
    shape: Shape | None = None,
) -> Report:
    """Check a model that has weights: that it loads, is what its card says, and samples.

    Args:
        zoo: The registry: `genzoo.open_zoo()`.
        model: Name of a model of the zoo, or the path of a model file or of a folder in a format
            that a plugin reads. Of a folder it is also checked that its card needs no weights, and
            that it is the same when it is loaded again.
        columns: Raw values for its conditioners by name; ids in turn, or what is typical,
            unless given.
        options: Options to sample with, by name.
        shape: (C, H, W) of an image, where neither the model nor its card says.

    Returns:
        What came of each check.

    Raises:
        ConformanceError: Something is wrong; lists all that was found.
    """
    return examine_model(zoo, model, columns=columns, options=options, shape=shape).require()


def examine_plugin(zoo: Zoo, name: str) -> Report:
    """As `check_plugin`, but what is wrong is in the report and not raised."""
    record = Recorder(f"plugin {name}")
    for plugin in zoo.plugins(name):
        check_installed(record, zoo, plugin)
    return record.report()


def check_plugin(zoo: Zoo, name: str) -> Report:
    """Check a plugin's manifest against its code and its files.

    What the manifest names is imported in a fresh process first, and then in this one.

    Args:
        zoo: The registry: `genzoo.open_zoo()`.
        name: Name of its distribution, whose plugins are all checked, or of the plugin.

    Returns:
        What came of each check.

    Raises:
        ConformanceError: Something is wrong; lists all that was found.
        UsageError: No such plugin is installed.
    """
    return examine_plugin(zoo, name).require()
