"""Where a model can be put."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import Offload

if TYPE_CHECKING:
    from genzoo_core.zoo import Opened


def place(opened: Opened, device: str, offload: Offload = "") -> None:
    """Let a model compute on a device; offloaded, its weights come there when they are needed.

    Raises:
        UsageError: The model cannot be offloaded, or the device is the CPU, where weights wait.
    """
    from genzoo_core.model import Offloadable

    if offload not in get_args(Offload):
        raise UsageError(f"there is no offload {quoted(offload)}", "there are model and sequential")
    module = opened.module
    if offload and not isinstance(module, Offloadable):
        raise UsageError(f"{opened.name} cannot be offloaded", "leave out --offload")
    if offload and device.startswith("cpu"):
        raise UsageError(
            f"offload {offload} lets weights wait on the CPU for another device, and this is cpu",
            "say which with --device, or leave out --offload",
        )
    if isinstance(module, Offloadable):
        module.offload(offload, device)
    else:
        module.to(device)
    for part in opened.parts.values():
        part.to(device)
