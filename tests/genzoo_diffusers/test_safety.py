"""Folders of a stranger: each is refused in one line, and nothing of it ran."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import genzoo
from genzoo_core import GenzooError

Checkpoint = Callable[[str], Path]
EVIL = "import pathlib; pathlib.Path('ran').touch()\n"


def edit(file: Path, **changes: Any) -> None:
    """Change entries of a JSON file; None takes one out."""
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: v for key, v in content.items() if v is not None}))


def in_config(part: str, **changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / part, **changes)


def in_index(**changes: Any) -> Callable[[Path], None]:
    return in_config("model_index.json", **changes)


def write(name: str, text: str = EVIL) -> Callable[[Path], None]:
    def written(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return written


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def both(*changes: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: [change(folder) for change in changes] and None


UNET, TEXT = "unet/config.json", "text_encoder/config.json"
WORDS = "tokenizer/tokenizer_config.json"
CASES = {
    "a pipeline of its own": (in_index(_class_name=["pipeline", "Mine"]), "a class of its own"),
    "a pipeline that nobody knows": (in_index(_class_name="Mine"), "diffusers.Mine"),
    "a pipeline that finds itself": (in_index(_class_name="AutoPipelineForText2Image"), "AutoPipe"),
    "no pipeline": (in_index(_class_name="UNet2DModel"), "no pipeline"),
    "no class": (in_index(_class_name=None), "code of its own"),
    "a part's module": (both(in_index(unet=["mine", "Net"]), write("unet/mine.py")), "mine.Net"),
    "a part of os": (in_index(unet=["os", "system"]), "os.system"),
    "a part of a submodule": (in_index(unet=["diffusers.models", "UNet2DModel"]), "none of the"),
    "a function of the library": (in_index(unet=["diffusers", "deprecate"]), "none of the"),
    "a private name": (in_index(unet=["diffusers", "__loader__"]), "none of the"),
    "an Auto class": (in_index(text_encoder=["transformers", "AutoModel"]), "finds its class"),
    "three names": (in_index(unet=["a", "b", "c"]), "no library and class"),
    "a part that it has not": (in_index(extra=["diffusers", "UNet2DModel"]), "'extra', which"),
    "a part elsewhere": (in_index(**{"../unet": ["diffusers", "UNet2DModel"]}), "'../unet'"),
    "a script": (write("pipeline.py"), "holds code, pipeline.py, which is never run"),
    "a script of a part": (write("unet/net.py"), "holds code, unet/net.py"),
    "auto_map": (in_config(TEXT, auto_map={"AutoModel": "m.M"}), "code of its own (auto_map"),
    "auto_map in tokens": (in_config(WORDS, auto_map={"AutoTokenizer": ["t.T", None]}), "auto_map"),
    "auto_map within": (in_config(TEXT, text_config={"auto_map": {"A": "b"}}), "auto_map"),
    "trust": (in_config(UNET, trust_remote_code=True), "trust_remote_code"),
    "a quantizer": (in_config(UNET, quantization_config={"quant_method": "x"}), "quantizer"),
    "a kernel": (in_config(TEXT, _attn_implementation="kernels-community/fa"), "a kernel"),
    "a kernel by part": (in_config(TEXT, attn_implementation={"": "a/b"}), "a kernel"),
    "an Auto tokenizer": (in_config(WORDS, tokenizer_class="AutoTokenizer"), "AutoTokenizer"),
    "a file elsewhere": (in_config(WORDS, vocab_file="/etc/passwd"), "a file of its choice"),
    "an adapter": (write("unet/adapter_config.json", "{}"), "adapter_config.json"),
    "pickles alone": (
        both(without("unet/diffusion_pytorch_model.safetensors"), write("unet/m.bin", "x")),
        "no unet/diffusion_pytorch_model.safetensors",
    ),
    "no JSON": (write(UNET, "{"), "'unet/config.json'"),
    "no object": (write(UNET, "[1]"), "no JSON object"),
    "another class's config": (in_config(UNET, _class_name=["a"]), "a class of its own"),
    "too few tensors": (in_config(UNET, layers_per_block=2), "unet, a UNet2DConditionModel"),
    "other shapes": (in_config(UNET, cross_attention_dim=32), "unet"),
    "a config of another type": (in_config(UNET, block_out_channels="big"), "unet"),
    "a ControlNet": (in_index(_class_name="StableDiffusionControlNetPipeline"), "ControlNet"),
    "a video": (
        in_index(
            _class_name="TextToVideoSDPipeline",
            feature_extractor=None,
            image_encoder=None,
            safety_checker=None,
        ),
        "videos",
    ),
    "an upscaler": (in_index(_class_name="StableDiffusionUpscalePipeline"), "image"),
}


@pytest.fixture
def folder(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(checkpoint("sd"), tmp_path / "mine"))


def refused(folder: Path, says: str) -> None:
    with pytest.raises(GenzooError) as caught:
        genzoo.load(folder)
    text = str(caught.value)
    assert says in text
    assert "\n" not in text
    assert len(text) < 700
    assert not Path("ran").exists()


@pytest.mark.parametrize("case", CASES)
def test_what_asks_for_code_or_files_elsewhere_is_refused(folder: Path, case: str) -> None:
    change, says = CASES[case]
    change(folder)
    refused(folder, says)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"config.json": {"_class_name": "ControlNetModel"}}, "a ControlNetModel alone"),
        ({"config.json": {"_class_name": "DDPMScheduler"}}, "no model"),
        ({"config.json": {}}, "code of its own"),
        ({"pytorch_lora_weights.safetensors": None}, "pytorch_lora_weights"),
        ({"learned_embeds.safetensors": None}, "learned_embeds"),
    ],
)
def test_what_is_no_model_by_itself(
    folder: Path, tmp_path: Path, files: dict[str, Any], says: str
) -> None:
    alone, weights = tmp_path / "alone", folder / "unet" / "diffusion_pytorch_model.safetensors"
    alone.mkdir()
    for name, content in files.items():
        if content is None:
            shutil.copy(weights, alone / name)
        else:
            (alone / name).write_text(json.dumps(content))
            shutil.copy(weights, alone / weights.name)
    refused(alone, says)


WATCH = """
import sys, socket
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg"):
        raise SystemExit(f"touched the network: {event} {args}")
    if event == "pickle.find_class":
        raise SystemExit(f"opened a pickle: {args}")
    if event == "import" and args[0].split(".")[0] in ("mine", "net", "pipeline", "m", "t"):
        raise SystemExit(f"imported {args[0]}")
