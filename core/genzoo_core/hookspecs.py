"""The hooks that a plugin may implement.

A plugin names those that it implements in its manifest (`hooks = ["genzoo_after_run"]`) and
defines them, marked with `hookimpl`, in the module that its entry point names, which is
imported only when one of them is called. What one implementation raises does not keep the next
from running. An implementation names the arguments that it wants; each hook can have `zoo`, the
registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from genzoo_core.cards import ModelCard
from genzoo_core.formats import Source
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Zoo

if TYPE_CHECKING:  # listing models imports this module, and must be fast
    from genzoo_core.recipe import Recipe

hookspec = pluggy.HookspecMarker("genzoo")
hookimpl = pluggy.HookimplMarker("genzoo")
"""Marks a function as the implementation of the hook of its name."""


@hookspec
def genzoo_models(zoo: Zoo) -> Iterable[ModelCard]:  # type: ignore[empty-body]
    """Models that exist only at run time; called by `genzoo list --dynamic`.

    Args:
        zoo: The registry.

    Returns:
        Their cards. `weights` holds an absolute path, or a reference that a
        `genzoo_resolve_weights` hook understands.

    Example:
        >>> @hookimpl
        ... def genzoo_models():
        ...     return [ModelCard(name="mine", family="vae", summary="From my folder.",
        ...                       weights="/home/me/mine.safetensors")]
    """


@hookspec(firstresult=True)
def genzoo_resolve_weights(reference: str, sha256: str, zoo: Zoo) -> Path | WeightsFile | None:
    """Bring a weights file onto this machine.

    Called with the `weights` of a card, and with a reference that a user types in place of a
    model: `genzoo run share://far.safetensors`. Where no other plugin brings the file, the user
    sees the `GenzooError` that it raises.

    Args:
        reference: "scheme://…".
        sha256: Digest that the file must have; genzoo checks it too. May be empty.
        zoo: The registry.

    Returns:
        Path of the file, or a `WeightsFile`, which also has its lasting reference and its expected
        digest; None where the reference is not this plugin's.

    Example:
        >>> @hookimpl
        ... def genzoo_resolve_weights(reference, sha256):
        ...     if reference.startswith("share://"):
        ...         return Path("/mnt/share") / reference.removeprefix("share://")
    """


@hookspec(firstresult=True)
def genzoo_cached_weights(reference: str, sha256: str, zoo: Zoo) -> Path | WeightsFile | None:
    """A weights file, where it is on this machine already.

    Called where nothing may be downloaded, as by `genzoo run --replay`. A plugin without it
    brings its files through `genzoo_resolve_weights` alone.

    Args:
        reference: "scheme://…".
        sha256: Digest that the file must have; may be empty.
        zoo: The registry.

    Returns:
        As `genzoo_resolve_weights`; None also where the file is not here.

    Example:
        >>> @hookimpl
        ... def genzoo_cached_weights(reference, sha256):
        ...     path = Path("/var/cache/share") / sha256
        ...     return path if reference.startswith("share://") and path.is_file() else None
    """


@hookspec(firstresult=True)
def genzoo_source(reference: str, zoo: Zoo) -> Source | None:
    """The files of a repository elsewhere, for the formats that plugins read.

    Called with a reference that a user types in place of a model, before
    `genzoo_resolve_weights`: the names of its files say the format. Where
    `genzoo_core.downloads.downloads_allowed()` is false, no network may be used: there is only
    what is on this machine.

    Args:
        reference: "scheme://…".
        zoo: The registry.

    Returns:
        The files, which are fetched one by one when they are read; None where the reference is
        not this plugin's, or names a single file.

    Example:
        >>> class Share:
        ...     def __init__(self, reference):
        ...         self.reference = reference
        ...         self.folder = Path("/mnt/share", reference.removeprefix("share://"))
        ...         self.files = {p.name: p.stat().st_size for p in self.folder.glob("*.*")}
        ...     def fetch(self, name):
        ...         return self.folder / name
        >>> @hookimpl
        ... def genzoo_source(reference):
        ...     if reference.startswith("share://") and Path(reference).suffix == "":
        ...         return Share(reference)
    """


@hookspec(firstresult=True)
def genzoo_write_output(path: Path, pictures: Pictures, zoo: Zoo) -> bool | None:
    """Write pictures in a format that genzoo does not know.

    Called when `-o` has a suffix that is not built in.

    Args:
        path: Where to write; its folder exists.
        pictures: The pictures.
        zoo: The registry.

    Returns:
        True once written, or None where the suffix is not this plugin's.

    Example:
        >>> @hookimpl
        ... def genzoo_write_output(path, pictures):
        ...     if path.suffix == ".txt":
        ...         path.write_text(f"{len(pictures.images)} pictures", encoding="utf-8")
        ...         return True
    """


@hookspec
def genzoo_before_run(record: Record, zoo: Zoo) -> None:
    """Called before pictures are made. A failure is a warning.

    Args:
        record: The resolved request.
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_before_run(record, zoo):
        ...     print(record.n, zoo.card(record.model).license, file=sys.stderr)
    """


@hookspec
def genzoo_after_run(record: Record, pictures: Pictures, zoo: Zoo) -> None:
    """Called after pictures were made and before they are written. A failure is a warning.

    It gets all pictures, so they are in memory at once; without it, a folder or arrays are
    written as they are made.

    Args:
        record: The resolved request.
        pictures: The result.
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_after_run(record, pictures):
        ...     print(f"brightness {pictures.images.mean():+.2f}", file=sys.stderr)
    """


@hookspec
def genzoo_after_write(request: Record, paths: Sequence[Path], seconds: float, zoo: Zoo) -> None:
    """Called when pictures or latents were written into files. A failure is a warning.

    Args:
        request: The resolved request; with `encode` it was for latents.
        paths: The files, each whole and in its place: one, or all pictures of a folder, or the
            shards that this process has made.
        seconds: How long making and writing them took.
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_after_write(request, paths, seconds):
        ...     print(f"{request.model}: {len(paths)} in {seconds:.1f} s", file=sys.stderr)
    """


@hookspec
def genzoo_before_training(recipe: Recipe, folder: Path, step: int, zoo: Zoo) -> None:
    """Called once a training is ready for its first step. A failure is a warning.

    Args:
        recipe: What is trained, and how.
        folder: The run's folder, which says which training a later call is about.
        step: Steps done over all stages: more than 0 where it goes on from a checkpoint.
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_before_training(recipe, folder, step):
        ...     print(f"training {recipe.name} in {folder.name}", file=sys.stderr)
    """


@hookspec
def genzoo_log_training(
    run: str,
    step: int,
    values: Mapping[str, float],
    folder: Path,
    pictures: Path | None,
    warnings: Sequence[str],
    zoo: Zoo,
) -> None:
    """Called with each set of figures that a training logs. A failure is a warning.

    Args:
        run: Name of the recipe.
        step: Steps done over all stages.
        values: Named figures, "loss" and "images/s" among them.
        folder: The run's folder.
        pictures: The grid of samples that was written since the last call, a PNG; None where
            there is none.
        warnings: What was warned of since the last call: a collapse, a loss that explodes.
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_log_training(run, step, values):
        ...     print(run, step, values["loss"], file=sys.stderr)
    """


@hookspec
def genzoo_end_training(folder: Path, outcome: str, zoo: Zoo) -> None:
    """Called when a training is over, however it ended. A failure is a warning.

    Args:
        folder: The run's folder.
        outcome: "finished", its weights being written; "stopped" by a signal, a checkpoint being
            saved; or "failed".
        zoo: The registry.

    Example:
        >>> @hookimpl
        ... def genzoo_end_training(folder, outcome):
        ...     print(f"{folder.name}: {outcome}", file=sys.stderr)
    """


@hookspec
def genzoo_after_training(zoo: Zoo, model: str, data: Path, seconds: float) -> list[str] | None:
    """Called when `genzoo train FAMILY` has trained a model of somebody's pictures.

    A failure is a warning: the model is in the list already.

    Args:
        zoo: The registry.
        model: The model, as commands take it.
        data: Folder of the pictures.
        seconds: How long somebody allowed the training to take; 0 where steps were chosen.

    Returns:
        Lines for the user, or None.

    Example:
        >>> @hookimpl
        ... def genzoo_after_training(zoo, model, data, seconds):
        ...     return [f"{model} has learnt the pictures in {data}"]
    """
