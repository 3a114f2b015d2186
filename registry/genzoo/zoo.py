"""The registry: what is installed, and all that can be done with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import genzoo_core.zoo
from genzoo.models.find import card_of, find
from genzoo.models.formats import ModelFolder
from genzoo.models.weights import (
    Found,
    as_added,
    check_digest,
    file_in_package,
    has_scheme,
    weights_of,
)
from genzoo.plugins.guard import load_target
from genzoo.plugins.names import choices
from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.plugin import Model, Plugin, Verification
from genzoo_core.weights import WeightsFile

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue
    from genzoo.run.tasks.task import Plan
    from genzoo_core.cards import ModelCard
    from genzoo_core.dataset import Dataset, Row, Stream
    from genzoo_core.model import OnStep
    from genzoo_core.pictures import Latents, Pictures
    from genzoo_core.recipe import DataRecipe, Recipe
    from genzoo_core.request import Offload, Precision, Record, Request
    from genzoo_core.specs import ModelSpec
    from genzoo_core.templates import Template
    from genzoo_core.zoo import Opened, Option, Part


class Zoo(genzoo_core.zoo.Zoo):
    """`genzoo_core.Zoo`, which documents its methods, over a catalogue.

    Imports torch once a module is needed.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        catalogue.make_zoo = lambda _: self

    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(model.card for model in self.catalogue.models)

    def models(self) -> tuple[Model, ...]:
        return self.catalogue.models

    def card(self, name: str) -> ModelCard:
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
        # Found before torch is imported: a wrong name is an error at once.
        found = reference
        if not isinstance(found, Model | WeightsFile | ModelFolder):
            found = self.fetch(found, variant)
        from genzoo.models.loaded import remember
        from genzoo.models.open import open_model
        from genzoo.models.precision import check_precision
        from genzoo_core.devices import find_device

        device = find_device(device)
        check_precision(precision, device)
        return remember(open_model(self.catalogue, found, device, precision, offload))

    def build(self, spec: ModelSpec, *, training: bool = False) -> Opened:
        from genzoo.models.open import build_fresh

        return build_fresh(self.catalogue, spec, training=training)

    def component(self, kind: str, name: str, config: Mapping[str, object]) -> Any:
        from genzoo.models.build import BuildContext

        return BuildContext(self.catalogue).component(kind, name, config)

    def recipe(self, reference: str) -> Recipe:
        from genzoo.models.recipes import read_recipe

        if reference.endswith(".toml"):
            return read_recipe(Path(reference))
        model = self.catalogue.find_model(reference)
        recipe = model.card.recipe
        if not recipe:
            raise UsageError(f"{model.name} has no recipe", "name a TOML file with one")
        return read_recipe(file_in_package(model.plugin, recipe, f"recipe of {model.name}"))

    @property
    def templates(self) -> tuple[str, ...]:
        return tuple(choices(self.catalogue.recipes))

    def template(self, name: str) -> Template:
        found = self.catalogue.find_recipe(name)
        template: Template = load_target(found.plugin, found.entry.target)
        return template

    def template_parts(self, name: str) -> Mapping[str, str]:
        return self.catalogue.find_recipe(name).entry.parts

    def add(self, reference: str, *, name: str | None = None) -> ModelCard:
        from genzoo.models.adding import add_model

        return add_model(self.catalogue, reference, name=name)

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        from genzoo.files.datasets import read_dataset
        from genzoo.plugins.guard import warn

        return read_dataset(recipe, folder, warn)

    def stream(self, recipe: DataRecipe) -> Stream:
        from genzoo.files.streams import HubStream

        return HubStream(recipe)

    def rows(self, recipe: DataRecipe, folder: Path | None = None) -> Iterator[Row]:
        from genzoo.files.datasets import read_rows
        from genzoo.plugins.guard import warn

        return read_rows(recipe, folder, warn)

    def splits(self, folder: Path) -> tuple[str, ...]:
        from genzoo.files.splits import splits_in

        return splits_in(folder)

    def options(self, opened: Opened) -> tuple[Option, ...]:
        from genzoo.run.option_list import options_in
        from genzoo_core.model import GenerativeModel

        module = opened.module
        if not isinstance(module, GenerativeModel):
            return ()
        return options_in(self.catalogue, module.Options, opened.spec)

    def plan(self, request: Request, opened: Opened | None = None, like: Any = None) -> Plan:
        from genzoo.run.plan import plan

        return plan(request, self, opened, like)

    def resolve(self, request: Request, opened: Opened | None = None) -> Record:
        from genzoo.run.plan import resolve

        return resolve(request, self, opened).record

    def generate(
        self,
        request: Request,
        *,
        opened: Opened | None = None,
        keep_frames: bool = False,
        on_progress: Callable[[float, int], None] | None = None,
    ) -> Pictures:
        """As `genzoo_core.Zoo.generate`; see `genzoo.generate` for `keep_frames`.

        Raises:
            RunInterrupted: Ctrl-C; holds what was finished.
        """
        from genzoo.run.make import make

        plan = self.plan(request, opened)
        return make(plan, self, keep_frames=keep_frames, on_progress=on_progress)

    def make_together(self, parts: Sequence[Part], on_step: OnStep | None = None) -> list[Pictures]:
        from genzoo.run.together import make_together

        plans: Any = [(part.plan, part.start, part.stop) for part in parts]  # ours, by `plan`
        return [replace(each, zoo=self) for each in make_together(plans, on_step)]

    def encode(self, request: Request, opened: Opened | None = None) -> Latents:
        from genzoo.run.tasks.encode import make_latents

        return replace(make_latents(self.plan(request, opened)), zoo=self)

    def write(
        self, path: str | os.PathLike[str], made: Pictures | Latents, *, force: bool = False
    ) -> Path:
        from genzoo.run.outputs import destination
        from genzoo_core.pictures import Latents

        if not isinstance(path, str | os.PathLike) or not isinstance(where := os.fspath(path), str):
            raise UsageError(f"cannot write to {quoted(path)}", "give a path as text")
        where = os.path.expanduser(where)
        if isinstance(made, Latents):
            return destination.write_latents(destination.choose_latents(where, force=True), made)
        force = force or os.path.isfile(where)
        try:
            chosen = destination.choose(where, force=force, catalogue=self.catalogue)
        except UsageError as error:
            hint = error.hint and error.hint.replace("--force", "force=True")
            raise UsageError(error.message, hint) from None
        if chosen.format == "gif" and not made.frames and made.record.interpolate is None:
            hint = "`generate` with keep_frames=True keeps them, of a model that samples in steps"
            raise UsageError("these pictures have no frames to animate", hint)
        return destination.write(chosen, [made], self)

    def grid_png(self, pictures: Pictures) -> bytes:
        from genzoo.run.outputs.images import grid_png

        return grid_png(pictures)

    def png(self, pictures: Pictures) -> list[bytes]:
        from genzoo.run.outputs.images import single_pngs

        return [png for _, png in single_pngs(pictures)]

    def read_record(self, data: bytes) -> Record:
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
        self,
        path: str | os.PathLike[str],
        spec: ModelSpec,
        tensors: Mapping[str, Tensor],
        card: ModelCard,
        *,
        modelspec: bool = True,
    ) -> ModelCard:
        from genzoo.models.save import save_model

        return save_model(self.catalogue, Path(path), spec, tensors, card, modelspec=modelspec)

    def plugins(self, name: str | None = None) -> tuple[Plugin, ...]:
        return self.catalogue.plugins if name is None else self.catalogue.find_plugins(name)

    def verify(self, plugin: Plugin) -> Verification:
        from genzoo.models.verify import verify_plugin

        return verify_plugin(plugin)

    def cache(self, name: str) -> Path | None:
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
        from genzoo.files.folders import config_folder

        return config_folder()

    def call_hook(self, name: str, **arguments: object) -> list[Any]:
        return self.catalogue.call_hook(name, **arguments)
