"""Which parts of a module `torch.compile` gets, and that their results stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genzoo_core.compiling import compile_networks


class Ladder(nn.Module):
    """Networks in a list; one without weights; one alone."""

    def __init__(self) -> None:
        super().__init__()
        self.rungs = nn.ModuleList([nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.SiLU())])
        self.act = nn.Tanh()
        self.last = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        for rung in self.rungs:
            x = self.act(rung(x))
        out: Tensor = self.last(x)
        return out


def compiled(module: nn.Module) -> list[str]:
    return [name for name, part in module.named_modules() if part._compiled_call_impl]


def test_networks_are_the_largest_parts_with_weights() -> None:
    module = Ladder()
    names = list(module.state_dict())
    compile_networks(module)
    assert compiled(module) == ["rungs.0", "rungs.1", "last"]
    assert list(module.state_dict()) == names
    compile_networks(module, False)
    assert compiled(module) == []


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_results_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    module, x = Ladder(), torch.randn(5, 3)
    expected = module(x)
    compile_networks(module)
    torch.testing.assert_close(module(x), expected)
