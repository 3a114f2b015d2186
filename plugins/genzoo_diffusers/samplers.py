"""Schedulers of diffusers by the names that their users know them by."""

from __future__ import annotations

from typing import Any

SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2-a": ("KDPM2AncestralDiscreteScheduler", {}),
    "dpm++-2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpm++-2m-karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    "dpm++-2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpm++-2s": ("DPMSolverSinglestepScheduler", {}),
    "dpm++-sde": ("DPMSolverSDEScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "flow-euler": ("FlowMatchEulerDiscreteScheduler", {}),
    "flow-heun": ("FlowMatchHeunDiscreteScheduler", {}),
}
"""Class of the scheduler, and what its config says beside that of the folder."""

ALSO = ("LCMScheduler", "TCDScheduler")
"""Schedulers that no list of compatible ones names, though they read the config of these."""


UNSCALED = {"ddim", "ddpm", "deis", "dpm++-2m", "dpm++-2m-karras", "dpm++-2m-sde", "dpm++-2s"}
"""Samplers that begin from noise of variance 1."""
ABLE = {"DDIMPipeline": {"ddim"}, "DDPMPipeline": {"ddim", "ddpm"}, "DiTPipeline": UNSCALED}
"""Pipelines that do not scale their noise, or pass what other schedulers do not take."""


def samplers_for(pipeline: Any) -> list[str]:
    """The names of the samplers that can take the place of a pipeline's scheduler."""
    if pipeline._load_connected_pipes:  # it passes on to others, which have their own
        return []
    scheduler, name = pipeline.scheduler, type(pipeline).__name__
    able = {type(scheduler).__name__, *getattr(scheduler, "_compatibles", ())}
    if "DDIMScheduler" in able:
        able |= set(ALSO)
    if "FlowMatchEulerDiscreteScheduler" in able:
        able.add("FlowMatchHeunDiscreteScheduler")
    own = ABLE.get(name, SAMPLERS.keys())
    return [name for name, (cls, _) in SAMPLERS.items() if cls in able and name in own]


def make_scheduler(name: str, own: Any) -> Any:
    """The scheduler of a sampler, with the config of the folder's own.

    Raises:
        ImportError: It needs a package that is not installed.
    """
    import diffusers

    cls, changes = SAMPLERS[name]
    return getattr(diffusers, cls).from_config(own.config, **changes)
