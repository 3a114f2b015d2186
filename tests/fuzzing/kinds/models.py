"""Model files: one loads, shows what it says of itself and makes a picture, or is refused."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.judging import command, expect, parsed
from fuzzing.material import on_path, trap, write_diffusion, write_vae
from fuzzing.mutations import EDGES, as_json, changed, changed_bytes, changed_text

import genzoo
from genzoo_core.errors import ConfigError, GenzooError, WeightsError


def prepare() -> Callable[[Random], None]:
    import torch

    site = on_path("site")
    trap(site)
    write_diffusion(site, Path("diffusion.safetensors"))
    write_vae(Path("vae.safetensors"))
    sound = [Path(f"{name}.safetensors").read_bytes() for name in ("diffusion", "vae")]
    path = Path("mutated.safetensors")
    zoo = genzoo.open_zoo()
    torch.set_num_threads(1)

    def example(chance: Random) -> None:
        path.write_bytes(mutated(chance, chance.choice(sound)))
        try:
            module = zoo.open(path.name).module
        except GenzooError as error:
            expect("trap_module" not in sys.modules, "it imported what the file names")
            expect(isinstance(error, WeightsError | ConfigError), repr(error))
            raise
        finite = all(bool(tensor.isfinite().all()) for tensor in module.state_dict().values())
        expect(finite, "tensors are not finite")
        parsed(command("info", path, "--json"))
        expect(command("info", path), "info says nothing")
        expect("trap_module" not in sys.modules, "it imported what the file names")
        if chance.random() < 0.3:
            command("run", path, "-o", "a.png", "-f", "--no-preview")

    return example


def mutated(chance: Random, content: bytes) -> bytes:
    """The content of a model file after changes of its parts."""
    end = 8 + int.from_bytes(content[:8], "little")
    if chance.random() < 0.15:
        return changed_bytes(chance, content)
    header, data = json.loads(content[8:end]), content[end:]
    metadata = header["__metadata__"]
    for name in ("model", "card"):
        if chance.random() < 0.6:
            text = as_json(changed(chance, json.loads(metadata[name])))
            if chance.random() < 0.1:
                text = changed_text(chance, text)
            metadata[name] = text.decode("utf-8", "surrogateescape")
    if chance.random() < 0.1:
        header = changed(chance, header)
    text = as_json(header)
    if chance.random() < 0.1:
        text = changed_text(chance, text)
    if chance.random() < 0.1:
        data = changed_bytes(chance, data)
    length = len(text) if chance.random() < 0.95 else chance.choice(EDGES) % 2**64
    return struct.pack("<Q", length) + text + data
