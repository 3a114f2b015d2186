"""Folders of strangers: what they are, or one line that refuses them before anything is loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import PIPELINES, save
from folders import OnDisk, edit, flatten

from genzoo_core import ConfigError, WeightsError
from genzoo_diffusers.safety import check_folder

Change = Callable[[Path], object]


@pytest.fixture
def mine(checkpoint: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one, to be changed."""
    return lambda name: Path(shutil.copytree(checkpoint(name), tmp_path / name))


# What is sound


@pytest.mark.parametrize("name", ["ddpm", "ddim", "consistency", "dit"])
def test_pipelines_without_text_show_their_classes_and_files(
    checkpoint: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    folder = OnDisk(checkpoint(name))
    found = check_folder(folder)
    pipeline = PIPELINES[name](tmp_path)
    assert found.cls is type(pipeline)
    assert {part: each.cls for part, each in found.parts.items()} == {
        part: type(each) for part, each in pipeline.components.items()
    }
    assert found.scheduler is type(pipeline.scheduler)
    assert found.absent == ()
    assert set(found.files) == set(folder.files)
    assert not [file for file in folder.was_read if not file.endswith(".json")]


def test_of_stable_diffusion_the_files_of_its_parts_alone_are_to_be_seen(
    mine: Callable[[str], Path],
) -> None:
    folder = mine("sd")
    hidden = [
        "README.md",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.onnx",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/extra.safetensors",
        "text_encoder/flax_model.msgpack",
        "text_encoder/training_args.json",
        "text_encoder/model.gguf",
        "tokenizer/flag.bin",
        "tokenizer/notes.json",
        "v1-5-pruned.safetensors",
        "docs/config.json",
    ]
    for name in hidden:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\x80\x04cos\nsystem\n")
    found = check_folder(OnDisk(folder))
    assert found.absent == ("feature_extractor", "image_encoder", "safety_checker")
    assert found.parts["tokenizer"].config == {}
    assert found.parts["unet"].config["cross_attention_dim"] == 16
    assert not set(found.files) & set(hidden)
    assert {
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer_config.json",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    } <= set(found.files)


@pytest.mark.parametrize("name", ["sd", "xl", "dit"])
def test_what_may_be_seen_is_enough_for_the_same_pixels(
    checkpoint: Callable[[str], Path], mine: Callable[[str], Path], name: str
) -> None:
    copy = OnDisk(mine(name))
    local = copy.local(check_folder(copy).files)
    call: dict[str, Any] = {"prompt": "a red cat"} if name != "dit" else {"class_labels": [1]}
    pictures = []
    for path in (checkpoint(name), local):
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            path, use_safetensors=True, local_files_only=True
        )
        pipeline.set_progress_bar_config(disable=True)
        call |= {"generator": torch.Generator().manual_seed(11), "output_type": "np"}
        pictures.append(pipeline(num_inference_steps=2, **call).images)
    np.testing.assert_array_equal(*pictures)


def test_flat_repositories_and_models_alone(mine: Callable[[str], Path]) -> None:
    folder = flatten(mine("ddpm"))
    everything = {"config.json", "diffusion_pytorch_model.safetensors", "scheduler_config.json"}
    found = check_folder(OnDisk(folder))
    assert set(found.files) == everything | {"model_index.json"}
    assert {part.folder for part in found.parts.values()} == {""}
    (folder / "model_index.json").unlink()
    found = check_folder(OnDisk(folder))
    assert (found.cls, found.scheduler) == (diffusers.UNet2DModel, diffusers.DDPMScheduler)
    assert set(found.files) == everything
    (folder / "scheduler_config.json").unlink()
    assert check_folder(OnDisk(folder)).scheduler is None
    found = check_folder(OnDisk(mine("vae")))
    assert (found.cls, dict(found.index)) == (diffusers.AutoencoderKL, {})


def test_shards_and_variants(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    both = save("sd", tmp_path / "both", max_shard_size="20KB")
    save("sd", both, variant="fp16", max_shard_size="20KB")
    for variant in ("", "fp16"):
        found = check_folder(OnDisk(both, variant)).files
        weights = [name for name in found if ".safetensors" in name]
        assert len(weights) > 8
        assert all(("fp16" in name) is (variant == "fp16") for name in weights)
    with_one = OnDisk(checkpoint("ddpm"), "fp16")
    assert "unet/diffusion_pytorch_model.safetensors" in check_folder(with_one).files
    for name in both.rglob("*.safetensors*"):
        if "fp16" not in name.name:
            name.unlink()
    with pytest.raises(WeightsError, match="--variant fp16"):
        check_folder(OnDisk(both))


def test_what_old_and_foreign_configs_may_say(mine: Callable[[str], Path]) -> None:
    folder = mine("sd")
    edit(folder / "unet/config.json", _name_or_path="AutoModel", only_cross_attention=False)
    edit(
        folder / "tokenizer/tokenizer_config.json",
        name_or_path="https://example.org/words",
        special_tokens_map_file="./special_tokens_map.json",
        tokenizer_file=None,
        auto_map=None,
    )
    edit(folder / "tokenizer/vocab.json", auto_map=1, vocab_file=2)  # words, not settings
    edit(
        folder / "text_encoder/config.json",
        _attn_implementation_autoset=True,
        attn_implementation={"": "sdpa", "text_config": None},
        trust_remote_code=False,
        _pre_quantization_dtype="float16",
        torch_dtype="float16",
    )
    (folder / "feature_extractor").mkdir()
    edit(folder / "feature_extractor/preprocessor_config.json", size={"shortest_edge": 8})
    edit(
        folder / "model_index.json",
        feature_extractor=["transformers", "CLIPFeatureExtractor"],  # as it was called in 2022
        tokenizer=["transformers", "CLIPTokenizerFast"],
        guider=["diffusers", "ClassifierFreeGuidance"],  # which this pipeline does not have
        safety_checker=[None, None],
        _name_or_path="../elsewhere",
        _module=None,
    )
    found = check_folder(OnDisk(folder))
    assert found.parts["feature_extractor"].cls.__name__ == "CLIPImageProcessor"
    assert found.absent == ("image_encoder", "safety_checker")


def test_a_part_that_a_pipeline_module_has(mine: Callable[[str], Path]) -> None:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    folder = mine("sd")
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "image_size": 8, "patch_size": 4}
    config = CLIPConfig(vision_config=sizes, projection_dim=8)
    StableDiffusionSafetyChecker(config).save_pretrained(folder / "safety_checker")
    named = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    edit(folder / "model_index.json", safety_checker=named)
    part = check_folder(OnDisk(folder)).parts["safety_checker"]
    assert (part.library, part.cls) == ("stable_diffusion", StableDiffusionSafetyChecker)


# What is refused

EVIL = "import pathlib; pathlib.Path('ran').touch()\n"
UNET, TEXT, INDEX = "unet/config.json", "text_encoder/config.json", "model_index.json"
WORDS, SPECIAL = "tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def says(file: str, **changes: Any) -> Change:
    return lambda folder: edit(folder / file, **changes)


def names(**changes: Any) -> Change:
    return says(INDEX, **changes)


def has(name: str, text: str = EVIL) -> Change:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    return write


def lacks(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def both(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


def sharded(**files: str) -> Change:
    index = has(f"{WEIGHTS}.index.json", json.dumps({"metadata": {}, "weight_map": files}))
    return both(lacks(WEIGHTS), index)


HOSTILE: dict[str, tuple[Change, str]] = {
    # Classes.
    "a pipeline of its own": (names(_class_name=["pipeline", "Mine"]), "code of its own"),
    "a pipeline unknown": (names(_class_name="EvilPipeline"), "diffusers.EvilPipeline'"),
    "a pipeline by a number": (names(_class_name=7), "code of its own"),
    "a pipeline by a path": (names(_class_name="../evil"), "no pipeline of the installed"),
    "no pipeline": (names(_class_name=...), "names no class"),
    "a model for a pipeline": (names(_class_name="UNet2DModel"), "no pipeline"),
    "the base of all": (names(_class_name="DiffusionPipeline"), "no pipeline"),
    "an Auto pipeline": (
        names(_class_name="AutoPipelineForText2Image"),
        "looks up which class to be",
    ),
    "a modular pipeline": (names(_class_name="ModularPipeline"), "no pipeline of"),
    "a module beside it": (both(names(unet=["evil", "Net"]), has("evil.txt")), "evil.Net"),
    "a module of Python": (names(unet=["os", "system"]), "os.system"),
    "a package installed": (names(unet=["torch.hub", "load"]), "torch.hub.load"),
    "a submodule": (
        names(unet=["diffusers.models", "UNet2DModel"]),
        "no pipeline of the installed",
    ),
    "a function": (names(unet=["diffusers", "attention_backend"]), "no pipeline of the installed"),
    "a module of theirs": (
        names(unet=["transformers", "dynamic_module_utils"]),
        "no pipeline of the installed",
    ),
    "a private name": (names(unet=["diffusers", "__loader__"]), "no pipeline of the installed"),
    "a tool of theirs": (names(unet=["transformers", "Trainer"]), "no pipeline of the installed"),
    "a file of theirs": (
        names(unet=["transformers", "RagRetriever"]),
        "no pipeline of the installed",
    ),
    "a scheduler of none": (names(scheduler=["diffusers", "EvilScheduler"]), "EvilScheduler'"),
    "a base class": (names(unet=["diffusers", "ModelMixin"]), "no component"),
    "an Auto model": (
        names(text_encoder=["transformers", "AutoModel"]),
        "looks up which class to be",
    ),
    "Auto of diffusers": (names(unet=["diffusers", "AutoModel"]), "looks up which class to be"),
    "onnx": (names(unet=["diffusers", "OnnxRuntimeModel"]), "OnnxRuntimeModel, which"),
    "a class for a part": (names(unet="UNet2DModel"), "no library and class"),
    "three names": (names(unet=["diffusers", "UNet2DModel", "x"]), "no library and class"),
    "half a pair": (names(unet=["diffusers", None]), "no library and class"),
    "a part unknown": (names(extra=["evil", "Net"]), "evil.Net"),
    "a part above": (names(**{"../unet": ["diffusers", "UNet2DModel"]}), "'../unet'"),
    "a part at a root": (names(**{"/etc": ["diffusers", "UNet2DModel"]}), "'/etc'"),
    "a part here": (names(**{".": ["diffusers", "UNet2DModel"]}), "'.'"),
    "a part without name": (names(**{"": ["diffusers", "UNet2DModel"]}), "component ''"),
    "a part missing": (names(unet=[None, None]), "lacks its unet"),
    # Code.
    "a script": (has("pipeline.py"), "holds code, pipeline.py"),
    "a script of a part": (has("unet/evil.py"), "holds code, unet/evil.py"),
    "auto_map": (says(TEXT, auto_map={"AutoModel": "evil.Net"}), "code of its own"),
    "auto_map of words": (says(WORDS, auto_map={"AutoTokenizer": ["evil.T", None]}), "code of"),
    "auto_map, old": (says(WORDS, auto_map=["evil.T", None]), "code of its own"),
    "auto_map within": (says(TEXT, text_config={"auto_map": {"A": "b.C"}}), "code of its own"),
    "auto_map of words as special": (says(SPECIAL, auto_map={"A": "b.C"}), "code of its own"),
    "trust": (says(UNET, trust_remote_code=True), "'trust_remote_code' is True"),
    "a generator": (
        says("text_encoder/generation_config.json", custom_generate="a/b"),
        "'custom_generate' is 'a/b'",
    ),
    "a class list": (says(UNET, _class_name=["unet", "Net"]), "code of its own"),
    "an Auto tokenizer": (says(WORDS, tokenizer_class="AutoTokenizer"), "'AutoTokenizer'"),
    "an Auto architecture": (says(TEXT, architectures=["AutoModel"]), "'AutoModel'"),
    "a quantizer": (
        says(UNET, quantization_config={"quant_method": "bitsandbytes"}),
        "float16 or float32",
    ),
    "a quantizer of text": (
        says(TEXT, text_config={"quantization_config": {"quant_method": "gptq"}}),
        "the code of a quantizer",
    ),
    "a kernel": (says(TEXT, _attn_implementation="kernels-community/fa"), '"sdpa" or "eager"'),
    "a kernel by part": (says(TEXT, attn_implementation={"": "a/b:c"}), "a kernel, which is code"),
    "a kernel if missing": (
        says(TEXT, attn_implementation="flash_attention_2"),
        "a kernel, which is code",
    ),
    "a kernel of experts": (
        says(TEXT, experts_implementation="sonicmoe"),
        "a kernel, which is code",
    ),
    # Files elsewhere.
    "an adapter": (has("text_encoder/adapter_config.json", "{}"), "an adapter of peft"),
    "a base elsewhere": (says(TEXT, base_model_name_or_path="a/b"), "weights that lie elsewhere"),
    "other weights": (says(TEXT, transformers_weights="../x.safetensors"), "lie elsewhere"),
    "a processor elsewhere": (
        says("tokenizer/audio_tokenizer_config.json", audio_tokenizer_name_or_path="/x"),
        "weights that lie elsewhere",
    ),
    "weights of timm": (says(TEXT, backbone="hf-hub:a/b"), "weights that lie elsewhere"),
    "words elsewhere": (says(WORDS, vocab_file="/etc/passwd"), "a file by its path"),
    "special words elsewhere": (says(SPECIAL, vocab_file="/etc/passwd"), "a file by its path"),
    "words by a path": (says(WORDS, vocab="/etc/passwd"), "a file by its path"),
    "words by position": (says(WORDS, init_inputs=["/etc/passwd"]), "a file by its path"),
    "pieces elsewhere": (says(WORDS, sp_model_kwargs={"model_file": "/x"}), "a file by its path"),
    "a versioned config": (says(TEXT, configuration_files=["config./../x.json"]), "its path"),
    "shards above": (sharded(a="../vae/diffusion_pytorch_model.safetensors"), "no file of safet"),
    "shards of pickles": (both(sharded(a="a.bin"), has("unet/a.bin")), "'a.bin'"),
    "a shard missing": (sharded(a="a.safetensors"), "'a.safetensors'"),
    "no map of shards": (sharded(), "no `weight_map`"),
    "pickles alone": (
        both(lacks(WEIGHTS), has("unet/diffusion_pytorch_model.bin")),
        f"lacks {WEIGHTS}, the weights of its UNet2DConditionModel",
    ),
    "GGUF alone": (both(lacks(WEIGHTS), has("unet/model.gguf")), f"lacks {WEIGHTS}"),
    "no config": (lacks(UNET), f"lacks {UNET}"),
    "no words": (lambda folder: shutil.rmtree(folder / "tokenizer"), "no file of its CLIPToken"),
    # JSON.
    "no JSON": (has(UNET, "{"), "is not JSON"),
    "no object": (has(UNET, "[1]"), "no JSON object"),
    "an index that is none": (has(INDEX, "[1]"), "no JSON object"),
    "a version of no text": (says(UNET, _diffusers_version=[1]), "a version that is none"),
    # What steers.
    "a ControlNet": (names(_class_name="StableDiffusionControlNetPipeline"), "a ControlNet, by"),
    "ControlNet as a part": (names(controlnet=["diffusers", "ControlNetModel"]), "a ControlNet"),
    "a T2I adapter": (names(adapter=["diffusers", "T2IAdapter"]), "a T2I-Adapter"),
    "an IP-Adapter": (says(UNET, encoder_hid_dim_type="ip_image_proj"), "an IP-Adapter"),
    "the other half elsewhere": (
        names(_class_name="KandinskyV22CombinedPipeline"),
        "which lies elsewhere",
    ),
}


def refusal(folder: Path) -> str:
    with pytest.raises((ConfigError, WeightsError)) as caught:
        check_folder(OnDisk(folder))
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_38_a_folder_is_refused_in_one_line(
    mine: Callable[[str], Path], case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = mine("sd")
    change, what = HOSTILE[case]
    change(folder)
    text = refusal(folder)
    assert what in text
    assert str(folder) in text
    assert len(text) - len(str(folder)) < 350
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"config.json": {"_class_name": "ControlNetModel"}}, "a ControlNetModel: a ControlNet"),
        ({"config.json": {"_class_name": "T2IAdapter"}}, "a T2I-Adapter"),
        ({"config.json": {"_class_name": "UNet2DConditionModel"}}, "alone, which makes no pict"),
        ({"config.json": {"_class_name": "AutoModel"}}, "looks up which class to be"),
        ({"config.json": {"_class_name": "DDPMScheduler"}}, "a DDPMScheduler alone"),
        ({"config.json": {"_class_name": ["evil", "Net"]}}, "code of its own"),
        ({"config.json": {"model_type": "clip"}}, "not of diffusers"),
        ({"config.json": {"_class_name": "UNet2DModel"}}, "lacks diffusion_pytorch_model.safet"),
        ({"config.json": {"_class_name": "UNet2DModel"}, "adapter_config.json": {}}, "of peft"),
        (
            {
                "config.json": {"_class_name": "UNet2DModel"},
                "diffusion_pytorch_model.safetensors": {},
                "scheduler_config.json": {"_class_name": "EvilScheduler"},
            },
            "diffusers.EvilScheduler'",
        ),
        ({"pytorch_lora_weights.safetensors": {}}, "a LoRA"),
        ({"learned_embeds.safetensors": {}}, "a textual inversion"),
        ({"models/ip-adapter_sd15.safetensors": {}}, "an IP-Adapter"),
        ({"adapter_config.json": {}}, "an adapter of peft"),
        ({"modular_model_index.json": {}}, "a modular pipeline"),
        ({"x.safetensors": {}}, "neither model_index.json nor config.json"),
    ],
)
def test_a_folder_that_is_no_model_by_itself_is_named(
    tmp_path: Path, files: dict[str, Any], what: str
) -> None:
    for name, content in files.items():
        has(name, json.dumps(content))(tmp_path)
    assert what in refusal(tmp_path)


