"""A folder of others, as a format reads it: its weights, and what was read of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genzoo.files.checked import CheckedFiles
from genzoo.files.header import (
    FOREIGN_DTYPES,
    LENGTH_BYTES,
    MAX_FOREIGN_HEADER,
    TensorInfo,
    check_header,
    header_length,
)
from genzoo.files.shards import SUFFIX, Stem, check_variant, is_index, shards_of, stems_in
from genzoo.text import listed, one_line, quoted
from genzoo_core.errors import UsageError, WeightsError, did_you_mean
from genzoo_core.formats import Source
from genzoo_core.request import Precision

if TYPE_CHECKING:
    import tempfile

    from torch import Tensor

ELSEWHERE = "../"
"""Begins the names of files of other folders; no name in a folder does."""


class Weights(NamedTuple):
    """Weights in a folder: their name without suffix, and size in bytes.

    Where they would have to be fetched, `parameters` is None and `dtypes` is empty.
    """

    name: str
    size: int
    parameters: int | None = None
    dtypes: tuple[str, ...] = ()


class Files:
    """`genzoo_core.Folder` over any source."""

    def __init__(self, source: Source, variant: str = "") -> None:
        check_variant(variant)
        self.checked = CheckedFiles(source)
        self.name, self.files = self.checked.name, self.checked.sizes
        self.scripts = self.checked.scripts
        self._read: set[str] = set()
        self.variant = variant
        self.precision: Precision = "auto"
        self.settings: Mapping[str, Any] = {}
        self.open_other: Callable[[str], Files] | None = None
        self._others: dict[str, Files] = {}
        self.stems = stems_in(self.files)
        self._headers: dict[str, dict[str, TensorInfo]] = {}
        self._tensors: dict[str, dict[str, Tensor]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def read(self, name: str) -> bytes:
        """The content of a file of at most `MAX_READ` bytes."""
        data = self.checked.read(name)
        self._read.add(name)
        return data

    def json(self, name: str) -> Any:
        content = self.checked.json(name)
        self._read.add(name)
        return content

    def check(self) -> None:
        """Check, before a format sees it, all but the numbers: headers, indexes, shards.

        Of a folder that is not on this machine, only whether all shards are there.

        Raises:
            WeightsError: There are only pickles, or a shard, header or index is wrong.
            UsageError: No weights have that variant.
        """
        self.checked.refuse_pickles()
        if self.variant and self.variant not in (there := self.variants()):
            hint = f"there is {listed(there)}" if there else "it has none: leave --variant out"
            raise UsageError(f"{self.name} has no variant {quoted(self.variant)}", hint)
        for stem in self.wanted():
            shards = self._shards(stem)
            if self.checked.is_local:
                self._check_shards(stem, shards)
                for name in self.stems[stem]:
                    self._header(name)
        if self.checked.is_local:  # others are not fetched in vain
            for name in filter(is_index, self.files):
                self._index(name)

    def headers(self) -> list[dict[str, TensorInfo]]:
        """The tensors of each file of weights, by name."""
        return [self._header(name) for stem in self.stems for name in self.stems[stem]]

    def variants(self) -> list[str]:
        return sorted({stem.variant for stem in self.stems} - {""})

    def wanted(self) -> list[Stem]:
        """Of each set of weights the variant that is read, or the plain one, or else all."""
        of_name: dict[str, set[str]] = {}
        for stem in self.stems:
            of_name.setdefault(stem.name, set()).add(stem.variant)
        wanted = {n: {self.variant} & v or {""} & v or v for n, v in of_name.items()}
        return [stem for stem in self.stems if stem.variant in wanted[stem.name]]

    def parts(self) -> list[Weights]:
        """The weights, for `genzoo info`: from their headers, where they are here."""
        found = []
        for stem in self.wanted():
            names = [stem.single] if stem.single in self.stems[stem] else self.stems[stem]
            part = Weights(stem.single.removesuffix(SUFFIX), sum(self.files[n] for n in names))
            if self.checked.is_local:
                infos = [info for name in names for info in self._header(name).values()]
                numbers = [info for info in infos if "F" in info.dtype]  # neither counters nor ids
                dtypes = tuple(sorted({info.dtype for info in numbers}))
                count = sum(prod(info.shape) for info in numbers)
                part = part._replace(parameters=count, dtypes=dtypes)
            found.append(part)
        return found

    def weights(self, stem: str = "model") -> Mapping[str, Tensor]:
        """The tensors of `stem.safetensors`, or of the shards of its index."""
        wanted = self._find_weights(stem)
        shards = self._shards(wanted)
        self._check_shards(wanted, shards)
        if shards:
            self._read.add(wanted.index_file)
        files = dict.fromkeys(shards.values()) or [wanted.single]
        return {name: tensor for file in files for name, tensor in self._load(file).items()}

    def local(self, names: Iterable[str]) -> Path:
        """A folder with links to these files, until the model is loaded."""
        import tempfile

        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="genzoo-")
        root = Path(self._folder.name)
        for name in names:
            if name.lower().endswith(SUFFIX):
                self._load(name)
            else:
                self.checked.refuse_pickle(name)
                self.checked.digest(name)
            self._read.add(name)
            link = root / name
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self.checked.path(name).absolute())
        return root

    def other(self, reference: str) -> Files:
        """Another folder; the files read of it count as read of this one."""
        if reference not in self._others:
            assert self.open_other is not None  # `find` has set it
            self._others[reference] = self.open_other(reference)
        return self._others[reference]

    @property
    def digests(self) -> dict[str, str]:
        """sha256 of each file that was read, by name; those of others begin with "../"."""
        others = (files.digests.items() for files in self._others.values())
        found = {ELSEWHERE + name: digest for items in others for name, digest in items}
        return {**{name: self.checked.digest(name) for name in sorted(self._read)}, **found}

    def finish(self) -> None:
        """Check that what was read has not changed since, and remove the links to it."""
        for files in self._others.values():
            files.finish()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self.checked.check_unchanged()

    def _index(self, name: str) -> dict[str, str]:
        return shards_of(self.checked.json(name), self.checked.where(name))

    def _shards(self, stem: Stem) -> dict[str, str]:
        """The file of each tensor, all of which are there; {} where one file holds all."""
        if stem.single in self.files or stem.index_file not in self.files:
            return {}
        folder, slash, _ = stem.index_file.rpartition("/")
        shards = {t: f"{folder}{slash}{f}" for t, f in self._index(stem.index_file).items()}
        missing = [file for file in dict.fromkeys(shards.values()) if file not in self.files]
        if missing:
            text = f"{self.name} lacks {listed(missing)}, which {stem.index_file} names"
            raise WeightsError(text, "fetch or copy it once more")
        return shards

    def _check_shards(self, stem: Stem, shards: Mapping[str, str]) -> None:
        """Check that shards hold what their index says, and nothing else."""
        headers = {file: self._header(file) for file in dict.fromkeys(shards.values())}
        index = self.checked.where(stem.index_file)
        for tensor, file in shards.items():
            if tensor not in headers[file]:
                raise WeightsError(f"{index} puts {quoted(tensor)} into {file}, which lacks it")
        for file, header in headers.items():
            other = next((name for name in header if shards.get(name) != file), None)
            if other is not None:
                says = f"puts into {shards[other]}" if other in shards else "does not name"
                what = f"{self.checked.where(file)} holds {quoted(other)}"
                raise WeightsError(f"{what}, which its index {says}")

    def _find_weights(self, stem: str) -> Stem:
        """The variant that is wanted, or the plain one of weights that have none at all."""
        there = [other for other in self.stems if other.name == stem]
        has_variants = any(other.variant for other in there)
        wanted = Stem(str(stem), self.variant)
        for choice in (wanted,) if has_variants else (wanted, wanted._replace(variant="")):
            if choice.single in self.files or choice.index_file in self.files:
                return choice
        folder = wanted.name.rpartition("/")[0]
        for name in self.checked.pickles:
            if name.rpartition("/")[0] == folder:
                raise self.checked.pickled(name)
        hint = None
        if there:
            variants = listed([f"--variant {s.variant}" if s.variant else s.single for s in there])
            hint = f"there is {variants}"
        elif self.stems:
            names = dict.fromkeys(other.name for other in self.stems)
            hint = did_you_mean(wanted.name, names) or f"its weights are {listed(list(names))}"
        raise WeightsError(f"{self.name} lacks {wanted.single}, and its index", hint)

    def _header(self, name: str) -> dict[str, TensorInfo]:
        if name not in self._headers:
            with self.checked.open(name) as file:
                size, where = self.files[name], self.checked.where(name)
                length = header_length(file.read(LENGTH_BYTES), size, where, MAX_FOREIGN_HEADER)
                tensors, _ = check_header(file.read(length), size, where, FOREIGN_DTYPES)
            self._headers[name] = tensors
        return self._headers[name]

    def _load(self, name: str) -> dict[str, Tensor]:
        """The tensors of one file, mapped, all of them finite."""
        if name not in self._tensors:
            from safetensors import SafetensorError, safe_open

            from genzoo.files.dtypes import check_values

            where, header = self.checked.where(name), self._header(name)
            self.checked.digest(name)
            path = self.checked.path(name)
            try:
                with safe_open(path, framework="pt", device="cpu") as file:
                    tensors = {tensor: file.get_tensor(tensor) for tensor in header}
            except (SafetensorError, OSError, RuntimeError, ValueError, AttributeError) as error:
                raise WeightsError(f"{where} cannot be read: {one_line(error)}") from error
            for tensor, values in tensors.items():
                check_values(values, quoted(tensor), where)
            self._tensors[name] = tensors
            self._read.add(name)
        return self._tensors[name]


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a folder: that of the sorted digests of its files, each with its name."""
    lines = sorted(f"{digest}  {name}\n" for name, digest in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
