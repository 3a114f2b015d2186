"""Networks that `torch.compile` compiles when they first compute."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from genzoo_core.conditioner import Conditioner
from genzoo_core.encoder import Encoder
from genzoo_core.model import GenerativeModel


def compile_networks(module: nn.Module, wanted: bool = True) -> None:
    """Let the networks in a module be compiled, or not any more.

    They are its largest submodules with weights that compute by their `forward`, and hold no model,
    codec or conditioner. Each is compiled when it is first called, which takes seconds to minutes,
    and again for inputs of another shape or kind. Names and values of the weights stay; results
    differ by rounding.
    """
    for network in _networks(module):
        if not wanted:
            network._compiled_call_impl = None
        elif network._compiled_call_impl is None:
            network.compile()


def _networks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, Conditioner):
            continue
        if type(child).forward is CONTAINER or any(isinstance(p, OWN) for p in child.modules()):
            yield from _networks(child)
        elif any(True for _ in child.parameters()):
            yield child


CONTAINER = nn.Module.forward
"""What a module has for a `forward` whose submodules are called one by one."""

OWN = (GenerativeModel, Encoder, Conditioner)
"""What decides in Python what is computed: networks are in it."""
