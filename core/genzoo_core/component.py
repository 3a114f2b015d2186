"""How components are built, and how one gets another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from genzoo_core.specs import ComponentSpec


class Context(Protocol):
    """How a component gets others by their names, so that plugins need not import one another.

    Every component is built as `Class(config, context)`.

    Attributes:
        training: Whether the module will be trained: build what only training needs.
        conditioners: Those that the model is to own, by name; the first reads the prompt.
        latent_shape: For a density over latents, shape of a latent without the batch; else ().
    """

    @property
    def training(self) -> bool: ...
    @property
    def conditioners(self) -> Mapping[str, ComponentSpec]: ...
    @property
    def latent_shape(self) -> tuple[int, ...]: ...

    def component(
        self,
        kind: str,
        name: str,
        config: Mapping[str, object],
        *,
        latent_shape: tuple[int, ...] = (),
    ) -> Any:
        """Build another component.

        Args:
            kind: Its kind ("conditioner", "noiser", …).
            name: `distribution/name`, or a bare name while it is unique.
            config: Its config, as plain data.
            latent_shape: For a density, see above. It may own the model's conditioners; any other
                component has none.

        Raises:
            ConfigError: No such component, or a config that is not of its type.
        """

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the installed components of a kind, bare where that is unique.

        Args:
            kind: The kind ("sampler", "noiser", …).
        """

    def part(self, role: str) -> Any:
        """The frozen module that plays `role`, shared with other models.

        The calling module may assign it to an attribute: it then moves between devices with that
        module, but its tensors are neither trained with it nor stored in its file.

        Args:
            role: One of the roles in the model's `parts`.

        Raises:
            ConfigError: No part plays this role.
        """
