"""Whatever lies in the cache: the figures are those of a fresh evaluation, without a word."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save

import genzoo
from genzoo.cli import main
from genzoo_core.images import to_pil, to_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.cache import load_tensors, load_value
from genzoo_eval.evaluating import evaluate
from genzoo_eval.report import Report
from genzoo_eval.settings import Settings

MODEL = "gan-mlp-mnist"
SETTINGS = Settings(n=60, costs=False)


@pytest.fixture(scope="module")
def filled(
    warm_zoo: Zoo, digits: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Report]:
    """A cache with what two evaluations leave there, and the report of the second."""
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("GENZOO_CACHE", str(cache))
        evaluate(warm_zoo, MODEL, digits, Settings(n=60, seed=1, costs=False))
        return cache / "eval", evaluate(warm_zoo, MODEL, digits, SETTINGS)


def contents(folder: Path) -> dict[Path, bytes]:
    """All files of a cache."""
    return {file: file.read_bytes() for file in sorted(folder.iterdir())}


def bits(data: bytes, _: random.Random) -> Iterator[bytes]:
    """One bit flipped, all over the file: at its beginning and end at every byte."""
    places = {*range(min(300, len(data))), *range(0, len(data), len(data) // 97 or 1)}
    for place in sorted(places | {len(data) - 1 - i for i in range(100) if i < len(data)}):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


def lengths(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """Cut off, extended, emptied."""
    yield from (data[: chance.randrange(len(data))] for _ in range(20))
    yield from (data + more for more in (b"\0", b"x" * 1000, data))
    yield from (b"", b"\n", b"\0" * len(data), data[1:])


def numbers(data: bytes, _: random.Random) -> Iterator[bytes]:
    """Other numbers, other digests, other tensors."""
    for other in (b"1e308", b"NaN", b"-1e999", b"1" + b"0" * 5000, b'"x"', b"null"):
        yield re.sub(rb"\d+\.\d+", other, data)
    for other in (b"", b"0" * 64, b"\xff" * 64):
        yield re.sub(rb"[0-9a-f]{64}", other, data, count=1)
    tensors = {"test": torch.zeros(3, 2), "train": torch.ones(5, 7, dtype=torch.float16)}
    yield save(tensors)
    yield data.partition(b"\n")[0] + b"\n" + save(tensors)
    yield b"[" * 100_000
    yield b'{"sha256":"","value":' + b"[" * 100_000 + b"}"


@pytest.mark.parametrize("damage", [bits, lengths, numbers])
def test_what_is_damaged_is_as_if_it_were_not_there(
    filled: tuple[Path, Report],
    damage: Callable[[bytes, random.Random], Iterator[bytes]],
    tmp_path: Path,
) -> None:
    chance = random.Random(0)
    for file, data in contents(filled[0]).items():
        (tmp_path / file.name).write_bytes(data)
        assert read(tmp_path, file.name) is not None
        for damaged in damage(data, chance):
            if damaged != data:
                (tmp_path / file.name).write_bytes(damaged)
                assert read(tmp_path, file.name) is None


def read(folder: Path, file: str) -> object:
    name, _, kind = file.rpartition(".")
    if kind == "tensors":
        return load_tensors(folder, name)
    return load_value(folder, name, Report if name.endswith(".report") else str)


def swapped(folder: Path) -> None:
    """Each file in the place of another one of its kind."""
    before = contents(folder)
    for kind in {file.suffix for file in before}:
        files = [file for file in before if file.suffix == kind]
        for file, other in zip(files, files[1:] + files[:1], strict=True):
            file.write_bytes(before[other])


def flipped(folder: Path) -> None:
    """A bit of the last number of each file."""
    for file, data in contents(folder).items():
        file.write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])


def replaced_by_folders(folder: Path) -> None:
    for file in contents(folder):
        file.unlink()
        file.mkdir()


@pytest.mark.parametrize("damage", [swapped, flipped, replaced_by_folders])
def test_an_evaluation_beside_a_damaged_cache_is_a_fresh_one(
    filled: tuple[Path, Report],
    damage: Callable[[Path], None],
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cache = tmp_path / "cache" / "eval"
    cache.mkdir(parents=True)
    for file, data in contents(filled[0]).items():
        (cache / file.name).write_bytes(data)
    damage(cache)
    monkeypatch.setenv("GENZOO_CACHE", str(cache.parent))
    words = ["eval", MODEL, "--data", str(digits), "-n", "60", "--no-costs", "--json"]
    for _ in range(2):
        assert main(words) == 0
        out, err = capfd.readouterr()
        assert msgspec.json.decode(out, type=Report).figures == filled[1].figures
        assert "rror" not in err
        assert "damage" not in err


def test_figures_follow_the_data_though_its_files_keep_their_names_and_sizes(
    zoo: Zoo, tmp_path: Path
) -> None:
    def pictures(split: str, seed: int) -> None:
        folder = tmp_path / "mnist" / split
        folder.mkdir(parents=True, exist_ok=True)
        made = to_uint8(genzoo.generate(MODEL, n=60, seed=seed).images)
        for number, picture in enumerate(made):
            to_pil(picture).save(folder / f"{number}.bmp")

    pictures("test", 1000)
    pictures("train", 2000)
    first = evaluate(zoo, MODEL, tmp_path, SETTINGS)
    for split in ("train", "test"):
        pictures(split, 3000)
        second = evaluate(zoo, MODEL, tmp_path, SETTINGS)
        assert second.figures != first.figures
        assert second.figures == evaluate(zoo, MODEL, tmp_path, SETTINGS, again=True).figures
        first = second
