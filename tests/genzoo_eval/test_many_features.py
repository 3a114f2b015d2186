"""The features of very many pictures lie in files: memory does not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """import json, re, sys
from pathlib import Path
import torch
from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.spread import in_parts

def anonymous():
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) * 1024

cache, rows, size = Path(sys.argv[1]), 1_000_000, 64
in_parts(1000, 250, lambda first, end: torch.zeros(end - first, size))  # what it takes anyway
before = anonymous()
make = lambda first, end: torch.arange(first, end).float()[:, None].expand(-1, size)
features = in_parts(rows, 250, make)
save_tensors(cache, "features", {"train": features})
found = load_tensors(cache, "features")["train"]
more = anonymous() - before
print(json.dumps({
    "size": found.nbytes,
    "right": torch.equal(found, make(0, rows)) and torch.equal(features, found),
    "more": more,
}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_features_are_made_cached_and_found_outside_of_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["right"]
    assert found["size"] == 256_000_000
    assert found["more"] < 0.2 * found["size"]
