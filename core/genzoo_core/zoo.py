"""What a command of a plugin can ask of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack

if TYPE_CHECKING:
    from torch import Tensor, nn

    from genzoo_core.cards import ModelCard
    from genzoo_core.dataset import Dataset
    from genzoo_core.manifest import Manifest
    from genzoo_core.pictures import Pictures, RunRecord
    from genzoo_core.recipe import DataRecipe, Recipe
    from genzoo_core.specs import ModelSpec
    from genzoo_core.weights import WeightsFile


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


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin that is installed.

    Attributes:
        name: Name of its entry point.
        distribution: Distribution that brought it.
        version: Version of that distribution.
        module: Import package that the entry point names.
        folder: Where that package lies; None where it was not found.
        manifest: What its manifest says; None for one that is broken or disabled.
        error: Why it cannot be used, in one line; "" for a sound one.
    """

    name: str
    distribution: str
    version: str
    module: str
    folder: Path | None
    manifest: Manifest | None
    error: str = ""


@dataclass(frozen=True)
class Verification:
    """What came of importing a plugin in a process of its own.

    Attributes:
        problems: What is wrong, in one line each.
        importable: False where its imports end the process, or take too long: no other process
            should try them.
    """

    problems: tuple[str, ...]
    importable: bool


class PictureRequest(TypedDict, total=False):
    """What can be asked of `Zoo.generate`.

    Attributes:
        n: Pictures per prompt, or steps of a walk; 1, or 8 for a walk, unless given.
        seed: Picture j of prompt p has seed `seed + p * n + j`; a random one unless given.
        options: The model's options by name.
        conditions: Values of the model's other conditioners by name.
        interpolate: Two seeds to walk between, or "inputs" to walk between the two inputs.
        inputs: Paths of pictures to reconstruct, or to walk between.
        device: Where to compute: "cpu", "cuda", "mps".
        threads: CPU threads; what measures best for the model's size unless given.
        batch: Pictures made at a time.
    """

    n: int | None
    seed: int | None
    options: Mapping[str, object] | None
    conditions: Mapping[str, str] | None
    interpolate: tuple[int, int] | Literal["inputs"] | None
    inputs: Sequence[Path]
    device: str
    threads: int | None
    batch: int


class Zoo(Protocol):
    """The registry, as a command's `ctx.obj`."""

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models whose plugins are sound."""
        ...

    def card(self, name: str) -> ModelCard:
        """The card of a model, by any reference that `load` takes.

        Raises:
            UsageError: No such model, or several; names the choices.
            WeightsError: Not a model file.
        """
        ...

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo.

        Raises:
            UsageError: Neither a file nor a model with a recipe.
            ConfigError: Not a well-formed recipe.
        """
        ...

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        """Read a dataset into memory.

        Args:
            recipe: What to read, and as what shape.
            folder: A folder that holds it, itself or in a folder of its name: parquet files as
                on the Hub, or images, in folders by label or not. None for the Hub.

        Raises:
            DataError: It is not there or cannot be read; says what to do.
        """
        ...

    def build(self, spec: ModelSpec, *, training: bool = False) -> Built:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            WeightsError: A part's weights cannot be loaded.
        """
        ...

    def component(self, kind: str, name: str, config: Mapping[str, object]) -> Any:
        """Build a component on its own, with no conditioners and no parts.

        Args:
            kind: Its kind ("noiser", "sampler", …).
            name: `distribution/name`, or a bare name while it is unique.
            config: Its config, as plain data.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            PluginError: It is not what its kind says.
        """
        ...

    def plugins(self, name: str | None = None) -> tuple[InstalledPlugin, ...]:
        """The plugins that are installed, sound or not. Runs none of their code.

        Args:
            name: The name of a distribution, or of a plugin; None for all.

        Raises:
            UsageError: No plugin is called that, nor its distribution.
        """
        ...

    def verify(self, plugin: InstalledPlugin) -> Verification:
        """Import a plugin and all that it names in a fresh process."""
        ...

    def weights(self, reference: str) -> WeightsFile:
        """The file with a model's weights, which is fetched where it is not on this machine.

        Args:
            reference: As in `load`.

        Returns:
            The file with the sha256 that it has, which is the one that was promised.

        Raises:
            IntegrityError: It is not the file that was promised.
            GenzooError: A clear one for each other thing that can be wrong.
        """
        ...

    def load(self, reference: str, *, device: str = "cpu") -> Built:
        """Load a model in evaluation mode.

        Args:
            reference: A bare name, `distribution/name`, the path of a model file, or a reference
                that a plugin knows how to fetch ("hf://owner/repo").
            device: Where its tensors go.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        ...

    def resolve(
        self, model: str, prompts: Sequence[str] = (), **request: Unpack[PictureRequest]
    ) -> RunRecord:
        """What `generate` would do: the record of a run, without the run.

        Raises:
            GenzooError: As `generate`.
        """
        ...

    def generate(
        self,
        model: str,
        prompts: Sequence[str] = (),
        *,
        on_progress: Callable[[float, int], None] | None = None,
        **request: Unpack[PictureRequest],
    ) -> Pictures:
        """Make pictures with a model, as `genzoo run` does.

        Args:
            model: A name, or the path of a model file.
            prompts: Read by the model's first conditioner; none for what it makes unasked.
            on_progress: Told how many of how many pictures are made.
            request: What else is asked.

        Raises:
            UsageError: Something asked for is not among the valid choices; names those.
            NotFittedError: The model has nothing to sample from.
            GenzooError: A clear one for each other thing that can be wrong.
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

    def cache(self, name: str) -> Path | None:
        """A folder of the user's cache for a plugin's own use.

        What lies there may be gone at the next call; it is made where it is not there.

        Args:
            name: One word, unique to the plugin.

        Returns:
            The folder; None where there is no cache, or it cannot be written to.
        """
        ...

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning."""
        ...
