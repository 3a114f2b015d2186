"""Tiny checkpoints with random weights, as `diffusers` itself saves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from genzoo_core.libraries import mend_torchvision

mend_torchvision()

import diffusers  # noqa: E402
from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import (  # noqa: E402
    LDMBertConfig,
    LDMBertModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from tokenizers.models import WordLevel  # noqa: E402
from tokenizers.pre_tokenizers import Whitespace  # noqa: E402
from transformers import (  # noqa: E402
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    Gemma2Config,
    Gemma2Model,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

diffusers.utils.logging.disable_progress_bar()

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
LAYERS = {"num_layers": 1, "attention_head_dim": 8, "in_channels": 4}
LABELS = {str(number): f"thing {number}, item {number}" for number in range(10)}


def unet(size: int | tuple[int, int] = 16, channels: int = 3, **config: Any) -> Any:
    return diffusers.UNet2DModel(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        attention_head_dim=4,
        **config,
    )


def vae(**config: Any) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        sample_size=32,
        **config,
    )


def text_unet(**config: Any) -> Any:
    return diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        **({"cross_attention_dim": 16, "attention_head_dim": 2} | config),
    )


def write_words(folder: Path) -> tuple[str, str]:
    """The files of a tokenizer of single characters and the word "red", as OpenAI wrote them."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = [chr(point) for point in range(33, 127)]
    words = [*characters, *(f"{each}</w>" for each in characters), "re", "red</w>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\nr e\nre d</w>\n")
    return str(folder / "vocab.json"), str(folder / "merges.txt")


def tokenizer(folder: Path) -> CLIPTokenizer:
    return CLIPTokenizer(*write_words(folder), model_max_length=20)


def text_config(tokens: int, **config: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=20,
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
        **config,
    )


def ddpm(folder: Path) -> Any:
    return diffusers.DDPMPipeline(unet(), diffusers.DDPMScheduler())


def ddim(folder: Path) -> Any:
    """Of one channel, not square, that predicts v on a schedule that ends in noise alone."""
    scheduler = diffusers.DDIMScheduler(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing"
    )
    return diffusers.DDIMPipeline(unet((8, 16), 1), scheduler)


def consistency(folder: Path) -> Any:
    scheduler = diffusers.CMStochasticIterativeScheduler()
    return diffusers.ConsistencyModelPipeline(unet(num_class_embeds=5), scheduler)


def dit(folder: Path, classes: int = 1000) -> Any:
    transformer = diffusers.DiTTransformer2DModel(
        **LAYERS,
        sample_size=8,
        num_attention_heads=2,
        out_channels=8,
        num_embeds_ada_norm=classes,
    )
    return diffusers.DiTPipeline(transformer, vae(), diffusers.DDIMScheduler())


def stable_diffusion(folder: Path) -> Any:
    reads = tokenizer(folder / "words")
    return diffusers.StableDiffusionPipeline(
        vae=vae(latent_channels=4),
        text_encoder=CLIPTextModel(text_config(len(reads))),
        tokenizer=reads,
        unet=text_unet(),
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1, **BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def two_encoders(folder: Path, first: type[Any]) -> dict[str, Any]:
    """The text encoders of Stable Diffusion XL and 3, and their tokenizers."""
    reads = tokenizer(folder / "words")
    config = text_config(len(reads), projection_dim=16)
    return {
        "text_encoder": first(config),
        "text_encoder_2": CLIPTextModelWithProjection(config),
        "tokenizer": reads,
        "tokenizer_2": reads,
    }


def stable_diffusion_xl(folder: Path) -> Any:
    net = text_unet(
        cross_attention_dim=32,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=4,
        projection_class_embeddings_input_dim=6 * 4 + 16,
    )
    return diffusers.StableDiffusionXLPipeline(
        vae=vae(latent_channels=4),
        **two_encoders(folder, CLIPTextModel),
        unet=net,
        scheduler=diffusers.EulerDiscreteScheduler(timestep_spacing="leading", **BETAS),
    )


def words() -> PreTrainedTokenizerFast:
    """A tokenizer of whole words."""
    numbers = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "red": 4, "cat": 5}
    reads = Tokenizer(WordLevel(numbers, unk_token="<unk>"))
    reads.pre_tokenizer = Whitespace()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=reads, model_max_length=20, **special)


def t5() -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(vocab_size=6, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4)
    )


def lcm(folder: Path) -> Any:
    pipeline = stable_diffusion(folder)
    net = text_unet(time_cond_proj_dim=8)
    parts = {**pipeline.components, "unet": net, "scheduler": diffusers.LCMScheduler(**BETAS)}
    del parts["image_encoder"]
    return diffusers.LatentConsistencyModelPipeline(**parts, requires_safety_checker=False)


