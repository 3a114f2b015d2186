"""The cached list of what is installed: right whatever the file says."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzzing.judging import expect
from fuzzing.material import install, on_path
from fuzzing.mutations import TOKENS, as_json, changed, changed_bytes, changed_text

import genzoo

MANIFEST = """
api = 2
[[models]]
name = "fine"
family = "vae"
summary = "The model fine."
shape = [1, 8, 8]
"""
METRIC = {"name": "FD", "value": 1.5, "command": "genzoo eval x", "n": 10, "floor": 1.0}


def prepare() -> Callable[[Random], None]:
    os.environ["GENZOO_DISABLE"] = "genzoo"  # a search is fast without these
    site = on_path("site")
    package = install(site, "good-one", MANIFEST)
    (package / "figures.json").write_text(json.dumps({"fine": [METRIC]}))
    hour_ago = time.time() - 3600
    for path in [*site.rglob("*"), site]:  # what changed a moment ago is not cached
        os.utime(path, (hour_ago, hour_ago))
    card = genzoo.card("fine")
    [file] = Path(os.environ["GENZOO_CACHE"]).glob("index/*")
    whole = file.read_bytes()
    tree = json.loads(whole.partition(b"\n")[2])

    def example(chance: Random) -> None:
        file.write_bytes(mutated(chance, whole, tree))
        expect(genzoo.list_models() == ["fine"], "another list")
        expect(genzoo.card("good-one/fine") == card, "another card")

    return example


def mutated(chance: Random, whole: bytes, tree: object) -> bytes:
    """The file damaged, or made to hurt: its key stays, or it would not be read at all."""
    if chance.random() < 0.4:
        return changed_bytes(chance, whole)
    content = as_json(tree)
    if chance.random() < 0.5:
        content = chance.choice(
            [chance.choice(TOKENS) * 5, as_json(changed(chance, [tree])) + b"x"]
        )
    content = changed_text(chance, content)
    right = chance.random() < 0.5 and json_is_broken(content)
    return b"%08x\n" % (zlib.crc32(content) if right else chance.randrange(2**32)) + content


def json_is_broken(content: bytes) -> bool:
    """Whether it is no JSON. Who forges a cache, checksum and all, is its owner."""
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return True
    return False
