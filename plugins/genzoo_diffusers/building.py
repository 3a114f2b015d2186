"""A pipeline as a model that can do what its libraries can do with its parts."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, cast

from genzoo_core import Adaptable, Guided, Inpainting, Offloadable, Varying
from genzoo_diffusers.classes import listed_class
from genzoo_diffusers.options import common_arguments, options_struct
from genzoo_diffusers.pipeline import TRUE_SCALE, PipelineModel
from genzoo_diffusers.samplers import samplers_for
from genzoo_diffusers.trainable import spec_of


def model_of(
    pipeline: Any, sample_shape: tuple[int, int, int], settings: Sequence[str] = ()
) -> PipelineModel:
    """A pipeline as a model that can do what it can: be guided, begin from a picture, inpaint.

    Args:
        pipeline: `diffusers.DiffusionPipeline`.
        sample_shape: (C, H, W) of its pictures unless options say otherwise.
        settings: Options, each a text, that were read when it was loaded.
    """
    parameters = inspect.signature(type(pipeline).__call__).parameters
    varying = _for_task(pipeline, "Img2Img")
    inpainting = _for_task(pipeline, "Inpaint")
    pipeline.set_progress_bar_config(disable=True)
    able: list[type] = [PipelineModel, Offloadable]
    if "negative_prompt" in parameters and {"guidance_scale", TRUE_SCALE} & parameters.keys():
        able.append(Guided)
    if hasattr(pipeline, "load_lora_weights"):
        able.append(Adaptable)
    if varying is not None:
        able.append(Varying if inpainting is None else Inpainting)
    tasks = [each for each in (pipeline, varying, inpainting) if each is not None]
    arguments = common_arguments([type(each).__call__ for each in tasks])
    options = options_struct(arguments, samplers_for(pipeline), settings)
    fields: dict[str, Any] = {"Options": options}
    if spec := spec_of(pipeline, sample_shape):
        fields["spec"] = spec  # which makes it a `Rebuildable`
    cls = type("PipelineModel", tuple(able), fields)
    return cast("PipelineModel", cls(pipeline, sample_shape, varying, inpainting))


def _for_task(pipeline: Any, task: str) -> Any | None:
    """The pipeline of the same parts for another task; None where there is none.

    `AutoPipeline` finds it, too, but imports every pipeline that there is, and `from_pipe` casts
    the parts to one dtype, though some are kept in another.
    """
    name = f"{type(pipeline).__name__.removesuffix('Pipeline')}{task}Pipeline"
    cls = listed_class("diffusers", name)
    if cls is None:
        return None
    own = {**pipeline.config, **pipeline.components}
    made = cls(**{each: own[each] for each in inspect.signature(cls).parameters if each in own})
    made.set_progress_bar_config(disable=True)
    return made
