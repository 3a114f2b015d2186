"""Which subjects of an evaluation are pictures, by their names. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from genzoo_core.errors import UsageError
from genzoo_core.picture_files import picture_suffixes
from genzoo_core.zoo import Zoo

LAYOUT = "uint8 [N, H, W, C]"
"""How pictures lie in an .npz file."""


def are_pictures(zoo: Zoo, subject: str) -> bool:
    """Whether a subject is an .npz file or a folder of pictures, and not a model.

    A model of the same name as a folder is the model; a folder with a model file in it, or in a
    format of others, is none of pictures, whatever else a training left there.

    Raises:
        UsageError: It is a file of pictures, but of a kind that cannot be measured.
    """
    path = Path(subject)
    suffix = path.suffix.lower()
    if suffix in (".npy", *picture_suffixes()):
        raise UsageError(
            f"{subject} cannot be measured: give an .npz file or a folder of pictures",
            f"`images` in the file are {LAYOUT}",
        )
    if suffix == ".npz":
        return True
    if not path.is_dir() or any(path.glob("*.safetensors")):
        return False
    manifests = [plugin.manifest for plugin in zoo.plugins() if plugin.manifest is not None]
    formats = [each for manifest in manifests for each in manifest.formats]
    markers = [each.markers for each in formats if each.markers]
    if any(all((path / marker).is_file() for marker in each) for each in markers):
        return False
    return all(card.name != path.name for card in zoo.cards())
