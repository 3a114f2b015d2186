"""What a rank does in the tests: `python spread_cases.py parts|eval|train …`, or by torchrun."""

from __future__ import annotations

import json
import sys

import torch
from torch import Tensor

import genzoo_eval.after_training
import genzoo_eval.own_nets
from genzoo.cli import main
from genzoo_core.errors import NotFittedError
from genzoo_eval.spread import everywhere, first, in_parts, sharing


def parts() -> None:
    """Print what this rank gets, as JSON in a line that begins with its index."""
    with sharing() as ranks:
        index = ranks.index if ranks else 0

        def rows(start: int, end: int) -> Tensor:
            return torch.arange(start, end)[:, None] * torch.tensor([1, 10])

        def unfitted(start: int, end: int) -> Tensor:
            if start == 4:
                raise NotFittedError("never fitted")
            return torch.zeros(end - start)

        try:
            in_parts(9, 2, unfitted)
            raised = False
        except NotFittedError:
            raised = True
        found = {
            "rows": [in_parts(total, 4, rows).tolist() for total in (1, 4, 5, 16, 23)],
            "bytes": in_parts(300, 100, lambda a, b: torch.arange(a, b).to(torch.uint8)).tolist(),
            "raised": raised,
            "first": first(),
            "of all": everywhere("here"),
            "of some": everywhere("here" if index == 0 else None),
        }
    sys.stdout.write(f"{index} {json.dumps(found)}\n")


if __name__ == "__main__":
    if sys.argv[1] == "parts":
        parts()
    else:
        genzoo_eval.own_nets.LEAST, genzoo_eval.own_nets.PASSES = 40, 0
        genzoo_eval.after_training.ENOUGH = 0
        sys.exit(main(sys.argv[1:]))
