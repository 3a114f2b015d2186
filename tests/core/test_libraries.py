"""torchvision can be imported beside every build of torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genzoo_core.libraries import mend_torchvision

# Stands in for a torchvision whose operators were built for another torch.
TORCHVISION = """
import torch
for name in ("nms", "qnms"):
    torch.library.register_fake(f"torchvision::{name}")(lambda dets, scores, iou_threshold: dets)
READY = True
"""
# The second time it finds a torchvision that works.
SCRIPT = """
from genzoo_core.libraries import mend_torchvision
mend_torchvision()
mend_torchvision()
import torchvision
print(torchvision.READY)
"""


def test_torchvision_is_mended_where_its_operators_are_missing(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text(TORCHVISION)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr


def test_another_fault_of_torchvision_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('no such file: libjpeg.so')")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match="libjpeg"):
        mend_torchvision()
