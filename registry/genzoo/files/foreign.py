"""A folder of others, as a format reads it: listed, checked, and hashed file by file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genzoo.files.header import (
    FOREIGN_DTYPES,
    LENGTH_BYTES,
    MAX_FOREIGN_HEADER,
    TensorInfo,
    check_header,
    header_length,
    is_pickled,
)
from genzoo.files.listing import LocalSource, checked_listing
from genzoo.files.model_file import open_file
from genzoo.files.shards import SUFFIX, Stem, check_variant, is_index, shards_of, stems_in
from genzoo.files.strict_json import parse_json
from genzoo.text import brief, listed, one_line, quoted
from genzoo_core.errors import GenzooError, UsageError, WeightsError, did_you_mean
from genzoo_core.formats import Source
from genzoo_core.request import Precision

if TYPE_CHECKING:
    import tempfile

    from torch import Tensor

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")
MAX_READ = 10_000_000
"""Size of the largest file that is read into memory whole."""

Stamp = tuple[int, int, int]

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
    """`genzoo_core.Folder` over any source.

    Each file is the same whenever it is opened, and none of them is a pickle.
    """

    def __init__(self, source: Source, variant: str = "") -> None:
        check_variant(variant)
        self.source, self.name = source, str(source.reference)
        every = checked_listing(source)
        self._pickles = [name for name in every if name.lower().endswith(PICKLES)]
        self.scripts = [name for name in every if name.lower().endswith(CODE)]
        others = {*self._pickles, *self.scripts}
        self.files: dict[str, int] = {n: size for n, size in every.items() if n not in others}
        self._digests: dict[str, str] = {}
        self._stamps: dict[str, tuple[Path, Stamp]] = {}
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

    @property
    def is_local(self) -> bool:
        """Whether nothing has to be fetched."""
        return isinstance(self.source, LocalSource)

    def read(self, name: str) -> bytes:
        """The content of a file of at most `MAX_READ` bytes."""
        data = self.peek(name)
        self._read.add(name)
        return data

    def peek(self, name: str) -> bytes:
        """As `read`, of a file that the model does not depend on."""
        with self._opened(name) as file:
            data = file.read(MAX_READ + 1)
        if len(data) > MAX_READ:
            raise WeightsError(f"{self._where(name)} has more than {MAX_READ:,} bytes")
        if is_pickled(data):
            raise self._pickled(name)
        self._digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def json(self, name: str) -> Any:
        content = self._json(name)
        self._read.add(name)
        return content

    def digest(self, name: str) -> str:
        """sha256 of a file, read or not."""
        if name not in self._digests:
            with self._opened(name) as file:
                self._digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[name]

    def check(self) -> None:
        """Check, before a format sees it, all but the numbers: headers, indexes, shards.

        Of a folder that is not on this machine, only whether all shards are there.

        Raises:
            WeightsError: There are only pickles, or a shard, header or index is wrong.
            UsageError: No weights have that variant.
        """
        self.refuse_pickles()
        if self.variant and self.variant not in (there := self.variants()):
            hint = f"there is {listed(there)}" if there else "it has none: leave --variant out"
            raise UsageError(f"{self.name} has no variant {quoted(self.variant)}", hint)
        for stem in self.wanted():
            shards = self._shards(stem)
            if self.is_local:
                self._check_shards(stem, shards)
                for name in self.stems[stem]:
                    self._header(name)
        if self.is_local:  # others are not fetched in vain
            for name in filter(is_index, self.files):
                self._index(name)

    def refuse_pickles(self) -> None:
        """Refuse a folder with weights in pickles alone."""
        if any(name.endswith(SUFFIX) for name in self.files):
            return
        if self._pickles:
            raise self._pickled(self._pickles[0])
        for name in self.files if self.is_local else ():
            self._refuse_pickle(name)

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
            if self.is_local:
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
                self._refuse_pickle(name)
                self.digest(name)
            self._read.add(name)
            link = root / name
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self._stamps[name][0].absolute())
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
        return {**{name: self.digest(name) for name in sorted(self._read)}, **found}

    def finish(self) -> None:
        """Check that what was read has not changed since, and remove the links to it."""
        for files in self._others.values():
            files.finish()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        for name, (path, stamp) in self._stamps.items():
            with suppress(OSError):
                if _stamp(os.stat(path)) == stamp:
                    continue
            raise self._changed(name)

    def _where(self, name: str) -> str:
        return f"{quoted(name)} of {self.name}"

    def _changed(self, name: str) -> WeightsError:
        return WeightsError(f"{self._where(name)} changed while it was read", "try again")

    def _refuse_pickle(self, name: str) -> None:
        with self._opened(name) as file:
            if is_pickled(file.read(4)):
                raise self._pickled(name)

    def _pickled(self, name: str) -> WeightsError:
        name = name.rpartition("/")[2]
        new = name.rpartition(".")[0] or name
        return WeightsError(
            f"{self.name} has its weights in {quoted(name)}, a pickle, which can run any code and "
            "is never loaded",
            "convert it where you trust it: safetensors.torch.save_file("
            f"torch.load({name!r}, weights_only=True), {new + SUFFIX!r})",
        )

    @contextmanager
    def _opened(self, name: str) -> Iterator[BufferedReader]:
        """A file of the folder, which is the same whenever it is opened."""
        if not (isinstance(name, str) and name in self.files):
            if name in self._pickles:
                raise self._pickled(name)
            near = did_you_mean(name, self.files) if isinstance(name, str) else None
            raise WeightsError(f"{self.name} has no file {quoted(name)}", near)
        try:
            path = self._stamps[name][0] if name in self._stamps else Path(self.source.fetch(name))
        except GenzooError:
            raise
        except Exception as error:  # a plugin's code
            text = f"{self._where(name)} cannot be fetched: {one_line(error)}"
            raise WeightsError(text) from error
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            _, stamp = self._stamps.setdefault(name, (path, _stamp(status)))
            if status.st_size != self.files[name] or _stamp(status) != stamp:
                raise self._changed(name)
            try:
                yield file
            except OSError as error:
                raise WeightsError(f"cannot read {self._where(name)}: {error.strerror}") from None

    def _json(self, name: str) -> Any:
        try:
            return parse_json(self.peek(name).decode(), infinite=True)
        except UnicodeDecodeError:
            raise WeightsError(f"{self._where(name)} is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{self._where(name)} {brief(error)}") from None

    def _index(self, name: str) -> dict[str, str]:
        return shards_of(self._json(name), self._where(name))

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
        index = self._where(stem.index_file)
        for tensor, file in shards.items():
            if tensor not in headers[file]:
                raise WeightsError(f"{index} puts {quoted(tensor)} into {file}, which lacks it")
        for file, header in headers.items():
            other = next((name for name in header if shards.get(name) != file), None)
            if other is not None:
                says = f"puts into {shards[other]}" if other in shards else "does not name"
                what = f"{self._where(file)} holds {quoted(other)}"
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
        for name in self._pickles:
            if name.rpartition("/")[0] == folder:
                raise self._pickled(name)
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
            with self._opened(name) as file:
                size, where = self.files[name], self._where(name)
                length = header_length(file.read(LENGTH_BYTES), size, where, MAX_FOREIGN_HEADER)
                tensors, _ = check_header(file.read(length), size, where, FOREIGN_DTYPES)
            self._headers[name] = tensors
        return self._headers[name]

    def _load(self, name: str) -> dict[str, Tensor]:
        """The tensors of one file, mapped, all of them finite."""
        if name not in self._tensors:
            from safetensors import SafetensorError, safe_open

            from genzoo.files.dtypes import check_values

            where, header = self._where(name), self._header(name)
            self.digest(name)
            path = self._stamps[name][0]
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


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a folder: that of the sorted digests of its files, each with its name."""
    lines = sorted(f"{digest}  {name}\n" for name, digest in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
