"""What a command of a plugin can ask of the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

    from genzoo_core.cards import ModelCard
    from genzoo_core.recipe import Recipe
    from genzoo_core.specs import ModelSpec


@dataclass(frozen=True)
class Built:
    """A module with what it was built from.

    Attributes:
        module: The module; a `GenerativeModel`, `Codec` or `Encoder`.
        spec: Its description with canonical names and the parts' sha256.
        parts: The frozen shared modules by role.
    """

    module: nn.Module
    spec: ModelSpec
    parts: Mapping[str, nn.Module] = field(default_factory=dict)

    def own_tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, without those of the shared parts.

        The tensors are the module's own storage: writing into one changes the module. A
        tensor that is tied to several names is given once, under the first.
        """
        shared = {id(m) for part in self.parts.values() for m in part.modules()}
        tensors: dict[str, Tensor] = {}
        seen: set[int] = set()
        for prefix, module in self.module.named_modules():
            if id(module) in shared:
                continue
            dot = f"{prefix}." if prefix else ""
            for name, tensor in (
                *module.named_parameters(recurse=False),
                *module.named_buffers(recurse=False),
            ):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    tensors[dot + name] = tensor.detach()
        return tensors


class Zoo(Protocol):
    """The registry, as a command's `ctx.obj`."""

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models whose plugins are sound."""
        ...

    def card(self, name: str) -> ModelCard:
        """The card of a model, by bare name or `distribution/name`.

        Raises:
            UsageError: No such model, or several; names the choices.
        """
        ...

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo.

        Raises:
            UsageError: Neither a file nor a model with a recipe.
            ConfigError: Not a well-formed recipe.
        """
        ...

    def build(self, spec: ModelSpec, *, training: bool = False) -> Built:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            WeightsError: A part's weights cannot be loaded.
        """
        ...

    def load(self, reference: str, *, device: str = "cpu") -> Built:
        """Load a model by name or from a model file, in evaluation mode.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        ...

    def save(
        self,
        path: Path,
        spec: ModelSpec,
        tensors: Mapping[str, Tensor],
        card: ModelCard,
    ) -> ModelCard:
        """Write a model file, atomically.

        Args:
            path: Where to.
            spec: What the tensors belong to.
            tensors: As they are to be stored.
            card: What is known of the model.

        Returns:
            The card with `sha256`, `size` and `parameters` filled in.
        """
        ...

    def call_hook(self, name: str, **arguments: Any) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning."""
        ...
