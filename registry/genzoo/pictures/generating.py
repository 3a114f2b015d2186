"""Making pictures: what `genzoo run` does, for Python users too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from genzoo.pictures.placing import BATCH, check_device, place
from genzoo.pictures.requests import Plan, Request, check_counts
from genzoo.pictures.running import OnProgress, execute, threads
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from genzoo.zoo import Loaded, RegistryZoo


def generate(
    model: str | Path | Loaded,
    prompts: str | Sequence[str] = (),
    *,
    n: int | None = None,
    seed: int | None = None,
    options: Mapping[str, Any] | None = None,
    conditions: Mapping[str, str] | None = None,
    interpolate: tuple[int, int] | Literal["inputs"] | None = None,
    inputs: str | Path | Sequence[str | Path] = (),
    device: str = "cpu",
    threads: int | None = None,
    batch: int = BATCH,
    keep_frames: bool = False,
    on_progress: OnProgress | None = None,
    zoo: RegistryZoo | None = None,
) -> Pictures:
    """Make pictures with a model.

    Picture j of prompt p has seed `seed + p * n + j`, and depends on its seed, its prompt and
    the options alone: not on how many are made, nor in what batches (but for rounding, far
    below one level in 255).

    Args:
        model: A name, the path of a model file, a reference that a plugin knows how to fetch
            ("hf://owner/repo"), or what `RegistryZoo.open` gave.
        prompts: One prompt or several, read by the model's first conditioner.
        n: Pictures per prompt, or steps of a walk; 1, or 8 for a walk, unless given.
        seed: Seed of the first picture, in [0, 2**63); a random 32-bit one unless given.
        options: The model's options by name; `genzoo info MODEL` lists them.
        conditions: Values of the model's other conditioners by name.
        interpolate: Two seeds to walk between, or "inputs" to walk between the two inputs.
        inputs: Path or paths of pictures to reconstruct, or to walk between.
        device: Where to compute: "cpu", "cuda", "mps".
        threads: CPU threads; what measures best for the model's size unless given.
        batch: Pictures made at a time; halved where memory runs out.
        keep_frames: Keep the pictures on the way of a model that samples in steps.
        on_progress: Told how far it is.
        zoo: The registry; opened unless given.

    Returns:
        Images float32 `[N, C, H, W]` in [-1, 1] with their record and seeds. For inputs, their
        reconstructions, and in `inputs` what the model saw.

    Raises:
        UsageError: Something asked for is not among the valid choices; names those.
        RunInterrupted: Ctrl-C; holds what was finished.
        GenzooError: A clear one for each other thing that can be wrong.
    """
    zoo = zoo or open_zoo()
    plan = plan_pictures(
        model,
        prompts,
        n=n,
        seed=seed,
        options=options,
        conditions=conditions,
        interpolate=interpolate,
        inputs=inputs,
        device=device,
        threads=threads,
        batch=batch,
        zoo=zoo,
    )
    return execute(plan, zoo, keep_frames=keep_frames, on_progress=on_progress)


def plan_pictures(
    model: str | Path | Loaded,
    prompts: str | Sequence[str] = (),
    *,
    zoo: RegistryZoo,
    n: int | None = None,
    seed: int | None = None,
    options: Mapping[str, Any] | None = None,
    conditions: Mapping[str, str] | None = None,
    interpolate: tuple[int, int] | Literal["inputs"] | None = None,
    inputs: str | Path | Sequence[str | Path] = (),
    device: str = "cpu",
    threads: int | None = None,
    batch: int = BATCH,
) -> Plan:
    """What `generate` will make, checked; it has the same arguments and errors."""
    from genzoo.pictures.resolving import resolve

    files = (inputs,) if isinstance(inputs, (str, Path)) else inputs
    if not (
        isinstance(files, (list, tuple)) and all(isinstance(file, (str, Path)) for file in files)
    ):
        raise UsageError(f"inputs is {inputs!r}; give a path, or a list of paths")
    request = Request(
        # One that is no text is refused with a message of its own.
        prompts=tuple(prompts) if isinstance(prompts, (list, tuple)) else (cast(str, prompts),),
        n=n,
        seed=seed,
        options={} if options is None else options,
        conditions={} if conditions is None else conditions,
        interpolate=interpolate,
        inputs=tuple(map(Path, files)),
    )
    check_counts(request)
    loaded = open_model(model, zoo, device)
    plan = resolve(request, loaded, zoo)
    return place(plan, device=device, threads=threads, batch=batch)


def open_zoo() -> RegistryZoo:
    """The registry, with all plugins that the environment allows."""
    from genzoo.catalogue import Catalogue
    from genzoo.zoo import RegistryZoo

    return RegistryZoo(Catalogue.open())


def open_model(model: str | Path | Loaded, zoo: RegistryZoo, device: str) -> Loaded:
    """A model by name or path, on a device; one that is loaded already is moved there.

    Raises:
        UsageError: No such model, or no such device here.
        GenzooError: It cannot be loaded.
    """
    check_device(device)
    if isinstance(model, (str, Path)):
        found = zoo.fetch(str(model))  # before torch is imported
        # The checks of a load are too short to gain from a second thread.
        with threads(1):
            return zoo.open(found, device=device)
    if not hasattr(model, "built"):
        raise UsageError(
            f"model is a {type(model).__name__}",
            "give a name, a path or what RegistryZoo.open gave",
        )
    model.built.module.to(device)
    return model