import genzoo
from genzoo_core import GenzooError
import genzoo_diffusers.loading
sys.addaudithook(watch)
for folder in sys.argv[1:]:
    try:
        genzoo.generate("./" + folder, "a cat", options={"steps": 1})
        print("ran")
    except GenzooError as error:
        print("refused")
        print(error, file=sys.stderr)
"""


def test_nothing_of_a_folder_is_imported_and_no_network_touched(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = []
    for number, case in enumerate(["sound", *list(CASES)[:6], "auto_map", "auto_map in tokens"]):
        folder = Path(shutil.copytree(checkpoint("sd"), f"folder{number}"))
        if case != "sound":
            CASES[case][0](folder)
        names.append(folder.name)
    (tmp_path / names[0] / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04cos\n")
    command = [sys.executable, "-c", WATCH, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["ran", *["refused"] * 8], done.stderr[-2000:]


def test_what_a_safe_folder_may_have(folder: Path) -> None:
    """Names of where weights came from, and files of others beside the model's own."""
    edit(folder / UNET, _name_or_path="/home/me/unet")
    edit(folder / WORDS, special_tokens_map_file="./special_tokens_map.json", name_or_path="a/b")
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04cos\n")
    (folder / "docs").mkdir()
    (folder / "docs" / "example.py").write_text(EVIL)
    assert genzoo.load(folder).sample_shape == (3, 32, 32)
