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
        type: What it takes, in words: "a number from 0 to 2".
        choices: All values where they can be counted, or ().
        of: The component that has it, where the model only chooses that: "ddim" has `sampler.eta`.
        resolved: What is taken where it is left out: `default` or, where that is None, what the
            model's config says; None where it says nothing.
    """

    name: str
    type: str
    choices: tuple[object, ...]
    default: Any
    required: bool
    of: str = ""
    resolved: Any = None


@dataclass(frozen=True)
class Part:
    """Pictures `start` to `stop` of a plan."""

    plan: Plan
    start: int
    stop: int


class Zoo(Protocol):
    """The registry, as a command's `ctx.obj`."""

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models of sound plugins, and of those that the user added."""

    def models(self) -> tuple[Model, ...]:
        """The same models, each with its plugin, in alphabetical order."""

    def card(self, name: str) -> ModelCard:
        """The card of a model, by any reference that `open` takes.

        Raises:
            UsageError: No such model, or several; names the choices.
            WeightsError: Not a model file.
        """

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo.

        Raises:
            UsageError: Neither a file nor a model with a recipe.
            ConfigError: Not a well-formed recipe.
        """

    @property
    def templates(self) -> tuple[str, ...]:
        """Names of the recipe templates that plugins bring."""
        ...

    def template(self, name: str) -> Template:
        """A recipe template by its name.

        Raises:
            UsageError: There is none of this name, or there are several.
        """
        ...

    def template_parts(self, name: str) -> Mapping[str, str]:
        """Templates whose models are parts of a template's model, by role.

        Raises:
            UsageError: There is no template of this name, or there are several.
        """
        ...

    def add(self, reference: str, *, name: str | None = None) -> ModelCard:
        """Put a model into the user's own list, as `genzoo add` does.

        `reference` is a model file, a folder, or "scheme://…"; `name` is by default that in its
        card.

        Raises:
            UsageError: It is no model, or the name is taken.
        """
        ...

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        """Read a dataset into memory; what is left out of a folder is a warning.

        `folder` holds the dataset, itself or in a folder of its name: parquet files as on the Hub,
        or images, in folders by label or not. None for the Hub.

        Raises:
            DataError: It is not there or cannot be read; says what to do.
        """

    def stream(self, recipe: DataRecipe) -> Stream:
        """A dataset of the Hub that is read as it is needed; raises as `dataset`."""
        ...

    def rows(self, recipe: DataRecipe, folder: Path | None = None) -> Iterator[Row]:
        """As `dataset`, its rows one by one, with pictures that are not decoded."""
        ...

    def splits(self, folder: Path) -> tuple[str, ...]:
        """Names of the splits of the dataset in a folder, or "train" alone; raises as `dataset`."""
        ...

    def build(self, spec: ModelSpec, *, training: bool = False) -> Opened:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            WeightsError: A part's weights cannot be loaded.
        """

    def component(self, kind: str, name: str, config: Mapping[str, object]) -> Any:
        """Build a component by itself, without conditioners and parts; see `Context.component`.

        Raises:
            ConfigError: An unknown component, or a config that is not of its type.
            PluginError: It is not what its kind says.
        """

    def plugins(self, name: str | None = None) -> tuple[Plugin, ...]:
        """The plugins that are installed, sound or not: all, or those of a name or distribution.

        None of their code is run.

        Raises:
            UsageError: No plugin and no distribution has the name.
        """

    def verify(self, plugin: Plugin) -> Verification:
        """Import a plugin and all that it names in a fresh process."""

    def weights(self, reference: str) -> WeightsFile:
        """The file with a model's weights and its sha256, fetched where it is not here.

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

        `reference` is a bare name, `distribution/name`, the path of a model file or of a folder in
        a format that a plugin reads, or a reference that a plugin knows how to fetch
        ("hf://owner/repo"). The rest is as in a `Request`.

        Raises:
            GenzooError: It cannot be loaded; says why.
        """

    def options(self, opened: Opened) -> tuple[Option, ...]:
        """The options of a model that is open, as `genzoo info` lists them."""

    def resolve(self, request: Request) -> Record:
        """The record of a run, without the run, also of a model with nothing to sample from."""

    def generate(
        self,
        request: Request,
        *,
        opened: Opened | None = None,
        on_progress: Callable[[float, int], None] | None = None,
    ) -> Pictures:
        """Make pictures with a model, or with `opened`, as `genzoo run` does.

        `on_progress` is called with how many of how many pictures are made.

        Raises:
            UsageError: A field is not among the valid choices; names those.
            NotFittedError: The model has nothing to sample from.
            GenzooError: Anything else is wrong.
        """

    def plan(self, request: Request, opened: Opened, like: Plan | None = None) -> Plan:
        """What `generate` would make with a model that is open; raises as that.

        `like` is the model's last plan, unless the module was moved or changed since: a request
        that differs from that one's in prompts, `n` and seed alone is planned faster with it.
        """

    def make_together(self, parts: Sequence[Part], on_step: OnStep | None = None) -> list[Pictures]:
        """Pictures of several plans of one group, made in one batch.

        Each is what `generate` makes of its request, but for rounding; no hooks are called.
        `on_step` gets the pictures of all parts so far.

        Raises:
            GenzooError: The model fails, or memory runs out for a single picture.
        """

    def encode(self, request: Request, opened: Opened | None = None) -> Latents:
        """The latents of the inputs of a request with `encode`. Raises as `generate`."""

    def write(
        self, path: str | PathLike[str], made: Pictures | Latents, *, force: bool = False
    ) -> Path:
        """Write pictures as `genzoo run -o PATH` does, and latents as `genzoo encode -o PATH`.

        `Pictures.save` describes the rest. Returns the file or the folder.

        Raises:
            UsageError: Unknown suffix, a folder that is not empty, or nothing to animate.
            GenzooError: It cannot be written.
        """
        ...

    def grid_png(self, pictures: Pictures) -> bytes:
        """All pictures as one PNG, with their record, as in a file."""

    def png(self, pictures: Pictures) -> list[bytes]:
        """Each picture as a PNG, with the record that makes it alone, as in a folder."""

    def read_record(self, data: bytes) -> Record:
        """The record in a file that genzoo wrote, from the file's bytes.

        Raises:
            UsageError: It holds none, or it cannot be read.
        """

    def save(
        self,
        path: Path,
        spec: ModelSpec,
        tensors: Mapping[str, Tensor],
        card: ModelCard,
        *,
        modelspec: bool = True,
    ) -> ModelCard:
        """Write a model file, atomically.

        `modelspec` adds to its header what other programs read: the keys of ModelSpec.

        Returns:
            The card with `sha256`, `size` and `parameters` filled in.
        """

    def cache(self, name: str) -> Path | None:
        """A folder in the user's cache for a plugin's own use; None where none can be written to.

        What lies there may be gone at the next call. `name` is one word, unique to the plugin.
        """

    def config(self) -> Path:
        """The folder of the user's configuration, which may not exist yet."""

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning.

        `arguments` are those of its specification but for `zoo`, which is this registry.
        """
