"""Checks of a folder in a foreign format, beside those of any model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from genzoo_core.errors import WeightsError
from genzoo_core.formats import Folder, Format
from genzoo_core.request import Precision
from genzoo_core.testing.plugins import load
from genzoo_core.testing.report import Recorder, SkipError, problem
from genzoo_core.zoo import Opened, Zoo

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class Cover:
    """A `Folder` on this machine that refuses to read its weights."""

    name: str
    variant: str = ""
    precision: Precision = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scripts(self) -> Sequence[str]:
        return [name for name in self.files if name.endswith(".py")]

    @property
    def files(self) -> Mapping[str, int]:
        root = Path(self.name)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.stat().st_size for path in files}

    def read(self, name: str) -> bytes:
        if name.endswith(WEIGHTS):
            self._refuse(name)
        if name not in self.files:
            raise WeightsError(f"{self.name} has no file {name!r}")
        return (Path(self.name) / name).read_bytes()

    def json(self, name: str) -> Any:
        return msgspec.json.decode(self.read(name))

    def weights(self, stem: str = "model") -> Mapping[str, Tensor]:
        self._refuse(stem)

    def local(self, names: Iterable[str]) -> Path:
        for name in names:
            self.read(name)
        return Path(self.name)

    def other(self, reference: str) -> Folder:
        return Cover(reference)

    def _refuse(self, name: str) -> NoReturn:
        raise WeightsError(f"`card` reads the weights {name}", "a card must need none")


def check_folder(record: Recorder, zoo: Zoo, reference: str, opened: Opened) -> None:
    """Check what a folder's format promises beside what its model does."""
    record.check("its card needs no weights", covered, zoo, reference, opened)
    record.check("it is the same when it is loaded again", again, zoo, reference, opened)


def covered(zoo: Zoo, reference: str, opened: Opened) -> Iterator[str]:
    """Have the format read the card of the folder without its weights."""
    if "://" in reference:
        raise SkipError("it lies elsewhere")
    distribution, _, name = opened.format.partition("/")
    for plugin in zoo.plugins(distribution):
        for entry in plugin.manifest.formats if plugin.manifest is not None else ():
            if entry.name == name:
                reader: Format = load(entry.target)()
                reader.card(Cover(str(Path(reference).expanduser().absolute())))
    yield from ()


def again(zoo: Zoo, reference: str, opened: Opened) -> Iterator[str]:
    """What is wrong where a second load gives something else."""
    second = zoo.open(reference)
    if not any(name.endswith(WEIGHTS) for name in opened.files):
        mend = "read all that the model is made of by `folder.weights` or `folder.local`"
        yield problem("weights read through the folder", "none, so no record has them", mend)
    if second.files != opened.files:
        other = sorted(dict(second.files.items() ^ opened.files.items()))
        mend = "let what is read follow from the files alone"
        yield problem("the same files read each time", f"others: {', '.join(other[:3])}", mend)
    if second.spec != opened.spec:
        mend = "let the description follow from the files alone"
        yield problem("the same description each time", "another", mend)
