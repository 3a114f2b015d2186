"""The registry's answers to what a command can ask: cards, recipes, building, loading, saving."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.catalogue import Catalogue
    from genzoo.installed.records import ModelEntry
    from genzoo_core.cards import ModelCard
    from genzoo_core.dataset import Dataset
    from genzoo_core.pictures import Pictures, RunRecord
    from genzoo_core.recipe import DataRecipe, Recipe
    from genzoo_core.specs import ModelSpec
    from genzoo_core.weights import WeightsFile
    from genzoo_core.zoo import Built, InstalledPlugin, PictureRequest, Verification


@dataclass(frozen=True)
class Loaded:
    """A model that was loaded, and what it was loaded from.

    Attributes:
        built: The module in evaluation mode, its spec and its parts.
        name: `distribution/name`, the path of a model file, or the reference it was fetched by.
        sha256: Digest of the weights file.
        parts: sha256 of each part's weights file, by role.
        card: What is known of the model; for a file that says nothing, its name alone.
        distribution: Who ships the model; "" for a file that was given by path.
    """

    built: Built
    name: str
    sha256: str
    parts: Mapping[str, str]
    card: ModelCard
    distribution: str


class RegistryZoo:
    """`genzoo_core.Zoo` over a catalogue. Imports torch once a module is asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of all models whose plugins are sound."""
        return tuple(entry.card for entry in self.catalogue.models())

    def card(self, name: str) -> ModelCard:
        """The card of a model, by bare name, `distribution/name` or the path of a model file."""
        from genzoo.installed.records import ModelEntry

        found = self.find(name)
        if isinstance(found, ModelEntry):
            return found.card
        from genzoo.models.describing import describe_file

        card = describe_file(self.catalogue, found).card
        assert card is not None  # a file without a card is given one
        return card

    def weights(self, reference: str) -> WeightsFile:
        """The file with a model's weights, on this machine; see `genzoo_core.Zoo.weights`."""
        from genzoo.installed.records import ModelEntry
        from genzoo.models.sources import check_digest, resolve_weights

        found = self.find(reference)
        if isinstance(found, ModelEntry):
            found = resolve_weights(found, self.call_hook)
        return check_digest(found)

    def recipe(self, reference: str) -> Recipe:
        """The recipe in a TOML file, or that of a model of the zoo."""
        from genzoo.models.recipes import read_recipe
        from genzoo.models.sources import file_in_package

        if reference.endswith(".toml"):
            return read_recipe(Path(reference))
        entry = self.catalogue.find_model(reference)
        if not entry.card.recipe:
            raise UsageError(f"{entry.name} has no recipe", "name a TOML file with one")
        file = file_in_package(entry.plugin, entry.card.recipe, f"recipe of {entry.name}")
        return read_recipe(file)

    def dataset(self, recipe: DataRecipe, folder: Path | None = None) -> Dataset:
        """Read a dataset into memory; see `genzoo_core.Zoo.dataset`."""
        from genzoo.datasets.reading import read_dataset

        return read_dataset(recipe, folder)

    def build(self, spec: ModelSpec, *, training: bool = False) -> Built:
        """Build a module with fresh weights on the CPU; its parts are loaded and frozen."""
        from genzoo.models.loading import build_fresh

        return build_fresh(self.catalogue, spec, training=training)

    def component(self, kind: str, name: str, config: Mapping[str, Any]) -> Any:
        """Build a component on its own; see `genzoo_core.Zoo.component`."""
        from genzoo.models.building import build_component

        return build_component(self.catalogue, kind, name, config)

    def plugins(self, name: str | None = None) -> tuple[InstalledPlugin, ...]:
        """The plugins that are installed; see `genzoo_core.Zoo.plugins`."""
        from genzoo.installed.telling import installed_plugins

        return installed_plugins(self.catalogue, name)

    def verify(self, plugin: InstalledPlugin) -> Verification:
        """Import a plugin in a fresh process; see `genzoo_core.Zoo.verify`."""
        from genzoo.installed.checking import check_plugin
        from genzoo.installed.telling import record_of
        from genzoo_core.zoo import Verification

        report = check_plugin(record_of(self.catalogue, plugin))
        return Verification((*report.problems, *report.remarks), report.importable)

    def load(self, reference: str | os.PathLike[str], *, device: str = "cpu") -> Built:
        """Load a model by name or from a model file, in evaluation mode."""
        return self.open(reference, device=device).built

    def open(
        self,
        reference: str | os.PathLike[str] | ModelEntry | WeightsFile,
        *,
        device: str = "cpu",
        download: bool = True,
    ) -> Loaded:
        """Load a model, and say what it was loaded from.

        Args:
            reference: `distribution/name`, a bare name while it is unique, a path, or
                "scheme://…" where a plugin knows it; or what `find` or `fetch` gave.
            device: Where the module goes, in torch's spelling.
            download: Whether to fetch what is not on this machine.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        from genzoo.installed.records import ModelEntry
        from genzoo_core.weights import WeightsFile

        # Found before torch is imported: a wrong name is told at once.
        if isinstance(reference, ModelEntry | WeightsFile):
            found = reference
        else:
            found = self.fetch(reference, download=download)
        from genzoo.models.loading import load_entry, load_file

        if isinstance(found, ModelEntry):
            return load_entry(self.catalogue, found, device, download=download)
        return load_file(self.catalogue, found, device, download=download)

    def fetch(
        self, reference: str | os.PathLike[str], *, download: bool = True
    ) -> ModelEntry | WeightsFile:
        """As `find`; a model's weights are on this machine then, too."""
        from genzoo.installed.records import ModelEntry
        from genzoo.models.sources import has_scheme, resolve_weights

        found = self.find(reference, download=download)
        if isinstance(found, ModelEntry) and has_scheme(found.card.weights):
            resolve_weights(found, self.call_hook, download=download)
        return found

    def find(
        self, reference: str | os.PathLike[str], *, download: bool = True
    ) -> ModelEntry | WeightsFile:
        """What a reference means: a model of the zoo, or a model file.

        Args:
            reference: A name, a path, or "scheme://…", which is fetched.
            download: Whether to fetch what is not on this machine.

        Raises:
            UsageError: No such model, or several; names the choices.
            PluginError: The plugin that would own it is broken.
            GenzooError: What a plugin says that was to fetch it.
        """
        from genzoo.models.sources import has_scheme, is_path, model_file, resolve_reference
        from genzoo_core.weights import WeightsFile

        if has_scheme(reference := _as_text(reference)):
            return resolve_reference(reference, self.call_hook, download=download)
        if is_path(reference):
            return WeightsFile(model_file(reference))
        try:
            return self.catalogue.find_model(reference)
        except UsageError:
            if os.path.isfile(reference):  # unlike Path's, for names of any length
                return WeightsFile(Path(reference))
            raise

    def resolve(
        self, model: str, prompts: Sequence[str] = (), **request: Unpack[PictureRequest]
    ) -> RunRecord:
        """What `generate` would do; see `genzoo_core.Zoo.resolve`."""
        from genzoo.pictures.generating import plan_pictures

        return plan_pictures(model, prompts, zoo=self, **request).record

    def generate(
        self,
        model: str,
        prompts: Sequence[str] = (),
        *,
        on_progress: Callable[[float, int], None] | None = None,
        **request: Unpack[PictureRequest],
    ) -> Pictures:
        """Make pictures with a model; see `genzoo_core.Zoo.generate`."""
        from genzoo.pictures.generating import generate

        return generate(model, prompts, zoo=self, on_progress=on_progress, **request)

    def save(
        self, path: Path, spec: ModelSpec, tensors: Mapping[str, Tensor], card: ModelCard
    ) -> ModelCard:
        """Write a model file, atomically; see `genzoo_core.Zoo.save`."""
        from genzoo.models.saving import save_model

        return save_model(self.catalogue, path, spec, tensors, card)

    def cache(self, name: str) -> Path | None:
        """A folder of the user's cache for a plugin's own use; see `genzoo_core.Zoo.cache`."""
        from genzoo.installed.cache import cache_folder

        if (base := cache_folder()) is None:
            return None
        folder = Path(base) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return folder if os.access(folder, os.W_OK) else None

    def call_hook(self, name: str, **arguments: Any) -> list[Any]:
        """Call a hook's implementations one by one; one that fails is a warning."""
        return self.catalogue.call_hook(name, **arguments)


def _as_text(reference: object) -> str:
    """A name or a path as text; Python users give paths as `Path` too."""
    if isinstance(reference, os.PathLike):
        # `Path("mine")` means a file, though "mine" would mean a model.
        return os.path.join(os.curdir, os.fspath(reference))
    if not isinstance(reference, str):
        raise UsageError(f"{reference!r} names no model; give a name or a path")
    return reference