WATCH = """
import json, sys
from pathlib import Path

sys.path[:0] = [sys.argv[1], "."]  # a module by the name "evil" lies there
import checkpoints
import diffusers
from folders import OnDisk
from genzoo_core import GenzooError
from genzoo_diffusers.safety import check_folder

imported, opened, shut = set(), set(), []

def watch(event, args):
    if event.startswith("socket.") and event != "socket.__new__" or event == "pickle.find_class":
        shut.append(event)
        raise OSError(f"{event} is shut")
    if event == "import":
        imported.add(args[0].partition(".")[0])
    if event == "open" and isinstance(args[0], str):
        opened.add(args[0])

sys.addaudithook(watch)
sound = OnDisk(Path("sound"))
local = sound.local(check_folder(sound).files)
pipeline = diffusers.DiffusionPipeline.from_pretrained(
    local, use_safetensors=True, local_files_only=True
)
pipeline.set_progress_bar_config(disable=True)
pipeline("a red cat", num_inference_steps=1, output_type="np")
libraries = set(imported)
refused = 0
for path in sorted(Path().glob("hostile*")):
    try:
        check_folder(OnDisk(path))
    except GenzooError:
        refused += 1
beyond = imported - libraries - set(sys.stdlib_module_names)
inside = [name for name in opened if Path(name).resolve().is_relative_to(Path.cwd())]
odd = [n for n in inside if not n.endswith((".json", ".txt", ".safetensors", ".jinja"))]
odd += [n for n in opened if n.endswith((".bin", ".pkl", ".pt", "passwd"))]
print(json.dumps([refused, sorted(beyond), odd, shut, "evil" in sys.modules]))
"""


def test_hostile_38_nothing_beyond_the_libraries_is_imported_no_pickle_opened_and_no_socket(
    mine: Callable[[str], Path], checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "evil.py").write_text(EVIL, encoding="utf-8")
    sound = mine("sd").rename(tmp_path / "sound")
    for name in ("unet/diffusion_pytorch_model.bin", "text_encoder/pytorch_model.bin"):
        (sound / name).write_bytes(b"\x80\x04cevil\nNet\n.")
    for number, (change, _) in enumerate(HOSTILE.values()):
        change(Path(shutil.copytree(checkpoint("sd"), tmp_path / f"hostile{number}")))
    command = [sys.executable, "-c", WATCH, str(Path(__file__).parent)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == [len(HOSTILE), [], [], [], False]
    assert not (tmp_path / "ran").exists()
