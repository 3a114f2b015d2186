"""Folders in formats of others that are damaged, or mean harm."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from foreign import assert_nothing_runs, assert_same, net_tensors, refused, shards, write_net
from painting import Cli

import genzoo


def index_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "net.safetensors.index.json").read_text())
    return found


def move_one(index: dict[str, Any]) -> None:
    index["weight_map"]["their.body.bias"] = "net-00002-of-00002.safetensors"


def forget_one(index: dict[str, Any]) -> None:
    del index["weight_map"]["their.body.bias"]


def invent_one(index: dict[str, Any]) -> None:
    index["weight_map"]["their.more"] = "net-00002-of-00002.safetensors"


def name_another(index: dict[str, Any]) -> None:
    index["weight_map"]["their.body.bias"] = "net-00003-of-00002.safetensors"


def put(file: object) -> Callable[[dict[str, Any]], None]:
    def edit(index: dict[str, Any]) -> None:
        index["weight_map"]["their.body.bias"] = file

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (move_one, "'their.body.bias' into net-00002-of-00002.safetensors, which lacks it"),
        (forget_one, "holds 'their.body.bias', which its index does not name"),
        (invent_one, "'their.more' into net-00002-of-00002.safetensors, which lacks it"),
        (name_another, "lacks net-00003-of-00002.safetensors, which net.safetensors.index.json"),
        (put("../net.safetensors"), "'../net.safetensors', which is no name"),
        (put("/etc/passwd"), "'/etc/passwd', which is no name"),
        (put("a\\b.safetensors"), "which is no name"),
        (put(".hidden.safetensors"), "which is no name"),
        (put("net.bin"), "'net.bin', which is no name"),
        (put(3), "into 3, which is no name"),
        (lambda index: index.pop("weight_map"), "no `weight_map`"),
        (lambda index: index.update(weight_map=[]), "no `weight_map`"),
    ],
)
def test_hostile_37_an_index_that_lies(
    reader: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[dict[str, Any]], None], says: str
) -> None:
    folder = shards(write_net(reader / "mine"))
    index = index_of(folder)
    edit(index)
    (folder / "net.safetensors.index.json").write_text(json.dumps(index))
    assert_nothing_runs(monkeypatch, "mine", says)


def test_hostile_37_a_shard_with_a_tensor_without_a_name(
    reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = shards(write_net(reader / "mine")) / "net-00001-of-00002.safetensors"
    tensors = safetensors.torch.load_file(shard)
    safetensors.torch.save_file({**tensors, "": torch.ones(1)}, shard)
    assert_nothing_runs(monkeypatch, "mine", "holds '', which its index does not name")


def test_hostile_37_links_devices_and_names(
    reader: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def hostile(make: Callable[[Path], object], *says: str) -> None:
        shutil.rmtree(reader / "mine", ignore_errors=True)
        make(write_net(reader / "mine"))
        assert_nothing_runs(monkeypatch, "mine", *says)

    (tmp_path / "elsewhere").mkdir()
    out = "is a link that leads out of the folder"
    hostile(lambda f: os.symlink("/etc/passwd", f / "x.json"), "'x.json'", out)
    hostile(lambda f: os.symlink("../../elsewhere", f / "x"), "'x'", out)
    hostile(lambda f: os.symlink(f.parent / "minex", f / "x"), "'x'", out)
    hostile(lambda f: os.symlink("/dev/zero", f / "x"), "'x'", out)
    hostile(lambda f: os.symlink("their", f / "x"), "'x'", "is a link to a folder")
    hostile(lambda f: os.symlink("gone", f / "x"), "'x'", "cannot be read")
    hostile(lambda f: os.symlink("x", f / "x"), "'x'", "cannot be read")
    hostile(lambda f: os.mkfifo(f / "their" / "x"), "'their/x'", "a pipe, a socket or a device")
    hostile(lambda f: (f / "a\nb\x1b[31m").touch(), r"the name 'a\nb\x1b[31m', which is not read")
    hostile(lambda f: (f / "a\\b").touch(), "which is not read")
    hostile(lambda f: (f / b"\xff".decode(errors="surrogateescape")).touch(), "which is not read")

    # What is hidden is none of its files; links within the folder are.
    folder = write_net(reader / "mine")
    for path in list(folder.iterdir()):
        if path.name not in ("net.json", "their", "README.md", "net.safetensors"):
            path.unlink()
    (folder / ".git").mkdir()
    os.symlink("/etc", folder / ".git" / "x")
    os.symlink("/etc/passwd", folder / ".x")
    (folder / "net.safetensors").rename(folder / "their" / "weights")
    os.symlink("their/weights", folder / "net.safetensors")
    assert_same(genzoo.load("mine"), net_tensors())


def test_hostile_37_a_hundred_thousand_files(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_net(reader / "mine")
    for number in range(10_001):
        (folder / "their" / str(number)).touch()
    assert_nothing_runs(monkeypatch, "mine", "holds more than 10,000 files and folders")


def test_hostile_37_pickles(reader: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    folder = write_net(reader / "mine")
    (folder / "net.safetensors").unlink()
    for name in ("net.bin", "net.ckpt", "x.PT", "weights", "data.safetensor"):
        (folder / name).write_bytes(b"\x80\x02csomething\n")
        assert_nothing_runs(monkeypatch, "mine", f"'{name}', a pickle", "never loaded", "convert")
        (folder / name).unlink()
    # Beside safetensors they are no files of the folder.
    write_net(folder, form="faulty", fault="pickle")
    (folder / "their" / "nets.txt").unlink()
    (folder / "net.bin").write_bytes(b"\x80\x02csomething\n")
    refused(genzoo.open_zoo(), "mine", "'net.bin', a pickle")
    write_net(folder, form="faulty", fault="zip")
    (folder / "their" / "data").write_bytes(b"PK\x03\x04" + bytes(10))
    refused(genzoo.open_zoo(), "mine", "'data', a pickle")
    (folder / "their" / "data").unlink()
    write_net(folder, form="faulty", stem="net")
    assert_same(genzoo.load("mine"), net_tensors())
    (folder / "net.safetensors").write_bytes(b"\x80\x02csomething\n" * 10)
    refused(genzoo.open_zoo(), "mine", "is a pickle or a zip archive")


def test_hostile_37_scripts_are_not_run(reader: Path, cli: Cli) -> None:
    folder = write_net(reader / "mine")
    (folder / "handler.py").write_text("open('ran', 'w')")
    (folder / "their" / "__init__.py").write_text("open('ran', 'w')")
    done = cli("run", "mine", "-o", "x.png")
    assert done.code == 0, done.err
    assert "holds code, which is not run: 'handler.py' and 1 more" in done.err
    assert done.err.count("holds code") == 1
    assert not (reader / "ran").exists()


@pytest.mark.parametrize("length", [8 * 2**30, 2**63, 30_000_000])
def test_hostile_37_a_header_without_end(
    reader: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    path = write_net(reader / "mine") / "net.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    says = f"declares a header of {length} bytes; at most 25000000"
    assert_nothing_runs(monkeypatch, "mine", "'net.safetensors' of ", says)


def test_what_git_lfs_has_not_fetched(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_net(reader / "mine") / "net.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n")
    assert_nothing_runs(
        monkeypatch, "mine", "'net.safetensors' of ", "is a pointer of Git LFS", "`git lfs pull`"
    )


def test_hostile_37_numbers_that_are_not_finite(reader: Path) -> None:
    for dtype in (torch.float32, torch.float16, torch.float8_e5m2):
        tensors = net_tensors()
        tensors["body.bias"][0] = torch.nan
        tensors["body.bias"] = tensors["body.bias"].to(dtype)
        for form in ("nets", "built"):
            write_net(reader / form, tensors, form=form)
            refused(genzoo.open_zoo(), form, "their.body.bias' holds NaN or infinity")
