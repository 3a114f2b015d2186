"""Pipelines of diffusers as models of genzoo."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import torch
from torch import Tensor, nn

from genzoo_core import (
    Condition,
    Conditioner,
    Config,
    Context,
    GenerativeModel,
    GenzooError,
    Offload,
    OnStep,
    Rng,
    SampleRng,
    Start,
    TrainingError,
    UsageError,
)
from genzoo_core.images import to_pil, to_uint8
from genzoo_diffusers.classes import one_line
from genzoo_diffusers.codec import KLCodec
from genzoo_diffusers.conditioners import Classes, Prompt, class_count, texts
from genzoo_diffusers.drawing import Noise, drawing, images_of, rows_of, steps_of_all
from genzoo_diffusers.options import arguments_of
from genzoo_diffusers.preview import Preview
from genzoo_diffusers.samplers import make_scheduler

BATCHED = (
    "ConsistencyModelPipeline",
    "DDIMPipeline",
    "DDPMPipeline",
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
)
"""Pipelines whose pictures do not depend on those of the same batch. The others make them singly:
some fill up prompts to the longest, some draw for a doubled batch."""

TRUE_SCALE = "true_cfg_scale"
"""The scale of guidance of pipelines whose `guidance_scale` is another thing."""
IMAGENET = 1000


class PipelineModel(GenerativeModel[Any]):
    """A text-to-image or unconditional pipeline, called as its users call it.

    Picture i is what `pipeline(…, generator=torch.Generator().manual_seed(seed))` gives alone.

    Args:
        pipeline: `diffusers.DiffusionPipeline`.
        sample_shape: (C, H, W) of its pictures unless options say otherwise.
        varying, inpainting: The pipelines of the same parts that begin from pictures, or None.
    """

    Config = Config

    def __init__(
        self, pipeline: Any, sample_shape: tuple[int, int, int], varying: Any, inpainting: Any
    ) -> None:
        # It owns no component that a context could build.
        super().__init__(cast(Context, SimpleNamespace(conditioners={})))
        self.sample_shape = sample_shape
        self.parts = nn.ModuleDict(
            {k: v for k, v in pipeline.components.items() if isinstance(v, nn.Module)}
        )
        self.pipeline, self._varying, self._inpainting = pipeline, varying, inpainting
        self._own_scheduler, self._adapted = pipeline.scheduler, False
        self._place: tuple[Offload, str] = "", "cpu"
        # Some give tensors in another range; those known to be in [0, 1] may be in half precision.
        self._output = "pt" if type(pipeline).__name__ in BATCHED else "np"
        self.arguments = arguments_of(type(pipeline).__call__)
        self._taken = inspect.signature(type(pipeline).__call__).parameters
        self._classes = class_count(pipeline)
        reads: dict[str, Conditioner] = {}
        if "prompt" in self._taken:
            reads["prompt"] = Prompt()
        elif "class_labels" in self._taken and self._classes:
            reads["label"] = Classes(getattr(pipeline, "labels", {}), self._classes)
        self.conditioning.conditioners.update(reads)
        self.conditioning.by_name.update(reads)
        vae = pipeline.components.get("vae")
        if type(vae).__name__ == "AutoencoderKL":
            self.codec = KLCodec(vae, sample_shape)

    def condition(self, conditions: Mapping[str, Tensor], n: int) -> Condition | None:
        return None  # neither its encoder nor its decoder takes one

    def shape(self, options: Any) -> tuple[int, int, int]:
        height = getattr(options, "height", None) or self.sample_shape[1]
        width = getattr(options, "width", None) or self.sample_shape[2]
        return self.sample_shape[0], height, width

    def guidance(self, options: Any, *, asked: bool = True) -> float:
        """The scale of guidance; see `Guided`."""
        # Where both are there, guidance_scale is an input of a distilled network.
        name = TRUE_SCALE if TRUE_SCALE in self._taken else "guidance"
        scale = getattr(options, name, None)
        if scale is None:
            scale = self._taken[name if name == TRUE_SCALE else "guidance_scale"].default
        return float(scale or 1)

    def check_options(self, options: Any) -> None:
        factor = getattr(self.pipeline, "vae_scale_factor", 1)
        for name in ("height", "width"):
            side = getattr(options, name, None)
            if side is not None and side % factor:
                raise UsageError(f"{name} is {side}; give a multiple of {factor}")
        self._scheduler(options)
        is_small = type(self.pipeline).__name__ == "DiTPipeline" and self._classes < IMAGENET
        if is_small and self.guidance(options) > 1:  # its null is the class past those of ImageNet
            raise UsageError(
                f"a DiTPipeline of {self._classes} classes is not guided", "use --guidance 1"
            )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: Any,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
        negative: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Pictures, float32 `[rng.n, C, H, W]` in [-1, 1].

        Raises:
            UsageError: The pipeline does not take what is wanted of it.
        """
        if start is not None and start.strength == 0:
            return self._codec.reconstruct(start.images)
        conditions = self.conditioning.complete(conditions, rng.n)
        noise = None if isinstance(rng, SampleRng) else Noise(rng)
        seeds = rng.seeds if isinstance(rng, SampleRng) else (0,) * rng.n
        batched = type(self.pipeline).__name__ in BATCHED
        made = []
        for first in range(0, rng.n, rng.n if batched else 1):
            rows = slice(first, rng.n if batched else first + 1)
            call = self._subject(conditions, negative, rows, seeds[rows])
            step = on_step and steps_of_all(on_step, first, rng.n, batched)
            with nullcontext() if noise is None else noise.of(rows, self.pipeline):
                made.append(self._made(call, options, seeds[rows], step, rows_of(start, rows)))
        return torch.cat(made)

    def adapt(self, loras: Sequence[tuple[Mapping[str, Tensor], float]]) -> None:
        """Add low-rank changes to the weights; see `Adaptable`."""
        place = self._place
        if place[0]:  # weights that wait elsewhere cannot be changed
            self.offload("", "cpu")
        if self._adapted:
            self.pipeline.unload_lora_weights()
        self._adapted = bool(loras)
        scales: dict[str, float] = {}
        for tensors, scale in loras:
            name = f"lora{len(scales)}"
            scales[name] = scale
            try:
                self.pipeline.load_lora_weights(dict(tensors), adapter_name=name)
                changed = self.pipeline.get_list_adapters()
            except (ValueError, RuntimeError, KeyError, ImportError) as error:
                raise UsageError(f"this LoRA is for another model: {one_line(error)}") from error
            if not any(name in names for names in changed.values()):
                raise UsageError("this LoRA is for another model: it changes no weights of this")
        if scales:
            self.pipeline.set_adapters(list(scales), list(scales.values()))
        if place[0]:
            self.offload(*place)

    def offload(self, mode: Offload, device: str) -> None:
        """Keep weights on the CPU until they are computed with; see `Offloadable`."""
        self.pipeline.remove_all_hooks()
        self._place = mode, device
        if not mode:
            self.to(device)
        elif mode == "sequential":
            self.pipeline.enable_sequential_cpu_offload(device=device)
        elif self.pipeline.model_cpu_offload_seq is None:
            name = type(self.pipeline).__name__
            raise UsageError(f"a {name} is not offloaded by networks", "use --offload sequential")
        else:
            self.pipeline.enable_model_cpu_offload(device=device)

    def save(self, folder: Path) -> None:
        """Write the pipeline as diffusers does, with the names of its classes."""
        self.pipeline.save_pretrained(folder)
        labels: dict[int, list[str]] = {}
        for name, number in (getattr(self.pipeline, "labels", None) or {}).items():
            labels.setdefault(number, []).append(name)
        if labels:
            index = folder / "model_index.json"
            named = {str(number): ", ".join(labels[number]) for number in sorted(labels)}
            fields = {**json.loads(index.read_text(encoding="utf-8")), "id2label": named}
            index.write_text(json.dumps(fields, indent=2), encoding="utf-8")

    def loss(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrainingError(
            f"a {type(self.pipeline).__name__} is not trained here", "diffusers has scripts for it"
        )

    @property
    def _codec(self) -> KLCodec:
        assert isinstance(self.codec, KLCodec)  # whatever begins from a picture has one
        return self.codec

    @cached_property
    def _preview(self) -> Preview:
        return Preview(self._codec, torch.device(self._place[1]))

    def _subject(
        self,
        conditions: Mapping[str, Tensor],
        negative: Mapping[str, Tensor] | None,
        rows: slice,
        seeds: Sequence[int],
    ) -> dict[str, Any]:
        """The arguments that say what some pictures shall be."""
        call: dict[str, Any] = {"batch_size": len(seeds)} if "batch_size" in self._taken else {}
        if not self.conditioners:
            return call
        ((name, reads),) = self.conditioners.items()
        prepared = conditions[name][rows]
        if isinstance(reads, Prompt):
            call = {"prompt": texts(prepared)}
            if negative is not None:
                call["negative_prompt"] = texts(negative[name][rows])
            return call
        classes = prepared.tolist()
        if call:
            for row, seed in enumerate(seeds):
                if classes[row] == self._classes:
                    # The pipeline would draw a class from torch's own generator. The noise of the
                    # seed stays what it is with a class.
                    generator = torch.Generator().manual_seed(seed)
                    classes[row] = int(torch.randint(self._classes, (1,), generator=generator))
        return {**call, "class_labels": classes}

    def _made(
        self,
        call: dict[str, Any],
        options: Any,
        seeds: Sequence[int],
        on_step: OnStep | None,
        start: Start | None,
    ) -> Tensor:
        """Pictures by one call of the pipeline, or of what begins from pictures in its place."""
        pipeline = self.pipeline
        if start is not None:
            varying = inspect.signature(type(self._varying).__call__).parameters
            steps = getattr(options, "steps", None) or varying["num_inference_steps"].default
            # A consistency model takes its share of the steps that it was trained with.
            if "original_inference_steps" not in varying and int(start.strength * steps) < 1:
                raise UsageError(
                    f"with strength {start.strength:g} none of {steps} steps is done",
                    "raise --strength or --steps",
                )
            pipeline = self._inpainting if start.mask is not None else self._varying
            call["image"] = [to_pil(picture) for picture in to_uint8(start.images.cpu())]
            call["strength"] = start.strength
            if start.mask is not None:
                masks = start.mask.expand(len(seeds), -1, -1, -1).cpu()
                call["mask_image"] = [to_pil(255 * mask.to(torch.uint8)) for mask in masks]
        for each in self.arguments:
            value = getattr(options, each.option)
            if value is not None:
                listed = isinstance(value, str) and each.of_each
                call[each.name] = [value] * len(seeds) if listed else value
        shape = self.shape(options)
        if {"height", "width"} <= self._taken.keys():
            call |= {"height": shape[1], "width": shape[2]}
        taken = inspect.signature(type(pipeline).__call__).parameters
        call = {name: value for name, value in call.items() if name in taken}
        pipeline.scheduler = scheduler = self._scheduler(options)
        seen = on_step and (lambda i, n, x: on_step(i, n, self._seen(x, len(seeds), shape)))
        try:
            with drawing(scheduler, seeds, seen) as generator:
                result = pipeline(**call, generator=generator, output_type=self._output)
        except Exception as error:  # whatever each pipeline, and what it is made of, raises
            if isinstance(error, GenzooError) or "memory" in str(error):
                raise  # a smaller batch may do
            name = type(pipeline).__name__
            raise UsageError(f"{name} cannot make this: {one_line(error)}") from error
        return images_of(result.images)

    def _seen(self, x: Tensor, n: int, shape: tuple[int, int, int]) -> Tensor:
        """Pictures so far, `[n, C, H, W]`, of what is denoised; grey where that is costly."""
        x = x[:n]  # a guided one may be there twice
        if x.shape[1:] == shape:
            return x.float().clamp(-1, 1)
        if self.codec is not None and x.dim() == 4 and x.shape[1] == self._codec.latent_shape[0]:
            return self._preview(x, *shape[1:])
        return torch.zeros(n, *shape)

    def _scheduler(self, options: Any) -> Any:
        """What samples: the folder's own scheduler, or the one that was chosen."""
        name, own = getattr(options, "sampler", None), self._own_scheduler
        if name is None:
            return type(own).from_config(own.config)
        try:
            return make_scheduler(name, own)
        except ImportError as error:
            raise UsageError(f"sampler {name}: {one_line(error)}") from error
