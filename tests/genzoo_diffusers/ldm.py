"""A checkpoint in one file by the names of the first authors (CompVis), of a tiny pipeline."""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

from torch import Tensor

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
NET = [
    ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."),
    ("conv_in.", "input_blocks.0.0."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
    ("down_blocks.0.resnets.0.", "input_blocks.1.0."),
    ("down_blocks.0.downsamplers.0.conv.", "input_blocks.2.0.op."),
    ("down_blocks.1.resnets.0.", "input_blocks.3.0."),
    ("down_blocks.1.attentions.0.", "input_blocks.3.1."),
    ("mid_block.resnets.0.", "middle_block.0."),
    ("mid_block.attentions.0.", "middle_block.1."),
    ("mid_block.resnets.1.", "middle_block.2."),
    ("up_blocks.0.resnets.0.", "output_blocks.0.0."),
    ("up_blocks.0.attentions.0.", "output_blocks.0.1."),
    ("up_blocks.0.resnets.1.", "output_blocks.1.0."),
    ("up_blocks.0.attentions.1.", "output_blocks.1.1."),
    ("up_blocks.0.upsamplers.0.conv.", "output_blocks.1.2.conv."),
    ("up_blocks.1.resnets.0.", "output_blocks.2.0."),
    ("up_blocks.1.resnets.1.", "output_blocks.3.0."),
]
"""Of a U-Net of two levels with a layer each, as `checkpoints.text_unet` makes it."""
VAE = [
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.", "mid.attn_1."),
    (r"down_blocks\.(\d)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample."),
    (r"up_blocks\.0\.resnets\.", "up.1.block."),
    (r"up_blocks\.1\.resnets\.", "up.0.block."),
    (r"up_blocks\.0\.upsamplers\.0\.", "up.1.upsample."),
    ("conv_norm_out", "norm_out"),
    ("conv_shortcut", "nin_shortcut"),
    ("group_norm", "norm"),
    (r"to_([qkv])\.", r"\1."),
    (r"to_out\.0\.", "proj_out."),
]


def one_file(pipeline: Any) -> dict[str, Tensor]:
    """The tensors of a Stable Diffusion, in one file."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in pipeline.unet.state_dict().items():
        theirs, ours = next(pair for pair in NET if name.startswith(pair[0]))
        rest = name.removeprefix(theirs)
        if ".resnets." in theirs:
            kind, _, end = rest.partition(".")
            rest = f"{RESNET[kind]}.{end}"
        tensors[f"model.diffusion_model.{ours}{rest}"] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        is_matrix = "attentions" in name and tensor.dim() == 2
        own = reduce(lambda text, pair: re.sub(*pair, text), VAE, name)
        tensors[f"first_stage_model.{own}"] = tensor[..., None, None] if is_matrix else tensor
    for name, tensor in pipeline.text_encoder.state_dict().items():
        rest = name.removeprefix("text_model.")
        tensors[f"cond_stage_model.transformer.text_model.{rest}"] = tensor
    return {name: tensor.contiguous() for name, tensor in tensors.items()}
