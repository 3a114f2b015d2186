"""Formats of others: a folder of files that genzoo did not write, as a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from genzoo_core.cards import ModelCard
from genzoo_core.request import Precision
from genzoo_core.specs import ModelSpec

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from genzoo_core.zoo import Opened


class Source(Protocol):
    """Where the files of a folder come from: this machine, or a repository elsewhere.

    Attributes:
        reference: The reference of exactly these files: an absolute path, or
            "hf://owner/repo@commit".
        files: Size in bytes of each file, by its name: a path inside the folder with "/" between
            its parts. Nothing is fetched for it.
    """

    @property
    def reference(self) -> str: ...
    @property
    def files(self) -> Mapping[str, int]: ...

    def fetch(self, name: str) -> Path:
        """One of the files, on this machine, with the digest that the repository promises.

        Args:
            name: One of `files`.

        Raises:
            HubError: It cannot be fetched.
            IntegrityError: It has another digest.
        """


class Folder(Protocol):
    """The files of a folder or of a Hub repository, which the registry has listed.

    No link leads out of it and no pickle is among what can be read. Each file that is read is
    fetched where it is not here, compared with what its repository promises, and its digest goes
    into the records of what the model makes.

    Attributes:
        name: Its name in messages: its path, or a reference.
        files: Size in bytes of each file, by its name, as in a `Source`.
        scripts: Names of the files of code that lie there, which cannot be read.
        variant: Which of several files of weights is wanted ("fp16"); "" for the plain one.
        settings: The user's settings (`--set NAME=VALUE`), for those that loading needs. The model
            has an option by that name as well.
        precision: What the model shall compute in: "fp32", "bf16", "fp16", or "auto" for the
            format's own choice. See `Format.load`.
    """

    @property
    def name(self) -> str: ...
    @property
    def scripts(self) -> Sequence[str]: ...
    @property
    def files(self) -> Mapping[str, int]: ...
    @property
    def variant(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def precision(self) -> Precision: ...

    def read(self, name: str) -> bytes:
        """The content of a file of at most 10 MB.

        Args:
            name: One of `files`.

        Raises:
            WeightsError: It is not there, or larger.
        """

    def json(self, name: str) -> Any:
        """The content of a JSON file, strictly read; nested at most 64 deep. Infinity is accepted.

        Args:
            name: One of `files`.

        Raises:
            WeightsError: It is not there or no JSON.
        """

    def weights(self, stem: str = "model") -> Mapping[str, Tensor]:
        """The tensors of `stem.safetensors`, or of the shards of `stem.safetensors.index.json`.

        With a variant, of `stem.fp16.safetensors` or `stem.safetensors.index.fp16.json`, or the
        plain ones where this stem has no variants. Their dtypes are those of the file: float16,
        bfloat16 and float8 among them. They may be mapped: do not write into one.

        Args:
            stem: The name without its suffix, with the folder before it:
                "unet/diffusion_pytorch_model".

        Raises:
            WeightsError: They are not there, a shard is missing, or a file is not well-formed.
        """

    def other(self, reference: str) -> Folder:
        """Another folder, for what this one does not hold; the files read of it are recorded too.

        Args:
            reference: Its path, or "hf://owner/repo".

        Raises:
            GenzooError: It is not there, or cannot be listed.
        """

    def local(self, names: Iterable[str]) -> Path:
        """A folder on this machine with these files, for a library that reads them itself.

        It is there until `Format.load` returns; what it holds are links to the files. Files of
        weights among them are well-formed safetensors files.

        Args:
            names: Some of `files`.

        Raises:
            WeightsError: One is not there.
        """


@dataclass(frozen=True)
class Described:
    """A model as a genzoo file would describe it: what to build, and the tensors for it.

    Attributes:
        spec: What to build, by the names of components. A part that lies in the folder as well is
            `inline`.
        tensors: By the names that the built module has for them; those of an inlined part begin
            with `parts.<role>.`. A floating-point dtype need not be that of the module.
    """

    spec: ModelSpec
    tensors: Mapping[str, Tensor]


@runtime_checkable
class Rebuildable(Protocol):
    """A module that a format built, and that a component can build, too: it can be trained.

    Attributes:
        spec: That component, with its config. Its tensors have the names that they have here.
    """

    spec: ModelSpec


class Format(ABC):
    """Reads one format. A `[[formats]]` entry names it; made without arguments for each folder."""

    @abstractmethod
    def card(self, folder: Folder) -> ModelCard:
        """The card of the folder, without reading its weights.

        `license` may be left empty: it is taken from the front matter of `README.md` then. So may
        `size` and `parameters`, which the registry knows. `weights`, `sha256`, `recipe` and
        `aliases` are not read: of a folder they have no meaning, or the registry knows them.

        Args:
            folder: The folder.

        Raises:
            ConfigError: It has a field or a value that this format does not know; names it.
        """

    @abstractmethod
    def load(self, folder: Folder) -> Described | nn.Module:
        """The model: described, which can be exported as one genzoo file, or built.

        A built one is a component of some kind, most often a `GenerativeModel`, on the CPU. One
        whose weights are in `folder.precision` computes in it by itself. Any other computes in
        torch's autocast where half precision is wanted, as models that are described do.

        Args:
            folder: The folder.

        Raises:
            ConfigError: Its config cannot be read.
            WeightsError: Its tensors do not fit.
        """

    def write(self, opened: Opened, folder: Path) -> None:
        """Write a model in this format, into a new folder; for an entry that says `writes`.

        Args:
            opened: The model.
            folder: A new and empty folder.

        Raises:
            ConfigError: It is none that this format can hold; names those that it can.
        """
        raise NotImplementedError
