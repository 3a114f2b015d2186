"""Building modules that take no memory: their tensors lie on the meta device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from genzoo_core.errors import ConfigError

MAX_TENSORS = 20_000
"""How many tensors a module may allocate while it is built without weights."""

_ALLOCATORS = frozenset({torch.empty, torch.zeros, torch.ones, torch.full})
_FILLS = frozenset(
    f"{name}_"
    for name in (
        *("add", "clamp", "copy", "div", "erfinv", "exponential", "fill", "fill_diagonal"),
        *("mul", "normal", "random", "sub", "uniform", "zero"),
    )
)


class BlueprintMode(TorchFunctionMode):
    """While active, memory that a constructor asks for is on the meta device, and not filled.

    `torch.device("meta")` would do the same, but runs the initialisation of weights in Python
    kernels whose import costs as much as that of torch itself. What a constructor computes
    (positions, window functions) is computed: it is small, and is replaced by what the file holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._allocated = 0
        self._paused = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what has no weights: it may compute with the tensors that it makes."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> Any:
        arguments = dict(kwargs or {})
        if self._paused:
            return func(*args, **arguments)
        if func in _ALLOCATORS and arguments.get("device") is None:
            self._allocated += 1
            if self._allocated > MAX_TENSORS:
                raise ConfigError(f"the config asks for more than {MAX_TENSORS} tensors")
            arguments["device"] = "meta"
        filled = None
        if getattr(func, "__module__", None) == torch.nn.init.__name__:
            filled = arguments.get("tensor")
        elif getattr(func, "__name__", "") in _FILLS and args:
            filled = args[0]
        if isinstance(filled, Tensor) and filled.is_meta:
            return filled
        return func(*args, **arguments)
