"""Rows 1 to 9 of the hostile inputs: weights files."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from raw_files import edited, join, split

from genzoo_core import ModelCard, ModelSpec, WeightsError
from genzoo_core.zoo import Zoo

CARD = ModelCard(name="net", family="acme", summary="A net.")
MAX_HEADER = 1_000_000
"""Most bytes of a header."""


@pytest.fixture
def sound(zoo: Zoo, tmp_path: Path) -> Path:
    """A sound model file."""
    path = tmp_path / "sound.safetensors"
    built = zoo.build(ModelSpec("net"))
    zoo.save(path, built.spec, built.own_tensors(), CARD)
    return path


def assert_refused(zoo: Zoo, path: Path, message: str) -> None:
    """Loading fails with this message, in one line that names the file."""
    with pytest.raises(WeightsError, match=message) as caught:
        zoo.open(str(path))
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hostile_01_empty(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"")
    assert_refused(zoo, path, "is empty")


def test_hostile_01_seven_bytes(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\x08" + bytes(6))
    assert_refused(zoo, path, "only 7 bytes")


@pytest.mark.parametrize("kept", [8, 100, -100, -1])
def test_hostile_01_truncated(zoo: Zoo, sound: Path, kept: int) -> None:
    sound.write_bytes(sound.read_bytes()[:kept])
    assert_refused(zoo, sound, "truncated" if kept > 0 else "but the file holds")


def test_hostile_01_trailing_bytes(zoo: Zoo, sound: Path) -> None:
    sound.write_bytes(sound.read_bytes() + b"\x00")
    assert_refused(zoo, sound, "leaves 1 bytes at the end of the file unnamed")


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (2**63, "no safetensors file: it declares a header of 9223372036854775808 bytes"),
        (900_000, "goes past the end"),
        (MAX_HEADER + 1, "at most 1000000"),
    ],
)
def test_hostile_02_header_length(zoo: Zoo, sound: Path, length: int, message: str) -> None:
    sound.write_bytes(length.to_bytes(8, "little") + sound.read_bytes()[8:])
    assert_refused(zoo, sound, message)


def test_hostile_02_a_true_header_over_the_cap(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    assert_refused(
        zoo, join(sound, json.dumps(header).encode().ljust(MAX_HEADER + 8), data), "at most"
    )


def test_hostile_03_overlap(zoo: Zoo, sound: Path) -> None:
    def overlap(header: dict[str, Any]) -> None:
        header["norm.running_mean"]["data_offsets"] = header["norm.bias"]["data_offsets"]

    assert_refused(zoo, edited(sound, overlap), "overlap another tensor")


def test_hostile_03_hole(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    del header["norm.bias"]
    assert_refused(zoo, join(sound, header, data), "leaves a hole of 16 bytes")


def test_hostile_03_duplicate_keys(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    text = json.dumps(header)
    twice = text[:-1] + ', "fitted": ' + json.dumps(header["fitted"]) + "}"
    assert_refused(zoo, join(sound, twice.encode(), data), "has the key 'fitted' twice")


def test_hostile_03_duplicate_keys_inside(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    text = json.dumps(header).replace('"dtype": "BOOL"', '"dtype": "BOOL", "dtype": "U8"')
    assert_refused(zoo, join(sound, text.encode(), data), "has the key 'dtype' twice")


def test_hostile_03_leading_space(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    assert_refused(
        zoo, join(sound, b" " + json.dumps(header).encode(), data), "does not begin with {"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [-4]},
        {"shape": [4.0]},
        {"shape": [True, 4]},
        {"shape": "4"},
        {"shape": [1] * 17},
        {"shape": [2**70]},
        {"data_offsets": [0]},
        {"data_offsets": [-16, 0]},
        {"dtype": "F7"},
        {"dtype": None},
        {"more": 1},
    ],
)
def test_hostile_03_lies(zoo: Zoo, sound: Path, change: dict[str, Any]) -> None:
    assert_refused(zoo, edited(sound, lambda h: h["body.bias"].update(change)), "'body.bias'")


@pytest.mark.parametrize("metadata", [[], {"format": 1}, {"format": None}])
def test_hostile_03_metadata_that_is_no_text(zoo: Zoo, sound: Path, metadata: object) -> None:
    assert_refused(zoo, edited(sound, lambda h: h.update(__metadata__=metadata)), "metadata")


def test_hostile_03_not_utf8(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    text = json.dumps(header).encode().replace(b"body.bias", b"body.\xff\xfe\xffas")
    assert_refused(zoo, join(sound, text, data), "not UTF-8")


def test_hostile_04_a_terabyte(zoo: Zoo, sound: Path) -> None:
    def enlarge(header: dict[str, Any]) -> None:
        start = max(entry["data_offsets"][1] for n, entry in header.items() if "__" not in n)
        shape = [2**38]
        header["more"] = {"dtype": "F32", "shape": shape, "data_offsets": [start, start + 2**40]}

    assert_refused(zoo, edited(sound, enlarge), "declares 1099511[0-9]+ bytes of tensors")


def test_hostile_04_a_sparse_file_of_a_petabyte(zoo: Zoo, sound: Path) -> None:
    with sound.open("r+b") as file:
        file.truncate(2**43)
    assert_refused(zoo, sound, "more than this machine's")


def test_hostile_04_many_tensors(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    for number in range(200_000):
        header[f"t{number}"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    assert_refused(zoo, join(sound, header, data), "at most 1000000 are accepted")


def test_hostile_05_missing_keys(zoo: Zoo, sound: Path) -> None:
    header, _ = split(sound)
    names = ["body.weight", "body.bias", "norm.weight", "norm.bias", "table"]
    kept = {n: torch.zeros(e["shape"]) for n, e in header.items() if n[0] != "_" and n not in names}
    assert_refused(
        zoo,
        resaved(sound, kept),
        r"lacks table, body\.weight, body\.bias and 2 more",
    )


def test_hostile_05_extra_keys(zoo: Zoo, sound: Path) -> None:
    tensors = stored(sound) | {f"extra.{n}": torch.zeros(1) for n in range(5)}
    assert_refused(zoo, resaved(sound, tensors), r"unknown extra\.0, extra\.1, extra\.2 and 2 more")


def test_hostile_05_wrong_shapes(zoo: Zoo, sound: Path) -> None:
    tensors = stored(sound) | {"body.bias": torch.zeros(2, 2)}
    assert_refused(
        zoo, resaved(sound, tensors), r"another shape for body\.bias \(\[2, 2\], not \[4\]\)"
    )


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("body.bias", torch.int32, r"body\.bias \(I32, not F16 or BF16 or F32\)"),
        ("body.bias", torch.float64, r"body\.bias \(F64, not F16 or BF16 or F32\)"),
        ("norm.num_batches_tracked", torch.int32, r"tracked \(I32, not I64\)"),
        ("fitted", torch.uint8, r"fitted \(U8, not BOOL\)"),
    ],
)
def test_hostile_06_wrong_dtype(
    zoo: Zoo, sound: Path, name: str, dtype: torch.dtype, message: str
) -> None:
    tensors = stored(sound)
    tensors[name] = tensors[name].to(dtype)
    assert_refused(zoo, resaved(sound, tensors), message)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (torch.float8_e4m3fn, "F8_E4M3"),
        (torch.float8_e5m2, "F8_E5M2"),
        (torch.uint16, "U16"),
        (torch.uint64, "U64"),
    ],
)
def test_hostile_06_a_dtype_that_is_not_read(
    zoo: Zoo, sound: Path, dtype: torch.dtype, name: str
) -> None:
    tensors = stored(sound)
    tensors["body.bias"] = tensors["body.bias"].to(dtype)
    assert_refused(zoo, resaved(sound, tensors), f"'body.bias' is stored as '{name}', which genzoo")


@pytest.mark.parametrize("bad", [b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff"])
def test_hostile_07_nan_and_infinity(zoo: Zoo, sound: Path, bad: bytes) -> None:
    header, data = split(sound)
    start = header["norm.running_var"]["data_offsets"][0]
    data = data[: start + 8] + bad + data[start + 12 :]
    assert_refused(zoo, join(sound, header, data), r"norm\.running_var holds NaN or infinity")


def test_hostile_07_a_truth_value_of_two(zoo: Zoo, sound: Path) -> None:
    header, data = split(sound)
    start = header["fitted"]["data_offsets"][0]
    data = data[:start] + b"\x02" + data[start + 1 :]
    assert_refused(zoo, join(sound, header, data), "fitted holds what is neither true nor false")


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("kind", ["pickle0", "pickle2", "pickle5", "pt", "legacy", "zip"])
def test_hostile_08_pickle(zoo: Zoo, tmp_path: Path, kind: str) -> None:
    path, marker = tmp_path / "a.safetensors", tmp_path / "marker"
    trap = {"weight": Trap(marker)}
    match kind:
        case "pt":
            torch.save(trap, path)
        case "legacy":
            torch.save(trap, path, _use_new_zipfile_serialization=False)
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a", "b" * 100)
        case _:
            path.write_bytes(pickle.dumps(trap, protocol=int(kind[-1])))
    assert_refused(zoo, path, "pickle is never loaded")
    path.rename(tmp_path / "model.pt")
    assert_refused(zoo, tmp_path / "model.pt", "pickle is never loaded")
    assert not marker.exists()


def test_hostile_09_the_file_shrinks_while_it_is_read(zoo: Zoo) -> None:
    # The kernel says that files of sysfs have a page, and gives less.
    path = Path("/sys/kernel/uevent_seqnum")
    if not path.exists() or path.stat().st_size != 4096:
        pytest.skip("needs a file that is shorter than it says")
    with pytest.raises(WeightsError, match="shrank from 4096 to"):
        zoo.open(str(path))


def test_hostile_09_the_file_shrinks_after_it_was_loaded(sound: Path) -> None:
    code = f"""
import os
import genzoo
module = genzoo.open_zoo().open({str(sound)!r}).module
os.truncate({str(sound)!r}, 0)
print(sum(bool(p.isfinite().all()) for p in module.parameters()), module.table.sum().item())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "5 1.0\n"), done.stderr


def test_the_header_alone_is_checked_the_same_way(zoo: Zoo, sound: Path) -> None:
    sound.write_bytes(sound.read_bytes() + b"\x00")
    with pytest.raises(WeightsError, match="at the end of the file unnamed"):
        zoo.card(str(sound))


def stored(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name."""
    return safetensors.torch.load_file(path)


def resaved(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """A well-formed file with the same description and other tensors."""
    header, _ = split(path)
    other = path.with_name("resaved.safetensors")
    safetensors.torch.save_file(tensors, other, metadata=header["__metadata__"])
    return other