def guarded(folder: Path) -> Any:
    """Stable Diffusion with a safety checker, whose class is among the pipelines'."""
    pipeline = stable_diffusion(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision = {**sizes, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(text_config={}, vision_config=vision, projection_dim=8)
    )
    looks = CLIPImageProcessor(size=32, crop_size=32)
    parts = {**pipeline.components, "safety_checker": checker, "feature_extractor": looks}
    return diffusers.StableDiffusionPipeline(**parts)


def ldm(folder: Path) -> Any:
    bert = LDMBertModel(
        LDMBertConfig(
            vocab_size=6,
            encoder_layers=1,
            encoder_ffn_dim=16,
            encoder_attention_heads=2,
            head_dim=8,
            d_model=16,
        )
    )
    blocks = {"block_out_channels": (4, 4, 4, 4)}
    blocks["down_block_types"] = ("DownEncoderBlock2D",) * 4
    blocks["up_block_types"] = ("UpDecoderBlock2D",) * 4
    return diffusers.LDMTextToImagePipeline(
        vqvae=diffusers.AutoencoderKL(**blocks, latent_channels=4, norm_num_groups=4),
        bert=bert,
        tokenizer=words(),
        unet=text_unet(),
        scheduler=diffusers.DDIMScheduler(),
    )


def pixart(folder: Path) -> Any:
    transformer = diffusers.PixArtTransformer2DModel(
        **LAYERS,
        sample_size=16,
        num_attention_heads=4,
        caption_channels=32,
        cross_attention_dim=32,
        out_channels=8,
    )
    return diffusers.PixArtAlphaPipeline(
        transformer=transformer,
        vae=vae(latent_channels=4),
        scheduler=diffusers.DDIMScheduler(),
        text_encoder=t5(),
        tokenizer=words(),
    )


def stable_diffusion_3(folder: Path) -> Any:
    transformer = diffusers.SD3Transformer2DModel(
        **LAYERS,
        sample_size=16,
        patch_size=1,
        out_channels=4,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=32,
    )
    return diffusers.StableDiffusion3Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        **two_encoders(folder, CLIPTextModelWithProjection),
        text_encoder_3=t5(),
        tokenizer_3=words(),
        transformer=transformer,
        vae=vae(latent_channels=4, shift_factor=0.1),
    )


def flux(folder: Path) -> Any:
    reads = tokenizer(folder / "words")
    transformer = diffusers.FluxTransformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=16,
        axes_dims_rope=[4, 4, 8],
    )
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        text_encoder=CLIPTextModel(text_config(len(reads))),
        text_encoder_2=t5(),
        tokenizer=reads,
        tokenizer_2=words(),
        transformer=transformer,
        vae=vae(latent_channels=4, shift_factor=0.1),
    )


def sana(folder: Path) -> Any:
    transformer = diffusers.SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=16,
    )
    autoencoder = diffusers.AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
    )
    sizes = {"hidden_size": 8, "intermediate_size": 16, "head_dim": 8, "num_hidden_layers": 1}
    config = Gemma2Config(**sizes, num_attention_heads=2, num_key_value_heads=2, vocab_size=6)
    return diffusers.SanaPipeline(
        transformer=transformer,
        vae=autoencoder,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        text_encoder=Gemma2Model(config),
        tokenizer=words(),
    )


PIPELINES: dict[str, Callable[[Path], Any]] = {
    "ddpm": ddpm,
    "ddim": ddim,
    "consistency": consistency,
    "dit": dit,
    "sd": stable_diffusion,
    "xl": stable_diffusion_xl,
    "vae": lambda folder: vae(latent_channels=4),
    "lcm": lcm,
    "classes": lambda folder: unet(num_class_embeds=5),
    "half shards": lambda folder: unet().half(),
    "guarded": guarded,
    "ldm": ldm,
    "pixart": pixart,
    "sd3": stable_diffusion_3,
    "flux": flux,
    "sana": sana,
}


def save(name: str, folder: Path, **how: Any) -> Path:
    """Save one of `PIPELINES`; `how` goes to `save_pretrained`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        PIPELINES[name](folder.parent / f"{folder.name}-parts").save_pretrained(folder, **how)
    if name == "sd":  # as repositories of 2022 have it; the other one is newer
        (folder / "tokenizer" / "tokenizer.json").unlink()
        write_words(folder / "tokenizer")
    if name == "dit":  # as facebook/DiT-XL-2-256 has it
        index = folder / "model_index.json"
        index.write_text(json.dumps({**json.loads(index.read_text()), "id2label": LABELS}))
    return folder
