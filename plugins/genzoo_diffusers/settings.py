"""Settings in the files of a checkpoint, which ask for no code and for nothing elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from genzoo_core import ConfigError, Folder
from genzoo_diffusers.classes import short

AUTO = re.compile(r"Auto[A-Z]\w*")
"""Classes that read in a file which class to be. `AutoencoderKL` is none of them."""
ELSEWHERE = re.compile(r"hf[-_]hub:|local-dir:")
"""Beginnings of names by which timm, of which some text and picture encoders are made, fetches."""

_CODE = ("code of its own, which is never run", "use a model that needs none")
_KERNEL = (
    "a kernel, which is code from elsewhere",
    'write "sdpa" or "eager" there, or leave it out',
)
_FILE = ("a file by its path, which is never followed", "leave it out: it is found by its name")
_ELSEWHERE = ("weights that lie elsewhere", "use a folder that holds all of its weights")
_QUANTIZED = ("weights that the code of a quantizer reads", "save it in float16 or float32")

REFUSED = {
    "auto_map": _CODE,
    "trust_remote_code": _CODE,
    "custom_code": _CODE,
    "custom_generate": _CODE,
    "custom_pipeline": _CODE,
    "custom_pipelines": _CODE,
    "use_kernels": _KERNEL,
    "kernel_config": _KERNEL,
    "fusion_config": ("changes to the code of the library", "leave it out"),
    "init_inputs": _FILE,
    "audio_tokenizer": _ELSEWHERE,
    "audio_tokenizer_name_or_path": _ELSEWHERE,
    "base_model_name_or_path": _ELSEWHERE,
    "transformers_weights": _ELSEWHERE,
    "quantization_config": _QUANTIZED,
    "compression_config": _QUANTIZED,
}
"""Keys of configs, without underscores around them: what they ask for, and what to do."""

# "flash_attention_2" too: where that package is missing, transformers fetches a kernel instead.
CHOICES = {
    "attn_implementation": {None, "eager", "sdpa", "flex_attention"},
    "experts_implementation": {None, "eager", "batched_mm", "grouped_mm"},
}
"""Keys that choose an implementation, and the choices that the installed libraries have in them."""


def read_settings(folder: Folder, name: str) -> dict[str, Any]:
    """The settings in a JSON file, which ask for nothing that is refused."""
    content = folder.json(name)
    if not isinstance(content, dict):
        raise ConfigError(f"{name} of {folder.name} is no JSON object")
    for key, value in _entries(content):
        if fault := _fault(key, value):
            what, hint = fault
            raise ConfigError(
                f"{name} of {folder.name} asks for {what}: {short(key)} is {short(value)}",
                hint,
            )
    return content


def _entries(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """All that stands in some JSON, at whatever depth, each with its key."""
    yield key, value
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _entries(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield from _entries(each, key)


def _fault(key: str, value: object) -> tuple[str, str] | None:
    """What an entry asks for that is refused, and what to do."""
    name = key.strip("_").removesuffix("_internal")
    fault: tuple[str, str] | None = None
    if key == "_class_name" and not isinstance(value, str | None):
        fault = _CODE
    elif key == "_diffusers_version" and not isinstance(value, str):
        fault = ("a version that is none", "leave it out")
    elif not value:
        fault = None
    elif name in REFUSED:
        fault = REFUSED[name]
    elif name in CHOICES:
        chosen = [each for _, each in _entries(value) if not isinstance(each, dict | list)]
        fault = None if CHOICES[name].issuperset(chosen) else _KERNEL
    elif name.endswith(("_file", "_files")) or (
        name in ("vocab", "merges") and isinstance(value, str)
    ):
        # Only remembered: old tokenizers have a path of their author there.
        fault = None if name == "special_tokens_map_file" else _FILE
    elif isinstance(value, str) and not name.endswith("name_or_path"):
        if AUTO.fullmatch(value):
            fault = ("a class that looks up which class to be", "name the class itself")
        elif ELSEWHERE.match(value):
            fault = _ELSEWHERE
    return fault
