"""How files of weights are called: a single one, its shards and its variants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from genzoo.text import quoted
from genzoo_core.errors import UsageError, WeightsError

SUFFIX = ".safetensors"
VARIANT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")

_INDEX = re.compile(rf"(?P<stem>.+)\.safetensors\.index(\.(?P<variant>{VARIANT.pattern}))?\.json")
_FILE = re.compile(
    rf"(?P<stem>.+?)(\.(?P<variant>{VARIANT.pattern}?))?(?P<shard>-\d{{5,}}-of-\d{{5,}})?"
    r"\.safetensors"
)


class Stem(NamedTuple):
    """A set of weights in a folder, and which of its variants: "unet/model" and "fp16", or ""."""

    name: str
    variant: str

    @property
    def single(self) -> str:
        return f"{self.name}.{self.variant}{SUFFIX}" if self.variant else f"{self.name}{SUFFIX}"

    @property
    def index_file(self) -> str:
        dot = f".{self.variant}" if self.variant else ""
        return f"{self.name}{SUFFIX}.index{dot}.json"


def check_variant(variant: str) -> None:
    """Refuse, as a `UsageError`, what names no variant."""
    if variant and not VARIANT.fullmatch(variant):
        raise UsageError(f"{quoted(variant)} is no variant", "those have names such as fp16")


def stems_in(names: Iterable[str]) -> dict[Stem, list[str]]:
    """The sets of weights among these files, each with its files of weights."""
    stems: dict[Stem, list[str]] = {}
    for name in names:
        if found := _INDEX.fullmatch(name) or _FILE.fullmatch(name):
            files = stems.setdefault(Stem(found["stem"], found["variant"] or ""), [])
            if name.endswith(SUFFIX):
                files.append(name)
    return stems


def is_index(name: str) -> bool:
    return _INDEX.fullmatch(name) is not None


def shards_of(index: object, where: str) -> dict[str, str]:
    """The file of each tensor, by the content of an index: a plain name beside it."""
    found = index.get("weight_map") if isinstance(index, Mapping) else None
    if not isinstance(found, dict) or not found:
        raise WeightsError(f"{where} has no `weight_map` that says where each tensor is")
    for tensor, file in found.items():
        plain = isinstance(file, str) and not file.startswith(".")
        if not (plain and file.endswith(SUFFIX) and "/" not in file and "\\" not in file):
            text = f"{where} puts {quoted(tensor)} into {quoted(file)}"
            raise WeightsError(f"{text}, which is no name of a {SUFFIX} file beside it")
    return found
