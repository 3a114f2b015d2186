"""How somebody's own pictures are read, to measure a model with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from genzoo_core.errors import UsageError
from genzoo_core.recipe import DataRecipe, folder_name
from genzoo_core.zoo import Zoo
from genzoo_data.api import Survey, find_data, propose, shape_text, survey
from genzoo_eval.cache import load_value, save_value
from genzoo_eval.datasets import OwnData, dataset_names, fingerprint
from genzoo_eval.external import shape_of
from genzoo_eval.own_nets import pictures_of
from genzoo_eval.settings import FEWEST

RECIPE = "recipe.toml"
"""What a training writes beside the model."""

USUAL_N = 1000
"""Images that are measured by default; of fewer training images, as many as these."""

Tell = Callable[[str], None]
Shape = tuple[int, int, int]


def of_model(
    zoo: Zoo,
    model: str,
    folder: Path | None,
    columns: Mapping[str, str],
    tell: Tell,
    *,
    explicit: bool = True,
) -> OwnData | None:
    """The pictures in a folder, read in the shape of a model's; None where the folder, if there is
    one, holds the dataset on the model's card.

    Args:
        zoo: Reads them.
        model: Where a recipe lies beside its file, and is of this folder, they are read as that
            says: those that were set aside in training are the test images.
        folder: Where they lie.
        columns: What they call the columns that recipes call otherwise.
        tell: Called with what is done, in a line.
        explicit: Whether this folder was named for this model.

    Raises:
        UsageError: The model does not say of which shape its pictures are, or they are grey and
            those in the folder in colour.
        DataError: The folder cannot be read.
    """
    card, names = zoo.card(model), dataset_names(zoo)
    if folder is None or (not card.dataset and _holds_datasets(folder, names)):
        return None
    inside = bool(card.dataset) and (folder / card.dataset).is_dir()
    if card.dataset in names and (inside or not explicit):
        return None
    folder = folder / card.dataset if inside else folder
    found = find_data(zoo, folder, columns=dict(columns))
    if not columns and (own := trained_on(zoo, model, folder)):
        return own
    shape = card.shape or getattr(zoo.open(model).module, "sample_shape", None)
    if shape is None:
        raise UsageError(f"{model} does not say of which shape its pictures are")
    if card.dataset in names:
        tell(
            f"{card.name} was trained on {card.dataset} and is measured with the pictures of "
            f"{folder}; if these are {card.dataset}, add --reference {card.dataset}"
        )
    return _own(zoo, found, folder, _survey(zoo, found, folder, tell), model, shape, tell)


def trained_on(zoo: Zoo, model: str, folder: Path) -> OwnData | None:
    """The pictures in a folder, as the recipe that `genzoo train FAMILY` wrote beside a model reads
    them; None where that is of other pictures, or there is none.

    They are the model's own also where the folder is called as a dataset that feature nets ship
    for.
    """
    recipe = _recipe_of(zoo, model)
    if recipe is None:
        return None
    places = (folder, folder / recipe.name)
    found = (each for each in places if folder_name(each.resolve().name) == recipe.name)
    place = next((each for each in found if each.is_dir()), None)
    return None if place is None else OwnData(zoo, recipe, place)


def of_pictures(
    zoo: Zoo, pictures: Path, folder: Path, columns: Mapping[str, str], tell: Tell
) -> OwnData:
    """Real pictures to measure others with, read in the shape of these: in colour if either are.

    Raises:
        UsageError: The pictures cannot be read, are grey and those in the folder in colour, or the
            folder holds datasets with names.
    """
    if _holds_datasets(folder, dataset_names(zoo)):
        raise UsageError("pictures do not say what to compare them with", "give --reference")
    found = find_data(zoo, folder, columns=dict(columns))
    looked = _survey(zoo, found, folder, tell)
    channels, height, width = shape_of(pictures)
    if pictures.is_dir() and looked.grey < looked.pictures:
        channels = 3
    return _own(zoo, found, folder, looked, str(pictures), (channels, height, width), tell)


def own_n(data: OwnData) -> int:
    """The default number of images: the floor needs as many training images."""
    return max(FEWEST, min(USUAL_N, pictures_of(data).count))


def _holds_datasets(folder: Path, names: tuple[str, ...]) -> bool:
    return any((folder / name).is_dir() for name in names)


def _recipe_of(zoo: Zoo, model: str) -> DataRecipe | None:
    """What a model was trained on, by the recipe that its training wrote beside it."""
    file = Path(model) if Path(model).is_file() else Path(zoo.card(model).weights or ".")
    path = file.parent / RECIPE
    if not file.is_file() or not path.is_file():
        return None
    recipe = zoo.recipe(str(path))
    return recipe.data if recipe.name == file.stem else None


def _survey(zoo: Zoo, data: DataRecipe, folder: Path, tell: Tell) -> Survey:
    """What is in a folder; cached, for it looks at every picture."""
    cache, name = zoo.cache("eval"), f"{fingerprint(OwnData(zoo, data, folder), None)}.survey"
    found = load_value(cache, name, Survey)
    if found is None:
        tell(f"looking at the pictures of {folder}")
        found = survey(zoo, data, folder, tell)
        save_value(cache, name, found)
    return found


def _own(
    zoo: Zoo, data: DataRecipe, folder: Path, found: Survey, name: str, shape: Shape, tell: Tell
) -> OwnData:
    """The pictures in a folder, fitted to the shape of those of `name`.

    Raises:
        UsageError: Most are in colour, and those are grey.
    """
    coloured = found.pictures - found.grey
    if shape[0] == 1 and 2 * coloured > found.pictures:
        raise UsageError(
            f"the pictures of {name} are grey, and {coloured:,} of {found.pictures:,} in {folder} "
            "are in colour",
            "compare it with grey ones, or these with a model in colour",
        )
    recipe = replace(propose(found, data).data, shape=shape)
    grey = ", in grey" if shape[0] == 1 and coloured else ""
    tell(f"the pictures of {folder} are fitted to {shape_text(found, recipe)}{grey}")
    return OwnData(zoo, recipe, folder)
