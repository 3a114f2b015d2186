"""Folders in a format of others, as the program that it belongs to would write them."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
from torch import Tensor

NAMES = {
    "conditioning.conditioners.label.embedding": "classes.table",
    "conditioning.vectors.label": "classes.project",
    "couplings.": "blocks.",
    ".net.read.": ".input.",
    ".net.modulate.": ".style.",
    ".net.write.": ".output.",
}
"""The words of `genzoo_tiny.flow`, and those of a crate."""


def write_crate(folder: Path, box: Path) -> Path:
    """A crate with `config.json` and two shards: genzoo-tiny's flow, whose file lies in `box`."""
    folder.mkdir(exist_ok=True)
    config = {"architecture": "flow", "name": "rows", "data": "blobs", "depth": 6, "width": 32}
    (folder / "config.json").write_text(json.dumps({**config, "classes": 3}))
    readme = "---\nlicense: cc-by-4.0\ntags: [rows]\n---\n# Rows\n"
    (folder / "README.md").write_text(readme)
    tensors = {}
    for name, tensor in safetensors.torch.load_file(box / "tiny-nvp.safetensors").items():
        for ours, theirs in NAMES.items():
            name = name.replace(ours, theirs)  # noqa: PLW2901
        tensors[name] = tensor.half()
    write_shards(folder, tensors)
    return folder


def write_shards(
    folder: Path, tensors: dict[str, Tensor], stem: str = "model", variant: str = ""
) -> None:
    """Two shards and their index."""
    dot, names = f".{variant}" if variant else "", sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"{stem}{dot}-{number:05}-of-00002.safetensors"
        shard = {name: tensors[name].contiguous() for name in part}
        metadata = {"format": "pt", "written by": "another program"}
        safetensors.torch.save_file(shard, folder / file, metadata)
        weight_map |= dict.fromkeys(part, file)
    size = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / f"{stem}.safetensors.index{dot}.json").write_text(json.dumps(index))
