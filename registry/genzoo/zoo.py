"""The registry: what is installed, and all that can be done with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from genzoo.models.find import (
    Found,
    as_added,
    card_of,
    check_digest,
    file_in_package,
    find,
    has_scheme,
    weights_of,
)
from genzoo.models.formats import ModelFolder
from genzoo_core.errors import UsageError
from genzoo_core.plugin import Model, Plugin, Verification
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.cards import ModelCard
    from genzoo_core.dataset import Dataset
    from genzoo_core.model import OnStep
    from genzoo_core.pictures import Latents, Pictures
    from genzoo_core.recipe import DataRecipe, Recipe
    from genzoo_core.request import Offload, Precision, Record, Request
    from genzoo_core.specs import ModelSpec
    from genzoo_core.zoo import Opened, Option, Part, Plan


class Zoo:
    """`genzoo_core.Zoo`, which says more of each method, over a catalogue.

    Imports torch once a module is asked for.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models whose plugins are sound, and of those that the user added."""
        return tuple(model.card for model in self.catalogue.models)

    def models(self) -> tuple[Model, ...]:
        """Those models, each with its plugin, in alphabetical order."""
        return self.catalogue.models

    def card(self, name: str) -> ModelCard:
        """The card of a model, by any reference that `open` takes."""
        return card_of(self.find(name))

    def find(self, reference: str | os.PathLike[str], variant: str = "") -> Found:
        """What a reference means; see `genzoo.models.find.find`."""
        return find(self.catalogue, reference, variant)

    def fetch(self, reference: str | os.PathLike[str], variant: str = "") -> Found:
        """As `find`; the weights of a model in the list are on this machine then, too."""
        found = self.find(reference, variant)
        if isinstance(found, Model) and has_scheme(found.card.weights):
            weights_of(self.catalogue, found)
        return found

    def weights(self, reference: str) -> WeightsFile:
        """The file with a model's weights, on this machine, which is the one that was promised."""
        found = self.find(reference)
        weights = weights_of(self.catalogue, found)
        with as_added(found):
            return check_digest(weights)

    def open(
        self,
        reference: str | os.PathLike[str] | Found,
        *,
        device: str = "cpu",
        variant: str = "",
        precision: Precision = "auto",
        offload: Offload = "",
    ) -> Opened:
        """Load a model, by a reference or what `find` found, in evaluation mode."""
        # Found before torch is imported: a wrong name is an error at once.
        found = reference
        if not isinstance(found, Model | WeightsFile | ModelFolder):
            found = self.fetch(found, variant)
        from genzoo.models.open import open_model

        return open_model(self.catalogue, found, device, precision, offload)

    def build(self, spec: ModelSpec, *, training: bool = False) -> Opened:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen."""
        from genzoo.models.open import build_fresh

        return build_fresh(self.catalogue, spec, training=training)

    def component(self, kind: str, name: str, config: Mapping[str, object]) -> Any:
        """Build a component on its own, with no conditioners and no parts."""
        from genzoo.models.build import BuildContext

        return BuildContext(self.catalogue).component(kind, name, config)

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo."""
        from genzoo.models.recipes import read_recipe

        if reference.endswith(".toml"):
            return read_recipe(Path(reference))
        model = self.catalogue.find_model(reference)
        recipe = model.card.recipe
        if not recipe:
            raise UsageError(f"{model.name} has no recipe", "name a TOML file with one")
        return read_recipe(file_in_package(model.plugin, recipe, f"recipe of {model.name}"))

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        """Read a dataset into memory."""
        from genzoo.files.datasets import read_dataset
        from genzoo.plugins.guard import warn

        return read_dataset(recipe, folder, warn)

    def options(self, opened: Opened) -> tuple[Option, ...]:
        """The options of a model that is open."""
        from genzoo.run.option_list import options_in
        from genzoo_core.model import GenerativeModel

        module = opened.module
        if not isinstance(module, GenerativeModel):
            return ()
        return options_in(self.catalogue, module.Options, opened.spec)

    def resolve(self, request: Request) -> Record:
        """What `generate` would do: the record of a run, without the run."""
        from genzoo.run.plan import plan

        return plan(request, self).record

    def generate(
        self,
        request: Request,
        *,
        opened: Opened | None = None,
        keep_frames: bool = False,
        on_progress: Callable[[float, int], None] | None = None,
    ) -> Pictures:
        """Make pictures with a model.

        Args:
            request: What is asked.
            opened: The model, where it is open already.
            keep_frames: Keep the pictures on the way of a model that samples in steps.
            on_progress: Called with how many of how many pictures are made.

        Raises:
            RunInterrupted: Ctrl-C; holds what was finished.
        """
        from genzoo.run.make import make
        from genzoo.run.plan import plan

        planned = plan(request, self, opened)
        return make(planned, self, keep_frames=keep_frames, on_progress=on_progress)

    def plan(self, request: Request, opened: Opened, like: Any = None) -> Plan:
        """What `generate` would make with a model that is open."""
        from genzoo.run.plan import plan

        return plan(request, self, opened, like)

    def make_together(self, parts: Sequence[Part], on_step: OnStep | None = None) -> list[Pictures]:
        """Pictures of several plans of one group, made in one batch."""
        from genzoo.run.together import make_together

        plans: Any = [(part.plan, part.start, part.stop) for part in parts]  # ours, by `plan`
        return make_together(plans, on_step)

    def encode(self, request: Request, opened: Opened | None = None) -> Latents:
        """The latents of a request's inputs."""
        from genzoo.run.plan import plan
        from genzoo.run.tasks.encode import make_latents

        return make_latents(plan(request, self, opened))

    def png(self, pictures: Pictures) -> list[bytes]:
        """Each picture as a PNG, with the record that makes it alone."""
        from genzoo.run.outputs.images import single_pngs

        return list(single_pngs(pictures))

    def read_record(self, data: bytes) -> Record:
        """The record in a file that genzoo wrote, from the file's bytes."""
        from genzoo.run.outputs.reading import read

        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            try:
                return read(Path(file.name))[0].record
            except UsageError as error:
                message = error.message.replace(file.name, "the file")
                raise UsageError(message, error.hint) from error

    def save(
        self, path: Path, spec: ModelSpec, tensors: Mapping[str, Tensor], card: ModelCard
    ) -> ModelCard:
        """Write a model file, atomically."""
        from genzoo.models.save import save_model

        return save_model(self.catalogue, path, spec, tensors, card)

    def plugins(self, name: str | None = None) -> tuple[Plugin, ...]:
        """The plugins that are installed; those of a distribution, or of that name."""
        return self.catalogue.plugins if name is None else self.catalogue.find_plugins(name)

    def verify(self, plugin: Plugin) -> Verification:
        """Import a plugin and all that it names in a fresh process."""
        from genzoo.models.verify import verify_plugin

        return verify_plugin(plugin)

    def cache(self, name: str) -> Path | None:
        """A folder of the user's cache for a plugin's own use; None where there can be none."""
        from genzoo.files.folders import cache_folder

        if (base := cache_folder()) is None:
            return None
        folder = Path(base) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return folder if os.access(folder, os.W_OK) else None

    def config(self) -> Path:
        """The folder of what the user decided."""
        from genzoo.files.folders import config_folder

        return config_folder()

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning."""
        return self.catalogue.call_hook(name, **arguments)
