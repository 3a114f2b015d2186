"""A request to a model: the one list of fields that the command line and Python share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from genzoo_core.config import Config

BATCH = 64
"""Pictures in a batch by default."""
MOST_PICTURES = 1_000_000
"""Most pictures of one run."""
MOST_SEED = 2**63 - 1
"""The largest seed."""

Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""The precision of networks: float32, bfloat16 or float16; "auto" for the model's own."""

Offload = Literal["", "model", "sequential"]
"""What of a model waits on the CPU: nothing, each network or each layer that is not computing."""

Seeds = Annotated[tuple[int, int], msgspec.Meta(description="two seeds")]


class Input(Config, omit_defaults=True):
    """An input picture: a file, or its bytes.

    Attributes:
        path: Where it lies; "" where its bytes are all there is.
        sha256: Digest of its bytes, once they were read.
        data: Its bytes, where no file is to be read. A record has the digest in their place.
    """

    path: str = ""
    sha256: str = ""
    data: bytes = b""


class Lora(Config, omit_defaults=True):
    """Low-rank changes to a model's weights (Hu et al. 2022, "LoRA").

    Attributes:
        path: A safetensors file, or a reference that a plugin knows how to fetch.
        scale: Factor of the changes; 1 for what they were trained as.
        sha256: Digest of the file, once it was read.
    """

    path: str
    scale: float = 1.0
    sha256: str = ""


class Request(Config, omit_defaults=True):
    """A request to a model, from the command line, Python, or a plugin's command.

    Picture j of prompt p has seed `seed + p * n + j`, or `seeds[p] + j`, and depends on its seed,
    its prompt and the options alone: not on how many are made, nor in what batches (but for
    rounding, far below one level in 255).

    Attributes:
        model: A name, the path of a model file, or a reference that a plugin knows how to fetch
            ("hf://owner/repo").
        prompts: One row of pictures each, read by the model's first conditioner; empty for
            pictures without a prompt.
        n: Pictures per prompt, or steps of a walk; by default 1, or 8 for a walk.
        seed: Seed of the first picture, in [0, 2**63); by default a random 32-bit one.
        seeds: Instead, the seed of each row's first picture.
        options: The model's options by name, typed or as text; also values of its conditioners
            other than the first, by their names. `genzoo info MODEL` lists them.
        conditions: Values of conditioners other than the first, as text, by name: one for all
            rows, or one for each.
        interpolate: Two seeds to walk between, or "inputs" to walk between the two inputs.
        negative: What the pictures shall not be, read by the model's first conditioner: it takes
            the place of null in guidance. None for null.
        inputs: Pictures to reconstruct, vary, walk between or encode.
        strength: How much of the inputs becomes noise before something is made of them, in
            [0, 1]. With neither this nor a mask they are reconstructed; with a mask it is 1 by
            default.
        mask: Which part of the inputs is made anew: the transparent pixels of this picture, or,
            where there are none, the white ones. It may be the input itself. None for all.
        latents: A file of latents, as `genzoo encode` writes it, to decode.
        encode: Whether to give the latents of the inputs, not pictures.
        loras: Low-rank changes to the weights, added up.
        variant: Which of several files of weights is read where a folder has some ("fp16").
        device: Where to compute: "cpu", "cuda", "mps"; "auto" for the first that is here of cuda,
            mps and cpu.
        offload: Where memory of the device is short, weights wait on the CPU until they are
            computed with: "model" brings one network of a pipeline after the other, which is
            nearly as fast, "sequential" one layer after the other. "" keeps all on the device.
        precision: What the networks compute in: "fp32", "bf16" or "fp16". "auto" is float32, or,
            of a model that a format of others builds, what it is loaded in. Samplers and what is
            fitted to latents compute in float32.
        compile: Whether `torch.compile` compiles the networks first.
        threads: CPU threads; by default the number that measures best for the model's size.
        batch: Pictures made at a time; halved where memory runs out.
    """

    model: str
    prompts: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    seeds: tuple[int, ...] = ()
    options: dict[str, Any] = {}
    conditions: Mapping[str, str | tuple[str, ...]] = {}
    interpolate: Seeds | Literal["inputs"] | None = None
    negative: str | None = None
    inputs: tuple[Input, ...] = ()
    strength: float | None = None
    mask: Input | None = None
    latents: Input | None = None
    encode: bool = False
    loras: tuple[Lora, ...] = ()
    variant: str = ""
    device: str = "cpu"
    offload: Offload = ""
    precision: Precision = "auto"
    compile: bool = False
    threads: int | None = None
    batch: int = BATCH


class Record(Request, omit_defaults=True, kw_only=True):
    """A request, filled in, and what it was resolved to: all that makes the same pictures again.

    Of the request, `model` is `distribution/name`, the path of a model file or a reference, `n`,
    `seed` and `threads` are numbers, `device` and `precision` what was computed with, `options`
    are all options of the model, and `inputs` have their digests. A picture does not depend on
    batch, threads and device but for rounding: made with the same ones it comes out bit by bit
    the same. In half precision that rounding can be seen.

    Attributes:
        weights: sha256 of the weights file; of a folder in a format of others, the digest of its
            sorted file digests. "" where no file holds them.
        files: sha256 of each file of such a folder that was read, by name.
        content: Digest of what that file says and holds, its parts among it: the same for a file
            that `genzoo export` makes of it.
        parts: sha256 of each shared part's weights, by role.
        defaults: What the model chose where the options leave it open: steps, sampler, guidance.
        pictures: Which of the run's pictures these are, [first, last), where they are not all:
            one picture of a folder, or what was finished when the run was interrupted.
        versions: Versions of genzoo, torch, the model's distribution.
    """

    n: int
    seed: int
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    threads: int = 1
    weights: str
    files: dict[str, str] = {}
    content: str = ""
    parts: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    pictures: tuple[int, int] | None = None
    versions: dict[str, str] = {}
