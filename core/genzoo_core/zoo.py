"""The registry as a plugin's command sees it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from torch import Tensor, nn

    from genzoo_core.cards import ModelCard
    from genzoo_core.dataset import Dataset, Row, Stream
    from genzoo_core.model import OnStep
    from genzoo_core.pictures import Latents, Pictures
    from genzoo_core.plugin import Model, Plugin, Verification
    from genzoo_core.recipe import DataRecipe, Recipe
    from genzoo_core.request import Offload, Precision, Record, Request
    from genzoo_core.specs import ModelSpec
    from genzoo_core.templates import Template
    from genzoo_core.weights import WeightsFile


@dataclass(frozen=True, repr=False)
class Opened:
    """A module, with what it was built from and what was loaded into it.

    `genzoo.generate` and `genzoo.encode` take it in place of a name, and load nothing again.

    Attributes:
        module: A `GenerativeModel`, `Codec`, `Encoder` or `Conditioner`.
        spec: Its description with canonical names and the parts' sha256.
        parts: The frozen shared modules by role.
        sha256: Digest of its weights file, or of the files that were read of a folder; "" for fresh
            weights.
        content: Digest of its description, its tensors as they are stored, and its parts: the same
            in every file that holds them, whatever its card. "" for fresh weights, and for what a
            format of others built.
        files: sha256 of each file that was read of a folder in a format of others, by name.
        format: Full name of that format; "" for a file of genzoo's.
        model: The model in the list, or the model file; None for fresh weights.
        precision: What it computes in, never "auto".
        device: Where it was put to compute.
        offload: What of it waits on the CPU meanwhile.
    """

    module: nn.Module
    spec: ModelSpec
    parts: Mapping[str, nn.Module] = field(default_factory=dict)
    sha256: str = ""
    content: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    model: Model | None = None
    precision: Precision = "fp32"
    device: str = "cpu"
    offload: Offload = ""

    def __repr__(self) -> str:
        return f"<{self.spec.kind} {self.name}: {type(self.module).__name__} on {self.device}>"

    @property
    def name(self) -> str:
        """The model's name, or that of the component where there are no weights."""
        return self.model.name if self.model else self.spec.component

    def own_modules(self) -> dict[str, nn.Module]:
        """Submodules by name, without those of the shared parts."""
        shared = {id(m) for part in self.parts.values() for m in part.modules()}
        return {name: m for name, m in self.module.named_modules() if id(m) not in shared}

    def own_tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, without those of the shared parts.

        Writing into one changes the module. One with several names is listed under the first.
        """
        names: dict[Tensor, str] = {}
        for prefix, module in self.own_modules().items():
            dot = f"{prefix}." if prefix else ""
            own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
            for name, tensor in own:
                names.setdefault(tensor, dot + name)
        return {name: tensor.detach() for tensor, name in names.items()}


class Plan(Protocol):
    """A request that was checked with its open model, for `Zoo.make_together`.

    Attributes:
        record: The request, filled in.
        count: Pictures in all.
        group: Plans of the same one may share a batch, whatever their prompts, seeds and inputs.
            None for a plan that only `Zoo.generate` can carry out.
        notes: Messages for the user, such as how inputs were converted.
    """

    @property
    def record(self) -> Record: ...
    @property
    def count(self) -> int: ...
    @property
    def group(self) -> Hashable: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Option:
    """An option of a model, as `--set NAME=VALUE` sets it.

    Attributes:
        name: Its name, after `--set`; of a component with a dot: "sampler.eta".
        type: What it takes, in words: "a number from 0 to 2".
        choices: All values where they can be counted, or ().
        of: The component that has it, where the model only chooses that: "ddim" has `sampler.eta`.
        resolved: What is taken where it is left out: `default` or, where that is None, what the
            model's config says; None where it says nothing.
        meaning: What it is for: the first sentence that its class says of it under "Attributes:".
    """

    name: str
    type: str
    choices: tuple[object, ...]
    default: Any
    required: bool
    of: str = ""
    resolved: Any = None
    meaning: str = ""


@dataclass(frozen=True)
class Part:
    """Pictures `start` to `stop` of a plan."""

    plan: Plan
    start: int
    stop: int


class Zoo(Protocol):
    """The registry, as a command's `ctx.obj`, a hook's `zoo` and `genzoo.open_zoo()`."""

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models of sound plugins, and of those that the user added."""

    def models(self) -> tuple[Model, ...]:
        """The same models, each with its plugin, in alphabetical order."""

    def card(self, name: str) -> ModelCard:
        """The card of a model.

        Args:
            name: Any reference that `open` takes.

        Raises:
            UsageError: No such model, or several; names the choices.
            WeightsError: Not a model file.
        """

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo.

        Args:
            reference: The path of a file that ends in ".toml", or the name of a model.

        Raises:
            UsageError: Neither a file nor a model with a recipe.
            ConfigError: Not a well-formed recipe.
        """

    @property
    def templates(self) -> tuple[str, ...]:
        """Names of the recipe templates that plugins bring."""
        ...

    def template(self, name: str) -> Template:
        """A recipe template, for `genzoo train FAMILY`.

        Args:
            name: One of `templates`.

        Raises:
            UsageError: There is none of this name, or there are several.
        """
        ...

    def template_parts(self, name: str) -> Mapping[str, str]:
        """Templates whose models are parts of a template's model, by role.

        Args:
            name: One of `templates`.

        Raises:
            UsageError: There is no template of this name, or there are several.
        """
        ...

    def add(self, reference: str, *, name: str | None = None) -> ModelCard:
        """Put a model into the user's own list, as `genzoo add` does.

        Args:
            reference: A model file, a folder, or "scheme://…".
            name: Its name in the list; by default that in its card.

        Returns:
            Its card, as it is in the list.

        Raises:
            UsageError: It is no model, or the name is taken.
        """
        ...

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        """Read a dataset into memory; what is left out of a folder is a warning.

        Args:
            recipe: Which data, and how pictures are made of them.
            folder: Holds the dataset, itself or in a folder of its name: parquet files as on the
                Hub, or images, in folders by label or not. None for the Hub.

        Returns:
            Pictures uint8 `[N, C, H, W]`, and the other columns.

        Raises:
            DataError: It is not there or cannot be read; says what to do.
        """

    def stream(self, recipe: DataRecipe) -> Stream:
        """A dataset of the Hub that is read as it is needed.

        Args:
            recipe: Which data, with `stream`.

        Raises:
            DataError: As for `dataset`.
        """
        ...

    def rows(self, recipe: DataRecipe, folder: Path | None = None) -> Iterator[Row]:
        """The rows of a dataset one by one, with pictures that are not decoded.

        Args:
            recipe: As for `dataset`.
            folder: As for `dataset`.

        Raises:
            DataError: As for `dataset`.
        """
        ...

    def splits(self, folder: Path) -> tuple[str, ...]:
        """Names of the splits of a dataset, or "train" alone.

        Args:
            folder: The folder of the dataset.

        Raises:
            DataError: As for `dataset`.
        """
        ...

    def build(self, spec: ModelSpec, *, training: bool = False) -> Opened:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen.

        Args:
            spec: What to build.
            training: Whether it will be trained: what only that needs is built, too.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            WeightsError: A part's weights cannot be loaded.
        """

    def component(self, kind: str, name: str, config: Mapping[str, object]) -> Any:
        """Build a component by itself, without conditioners and parts.

        Args:
            kind: Its kind ("conditioner", "noiser", …).
            name: `distribution/name`, or a bare name while it is unique.
            config: Its config, as plain data.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            PluginError: It is not what its kind says.
        """

    def plugins(self, name: str | None = None) -> tuple[Plugin, ...]:
        """The plugins that are installed, sound or not. None of their code is run.

        Args:
            name: Only those of this name, or of this distribution; None for all.

        Raises:
            UsageError: No plugin and no distribution has the name.
        """

    def verify(self, plugin: Plugin) -> Verification:
        """Import a plugin and all that it names in a fresh process.

        Args:
            plugin: A sound one of `plugins`.
        """

    def weights(self, reference: str) -> WeightsFile:
        """The file with a model's weights and its sha256, fetched where it is not here.

        Args:
            reference: As for `open`, but no folder.

        Raises:
            IntegrityError: It has another digest than the model's card says.
            GenzooError: Anything else is wrong.
        """

    def open(
        self,
        reference: str | PathLike[str],
        *,
        device: str = "cpu",
        variant: str = "",
        precision: Precision = "auto",
        offload: Offload = "",
    ) -> Opened:
        """Load a model in evaluation mode.

        Args:
            reference: A bare name, `distribution/name`, the path of a model file or of a folder in
                a format that a plugin reads, or a reference that a plugin knows how to fetch
                ("hf://owner/repo").
            device: As in a `Request`.
            variant: As in a `Request`.
            precision: As in a `Request`.
            offload: As in a `Request`.

        Raises:
            GenzooError: It cannot be loaded; says why.
        """

    def options(self, opened: Opened) -> tuple[Option, ...]:
        """The options of a model, as `genzoo info` lists them.

        Args:
            opened: The model, which is open.
        """

    def resolve(self, request: Request, opened: Opened | None = None) -> Record:
        """The record of a run, without the run, also of a model with nothing to sample from.

        Args:
            request: What would be made.
            opened: The model, where it is open already.

        Raises:
            GenzooError: As for `generate`.
        """

    def generate(
        self,
        request: Request,
        *,
        opened: Opened | None = None,
        on_progress: Callable[[float, int], None] | None = None,
    ) -> Pictures:
        """Make pictures with a model, as `genzoo run` does.

        Args:
            request: What to make.
            opened: The model, where it is open already.
            on_progress: Called with how many of how many pictures are made.

        Returns:
            Pictures float32 `[N, C, H, W]` in [-1, 1], with their record and seeds.

        Raises:
            UsageError: A field is not among the valid choices; names those.
            NotFittedError: The model has nothing to sample from.
            GenzooError: Anything else is wrong.
        """

    def plan(self, request: Request, opened: Opened, like: Plan | None = None) -> Plan:
        """What `generate` would make with a model that is open.

        Args:
            request: What to make.
            opened: The model.
            like: The model's last plan, unless the module was moved or changed since: a request
                that differs from that one's in prompts, `n` and seed alone is planned faster with
                it.

        Raises:
            GenzooError: As for `generate`.
        """

    def make_together(self, parts: Sequence[Part], on_step: OnStep | None = None) -> list[Pictures]:
        """Pictures of several plans of one group, made in one batch.

        Args:
            parts: Which pictures of which plans.
            on_step: Gets the pictures of all parts so far.

        Returns:
            For each part what `generate` makes of its request, but for rounding. No hooks are
            called.

        Raises:
            GenzooError: The model fails, or memory runs out for a single picture.
        """

    def encode(self, request: Request, opened: Opened | None = None) -> Latents:
        """The latents of the inputs of a request with `encode`.

        Args:
            request: Which inputs.
            opened: The model, where it is open already.

        Raises:
            GenzooError: As for `generate`.
        """

    def write(
        self, path: str | PathLike[str], made: Pictures | Latents, *, force: bool = False
    ) -> Path:
        """Write pictures as `genzoo run -o PATH` does, and latents as `genzoo encode -o PATH`.

        Args:
            path: As for `Pictures.save` and `Latents.save`.
            made: The pictures or latents.
            force: As for `Pictures.save`.

        Returns:
            The file or the folder.

        Raises:
            UsageError: Unknown suffix, a folder that is not empty, or nothing to animate.
            GenzooError: It cannot be written.
        """
        ...

    def grid_png(self, pictures: Pictures) -> bytes:
        """All pictures as one PNG, with their record, as in a file.

        Args:
            pictures: The pictures, of 1 or 3 channels.
        """

    def png(self, pictures: Pictures) -> list[bytes]:
        """Each picture as a PNG, with the record that makes it alone, as in a folder.

        Args:
            pictures: The pictures, of 1 or 3 channels.
        """

    def read_record(self, data: bytes) -> Record:
        """The record in a file that genzoo wrote.

        Args:
            data: The file's bytes.

        Raises:
            UsageError: It holds none, or it cannot be read.
        """

    def save(
        self,
        path: str | PathLike[str],
        spec: ModelSpec,
        tensors: Mapping[str, Tensor],
        card: ModelCard,
        *,
        modelspec: bool = True,
    ) -> ModelCard:
        """Write a model file, atomically.

        Args:
            path: Where to; a file that is there is replaced.
            spec: What to build of it.
            tensors: What the module that is built for sampling holds, by name
                (`Opened.own_tensors`), in any dtype that a model file may have.
            card: What is said of it; its digest and sizes are filled in.
            modelspec: Whether its header has the keys of ModelSpec, which other programs read.

        Returns:
            The card with `sha256`, `size` and `parameters` filled in.

        Raises:
            ConfigError: The card is of another kind than the spec.
            WeightsError: The tensors are not those of the model, or the file cannot be written.
        """

    def cache(self, name: str) -> Path | None:
        """A folder in the user's cache for a plugin's own use.

        Args:
            name: One word, unique to the plugin.

        Returns:
            The folder, whose content may be gone at the next call; None where none can be written
            to.
        """

    def config(self) -> Path:
        """The folder of the user's configuration, which may not exist yet."""

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning.

        Args:
            name: The hook.
            arguments: Those of its specification but for `zoo`, which is this registry.

        Returns:
            What they return but for None; of a first-result hook at most one.

        Raises:
            GenzooError: Of a first-result hook, what one of them raised, where no other answered.
        """
