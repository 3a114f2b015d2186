"""A folder as the registry shows one to a format, and ways to change one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from genzoo_core import WeightsError

PICKLES = (".bin", ".pt", ".ckpt", ".pkl")


def flatten(folder: Path) -> Path:
    """As repositories of 2022 are: the files of all components beside the index."""
    for part in [each for each in folder.iterdir() if each.is_dir()]:
        for file in part.iterdir():
            file.rename(folder / file.name)
        part.rmdir()
    return folder


def edit(file: Path, **changes: Any) -> None:
    """Change entries of a JSON file, or make it; `...` takes one out."""
    content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    content = {key: value for key, value in (content | changes).items() if value is not ...}
    file.write_text(json.dumps(content), encoding="utf-8")


class OnDisk:
    """A `Folder` of this machine, which remembers what was read.

    Args:
        path: Where it lies.
        variant: Which of several files of weights is wanted; "" for the plain one.
    """

    def __init__(self, path: Path, variant: str = "") -> None:
        every = sorted(each for each in path.rglob("*") if each.is_file())
        sizes = {each.relative_to(path).as_posix(): each.stat().st_size for each in every}
        self.path, self.name, self.variant = path.absolute(), str(path), variant
        self.scripts = [name for name in sizes if name.endswith(".py")]
        hidden = {*self.scripts, *(name for name in sizes if name.endswith(PICKLES))}
        self.files = {name: size for name, size in sizes.items() if name not in hidden}
        self.was_read: list[str] = []

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise WeightsError(f"{self.name} has no file {name!r}")
        self.was_read.append(name)
        return (self.path / name).read_bytes()

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.read(name))
        except ValueError as error:
            raise WeightsError(f"{name} of {self.name} is not JSON") from error

    def weights(self, stem: str = "model") -> Mapping[str, torch.Tensor]:
        raise NotImplementedError

    def local(self, names: Iterable[str]) -> Path:
        """Links to these files alone, in a folder beside it."""
        root = self.path.with_name(f"{self.path.name}-local")
        for name in names:
            assert name in self.files
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(self.path / name)
        return root
