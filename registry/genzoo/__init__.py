"""genzoo: a zoo of generative models in which everything is a plugin.

    >>> import genzoo
    >>> genzoo.list_models("vae*-mnist")
    ['vae-mlp-mnist', 'vae-mnist']
    >>> genzoo.generate("vae-mnist", n=16, seed=0).images.shape
    torch.Size([16, 1, 28, 28])

Importing this package costs nothing: torch and the plugins are imported when first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from genzoo.pictures.generating import generate
    from genzoo_core.cards import ModelCard
    from genzoo_core.model import GenerativeModel
    from genzoo_core.zoo import Zoo

    __version__: str

__all__ = ["__version__", "card", "generate", "list_models", "load", "open_zoo"]


def list_models(
    pattern: str | None = None,
    *,
    family: str | None = None,
    conditioner: str | None = None,
    kind: str | None = None,
) -> list[str]:
    """Names of the models that are installed, in alphabetical order.

    Args:
        pattern: A glob ("vae*", "acme/*"), or a part of a name; None for all.
        family: Only models of this family ("vae").
        conditioner: Only models that own a conditioner of this name ("label").
        kind: Only weights of this kind of component ("model", "codec", …).

    Returns:
        Bare names where they are unique, `distribution/name` elsewhere. All can be loaded by
        these names; empty where nothing matches.

    Raises:
        UsageError: A family, conditioner or kind that no installed model has.
    """
    from genzoo.catalogue import Catalogue

    rows = Catalogue.open().select(pattern, family=family, conditioner=conditioner, kind=kind)
    return [row.shown for row in rows]


def card(name: str) -> ModelCard:
    """What is known of a model: its card.

    Args:
        name: A bare name while it is unique, `distribution/name`, or an alias.

    Raises:
        UsageError: No such model, or several; names the choices.
        PluginError: The plugin that owns it is broken.
    """
    from genzoo.catalogue import Catalogue

    return Catalogue.open().find_model(name).card


def load(name: str | PathLike[str], *, device: str = "cpu") -> GenerativeModel[Any]:
    """Load a model in evaluation mode.

    Args:
        name: The name of a model, the path of a model file, or a reference that a plugin knows
            how to fetch ("hf://owner/repo").
        device: Where its tensors go: "cpu", "cuda", "mps".

    Returns:
        The model; a `Codec` or `Encoder` for weights of that kind.

    Raises:
        GenzooError: A clear one for each thing that can be wrong.
    """
    from typing import cast

    from genzoo.catalogue import Catalogue
    from genzoo.zoo import RegistryZoo

    module = RegistryZoo(Catalogue.open()).load(name, device=device).module
    return cast("GenerativeModel[Any]", module)


def open_zoo(*, no_plugins: bool = False) -> Zoo:
    """The registry itself, as commands of plugins get it: to build, train, save and check.

    Args:
        no_plugins: Leave out all plugins but genzoo's own. `GENZOO_PLUGINS` and
            `GENZOO_DISABLE` hold as well.

    Raises:
        UsageError: One of these variables names a plugin that is not installed.
    """
    from genzoo.catalogue import Catalogue
    from genzoo.zoo import RegistryZoo

    return RegistryZoo(Catalogue.open(no_plugins=no_plugins))


def __getattr__(name: str) -> Any:
    if name == "generate":
        from genzoo.pictures.generating import generate

        return generate
    if name == "__version__":
        from importlib.metadata import version

        return version("genzoo")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
