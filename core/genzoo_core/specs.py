"""What to build, as data: components by name with their configs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from genzoo_core.config import Config

ComponentName = Annotated[str, msgspec.Meta(max_length=201)]


class ComponentSpec(Config):
    """A component by name, with its config.

    Attributes:
        component: `distribution/name`, or the bare name while it is unique.
        config: The fields of the component's `Config`; checked when it is built.
    """

    component: ComponentName
    config: dict[str, Any] = {}

    @classmethod
    def of(cls, choice: Choice) -> ComponentSpec:
        """A choice with its config; a name alone has none.

        Args:
            choice: A name, or a name with a config.
        """
        return cls(choice) if isinstance(choice, str) else choice


Choice = ComponentName | ComponentSpec
"""The choice of a component in a config or in options: its name alone, or with a config.

Among a model's `Options`, such a field has the name of the component's kind, and where it is unset
the field of that name in the model's config holds: with `sampler: Choice | None = None`,
`--sampler ddim --set sampler.eta=0.5` is `ComponentSpec("ddim", {"eta": 0.5})`.
"""


class PartSpec(Config, omit_defaults=True):
    """A frozen component shared with other models.

    Attributes:
        model: The name of the zoo's model that holds the part's weights.
        sha256: Digest of that model's weights file; empty in a recipe, where it is resolved.
        inline: The part's own description, where its tensors lie in the same file
            under `parts.<role>.` (`genzoo export --whole`).
    """

    model: str
    sha256: str = ""
    inline: ModelSpec | None = None


class ModelSpec(Config, omit_defaults=True):
    """The description of a module in a model file's header: all that is needed to build it.

    Attributes:
        component: Name of the component.
        config: Config of the component.
        kind: The kind of component: "model", "codec", "encoder" or "conditioner".
        conditioners: The model's conditioners by name. The first reads the prompt.
        parts: Frozen shared components by role.
    """

    component: str
    config: dict[str, Any] = {}
    kind: str = "model"
    conditioners: dict[str, ComponentSpec] = {}
    parts: dict[str, PartSpec] = {}
