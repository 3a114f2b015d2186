"""The one network that all of them use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genzoo_core import Condition


class Net(nn.Module):
    """One hidden layer, told the condition and, as a number, the time."""

    def __init__(self, inputs: int, outputs: int, hidden: int, condition_dim: int) -> None:
        super().__init__()
        self.read = nn.Linear(inputs + 1, hidden)
        self.modulate = nn.Linear(condition_dim, hidden)
        self.write = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor, condition: Condition | None, time: Tensor | None = None) -> Tensor:
        flat = x.flatten(1)
        clock = torch.zeros(len(flat)) if time is None else time
        h = self.read(torch.cat([flat, clock[:, None].to(flat)], 1))
        if condition is not None:
            h = h + self.modulate(condition.vector)
        out: Tensor = self.write(nn.functional.silu(h))
        return out
