"""genzoo: a zoo of generative models in which everything is a plugin.

    >>> import genzoo
    >>> genzoo.list_models("vae*-mnist")
    ['vae-mlp-mnist', 'vae-mnist']
    >>> genzoo.generate("vae-mnist", n=16, seed=0).images.shape
    torch.Size([16, 1, 28, 28])

Importing this package costs nothing: torch and the plugins are imported when first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from genzoo.zoo import Zoo
    from genzoo_core.cards import ModelCard
    from genzoo_core.model import GenerativeModel
    from genzoo_core.pictures import Latents, Pictures
    from genzoo_core.request import Offload, Precision
    from genzoo_core.zoo import Opened

    __version__: str

__all__ = ["__version__", "card", "encode", "generate", "list_models", "load", "open_zoo"]


def list_models(
    pattern: str | None = None,
    *,
    family: str | None = None,
    conditioner: str | None = None,
    kind: str | None = None,
) -> list[str]:
    """Names of the models that are installed, and of those in the user's own list.

    Args:
        pattern: A glob ("vae*", "acme/*"), or a part of a name; None for all.
        family: As their cards say ("vae").
        conditioner: The name of one that they have ("label").
        kind: The kind of component that the weights are of ("model", "codec", …).

    Returns:
        In alphabetical order, names that are bare where they are unique, `distribution/name`
        elsewhere.

    Raises:
        UsageError: A family, conditioner or kind that no installed model has.
    """
    from genzoo.plugins.catalogue import Catalogue
    from genzoo.plugins.names import select

    catalogue = Catalogue.open()
    found = select(catalogue.models, pattern, family=family, conditioner=conditioner, kind=kind)
    return [catalogue.short_name(model) for model in found]


def card(name: str) -> ModelCard:
    """The card of a model.

    Args:
        name: Its bare name while that is unique, its full name or an alias.

    Raises:
        UsageError: No such model, or several; names the choices.
        PluginError: The plugin that owns it is broken.
    """
    return open_zoo().catalogue.find_model(name).card


def load(
    name: str | PathLike[str],
    *,
    device: str = "cpu",
    variant: str = "",
    precision: Precision = "auto",
    offload: Offload = "",
) -> GenerativeModel[Any]:
    """Load a model.

    Args:
        name: The name of a model, the path of a model file or of a folder in a format that a
            plugin reads, or a reference that a plugin knows how to fetch ("hf://owner/repo").
        device: Where its tensors go: "cpu", "cuda", "mps", or "auto" for the best that is here.
        variant: Which of several files of weights is read where a folder has some ("fp16").
        precision: What its networks compute in: "fp32", "bf16", "fp16"; "auto" for its own.
        offload: What waits on the CPU until it is computed with, of a model whose networks do not
            fit on the device together: "model" for each network, "sequential" for each layer.

    Returns:
        The model, a `torch.nn.Module` in evaluation mode, which `generate` and `encode` take; for
        weights of another kind what they are of, a `Codec` or an `Encoder`.

    Raises:
        GenzooError: A clear one for each thing that can be wrong.

    Example:
        >>> model = genzoo.load("vae-mnist")
        >>> model.codec.latent_shape
        (32,)
    """
    opened = open_zoo().open(
        name, device=device, variant=variant, precision=precision, offload=offload
    )
    return cast("GenerativeModel[Any]", opened.module)


def generate(
    model: str | PathLike[str] | GenerativeModel[Any] | Opened,
    prompts: str | Sequence[str] = (),
    *,
    keep_frames: bool = False,
    on_progress: Callable[[float, int], None] | None = None,
    zoo: Zoo | None = None,
    **fields: Any,
) -> Pictures:
    """Make pictures with a model.

    Args:
        model: As for `load`; or what that or `open_zoo().open` gave, so that a loop does not load
            each time. It computes where it is. Of weights that were trained since, the record has
            no digest, and such pictures cannot be made again.
        prompts: One prompt or several, read by the model's first conditioner.
        keep_frames: Keep the pictures on the way of a model that samples in steps.
        on_progress: Called with how many of how many pictures are made.
        zoo: The registry; by default it is opened.
        fields: The other fields of a `genzoo_core.Request` (`n`, `seed`, …); `inputs`, and a
            `mask`, are paths, or the bytes of files. Whatever else is named is an option or a
            further condition of the model, as in its `options`: `steps=5`.

    Returns:
        Images float32 `[N, C, H, W]` in [-1, 1] with their record and seeds. For inputs, their
        reconstructions, and in `inputs` what the model saw; with a strength or a mask, `n`
        variations of each.

    Raises:
        UsageError: A field is no option of the model's, either, or not among the valid choices;
            names those.
        RunInterrupted: Ctrl-C; holds what was finished.
        GenzooError: A clear one for each other thing that can be wrong.

    Example:
        >>> model = genzoo.load("vae-mnist")
        >>> for digit in "37":
        ...     genzoo.generate(model, digit, n=16, seed=0).save(f"{digit}.png")
        PosixPath('3.png')
        PosixPath('7.png')
    """
    from genzoo.models.loaded import reference_of
    from genzoo.run.request import request_of

    reference, opened, where = reference_of(model)
    request = request_of(reference, prompts, **(where | fields))
    return (zoo or open_zoo()).generate(
        request, opened=opened, keep_frames=keep_frames, on_progress=on_progress
    )


def encode(
    model: str | PathLike[str] | GenerativeModel[Any] | Opened,
    inputs: str | Path | bytes | Sequence[str | Path | bytes],
    *,
    zoo: Zoo | None = None,
    **fields: Any,
) -> Latents:
    """Turn pictures into latents.

    Args:
        model: As for `generate`, with a codec or an encoder.
        inputs: One picture or several: paths, or the bytes of files.
        zoo: The registry; by default it is opened.
        fields: The other fields of a `genzoo_core.Request` (`prompts`, `batch`, …).

    Returns:
        The posterior of each picture, `[N, …]` as the model's codec has it, with their record.

    Raises:
        UsageError: The model has no encoder, or a file is no picture.
        GenzooError: A clear one for each other thing that can be wrong.

    Example:
        >>> latents = genzoo.encode("vae-mnist", ["a.png", "b.png"])
        >>> latents.posterior.mean.shape
        torch.Size([2, 32])
    """
    from genzoo.models.loaded import reference_of
    from genzoo.run.request import request_of
    from genzoo_core.errors import UsageError

    reference, opened, where = reference_of(model)
    files = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    if not files:
        raise UsageError("there is no picture to encode", "give the path of one, or its bytes")
    request = request_of(reference, **(where | fields), inputs=files, encode=True)
    return (zoo or open_zoo()).encode(request, opened)


def open_zoo(*, no_plugins: bool = False) -> Zoo:
    """The registry itself, as commands of plugins get it: to build, train, save and check.

    Args:
        no_plugins: Leave out all plugins but genzoo's own. `GENZOO_PLUGINS` and
            `GENZOO_DISABLE` hold as well.

    Returns:
        The registry, which `genzoo_core.Zoo` describes.

    Raises:
        UsageError: One of these variables names a plugin that is not installed.
    """
    from genzoo.plugins.catalogue import Catalogue
    from genzoo.zoo import Zoo

    return Zoo(Catalogue.open(no_plugins=no_plugins))


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from genzoo.plugins.distributions import installed_version

        return installed_version("genzoo")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
