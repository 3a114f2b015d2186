"""Rows 11 to 14 of the hostile inputs: what a model file, a recipe or a card asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import acme_plugin
import pytest
from fuzzing.mutations import as_toml
from PIL import Image
from raw_files import edited, edited_model, split

import genzoo
from genzoo.cli import main
from genzoo_core import ConfigError, ModelCard, ModelSpec, PluginError
from genzoo_core.zoo import Zoo

CARD = ModelCard(name="net", family="acme", summary="A net.")


@pytest.fixture
def sound(zoo: Zoo, tmp_path: Path) -> Path:
    """A sound model file."""
    path = tmp_path / "sound.safetensors"
    built = zoo.build(ModelSpec("net"))
    zoo.save(path, built.spec, built.own_tensors(), CARD)
    return path


def test_hostile_11_an_unknown_component(zoo: Zoo, sound: Path) -> None:
    path = edited_model(sound, lambda m: m.update(component="acme-models/nett"))
    with pytest.raises(ConfigError, match="unknown model 'acme-models/nett'") as caught:
        zoo.open(str(path))
    assert "did you mean" in str(caught.value)
    assert "acme-models/net" in str(caught.value)


def test_hostile_11_a_missing_plugin(zoo: Zoo, sound: Path) -> None:
    path = edited_model(sound, lambda m: m.update(component="other-zoo/unet"))
    with pytest.raises(ConfigError, match="no plugin 'other-zoo' is installed") as caught:
        zoo.open(str(path))
    assert "genzoo install" not in str(caught.value)  # a stranger's file says that name


@pytest.mark.parametrize(
    "change",
    [
        {"component": "x" * 400_000},
        {"kind": "x" * 400_000},
        {"config": {"x" * 400_000: "y" * 400_000}},
        {"config": {f"x{i}": 1 for i in range(20_000)}},
        {"conditioners": {"x" * 300_000: {"component": "y" * 300_000}}},
        {"conditioners": {f"x{i}": {"component": "y"} for i in range(10_000)}},
        {"parts": {"x" * 300_000: {"model": "y" * 300_000}}},
        {"x" * 400_000: 1},
        {"\x1b[31m\u009b31m": 1},
    ],
)
def test_hostile_13_a_header_is_shown_and_refused_in_few_words(
    sound: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    path = str(edited_model(sound, lambda m: m.update(change)))
    main(["info", path])
    shown = capsys.readouterr()
    assert len(shown.out) < 20_000
    assert main(["run", path]) != 0
    refused = capsys.readouterr().err
    for line in [*shown.err.splitlines(), *refused.splitlines()]:
        assert len(line) < 1000
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown.out + shown.err + refused)
    assert "unexpected failure" not in refused


def test_json_is_ascii_whatever_a_file_is_called(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sound.rename(tmp_path / "a\u009b31m\u202e.safetensors")
    made, exported = tmp_path / "\u009b.png", tmp_path / "\u009b.safetensors"
    assert main(["run", str(path), "-o", str(made), "--json"]) == 0
    assert main(["export", str(path), "-o", str(exported), "--json"]) == 0
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert [json.loads(line)["path"] for line in shown.splitlines()] == [str(made), str(exported)]


@pytest.mark.parametrize("name", ["x`rm -rf ~`/net", "../net", "a/b/c", "net\nnet", "", "-r/x"])
def test_hostile_11_what_is_no_name_is_not_repeated_as_a_command(
    zoo: Zoo, sound: Path, name: str
) -> None:
    path = edited_model(sound, lambda m: m.update(component=name))
    with pytest.raises(ConfigError, match="is no name of a model") as caught:
        zoo.open(str(path))
    assert "pip" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hostile_12_import_paths(sound: Path, tmp_path: Path) -> None:
    targets = ["os.system", "os:system", "subprocess.Popen", "acme_models.models:Net"]
    for number, target in enumerate(targets):
        path = edited_model(sound, lambda m, t=target: m.update(component=t))
        path.rename(tmp_path / f"{number}.safetensors")
    code = f"""
import sys
import genzoo
from pathlib import Path
zoo = genzoo.open_zoo()
for path in sorted(Path({str(tmp_path)!r}).glob("?.safetensors")):
    try:
        zoo.open(str(path))
    except Exception as error:
        print(type(error).__name__)
print("acme_models" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ConfigError"] * len(targets) + ["False"]


@pytest.mark.parametrize("key", ["trust_remote_code", "auto_map", "__class__"])
def test_hostile_12_remote_code(zoo: Zoo, sound: Path, key: str) -> None:
    value: dict[str, Any] = {"AutoModel": "evil.Model"}
    inputs = [
        edited_model(sound, lambda m: m.update({key: value})),
        edited_model(sound, lambda m: m["config"].update({key: value})),
        edited(sound, lambda h: h["__metadata__"].update({key: json.dumps(value)})),
    ]
    for number, path in enumerate(inputs):
        with pytest.raises(ConfigError, match=f"unknown .*{key}") as caught:
            zoo.open(str(path))
        assert "\n" not in str(caught.value), number


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"widht": 3}, "unknown field `widht`; its fields are width, shape"),
        ({"width": "3"}, r"Expected `int`, got `str` - at `\$\.width`"),
        ({"width": 3.5}, r"Expected `int`, got `float` - at `\$\.width`"),
        ({"width": True}, r"Expected `int`, got `bool` - at `\$\.width`"),
        ({"width": None}, r"Expected `int`, got `null` - at `\$\.width`"),
        ({"width": 10**9}, r"<= 64 - at `\$\.width`"),
        ({"width": 0}, r">= 1 - at `\$\.width`"),
        ({"width": 10**40}, r"at `\$\.width`"),
        ({"shape": [1, 2]}, r"at `\$\.shape`"),
        ({"shape": {"0": 1}}, r"at `\$\.shape`"),
    ],
)
def test_hostile_13_fields_and_types(
    zoo: Zoo, sound: Path, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        zoo.build(ModelSpec("net", config))
    assert "config of model acme-models/net" in str(caught.value)
    path = edited_model(sound, lambda m: m.update(config=config))
    with pytest.raises(ConfigError, match=message):
        zoo.open(str(path))


def test_hostile_13_huge_numbers_where_a_config_has_no_bounds(zoo: Zoo, tmp_path: Path) -> None:
    small = zoo.build(ModelSpec("huge"))
    path = tmp_path / "small.safetensors"
    zoo.save(path, small.spec, small.own_tensors(), CARD)
    configs = [{"channels": 10**n} for n in (6, 9, 18)] + [{"layers": 10**9}]
    for number, config in enumerate(configs):
        huge = edited_model(path, lambda m, c=config: m["config"].update(c))
        huge.rename(tmp_path / f"{number}.safetensors")
    code = f"""
import resource
import genzoo
from genzoo_core import GenzooError, ModelSpec
zoo = genzoo.open_zoo()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for number, config in enumerate({configs!r}):
    for attempt in (
        lambda: zoo.open({str(tmp_path)!r} + f"/{{number}}.safetensors"),
        lambda: zoo.build(ModelSpec("huge", config), training=True),
    ):
        try:
            attempt()
        except GenzooError as error:
            print(type(error).__name__)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert after - before < 1_000_000, after - before  # KiB
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert len(names) == 2 * len(configs)
    assert set(names) <= {"ConfigError", "WeightsError"}


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_hostile_13_json_nested_5000_deep(zoo: Zoo, sound: Path, start: str, end: str) -> None:
    deep = start * 5000 + "1" + end * 5000
    header, _ = split(sound)
    model = header["__metadata__"]["model"].replace('"config":{', f'"config":{{"x":{deep},', 1)
    path = edited(sound, lambda h: h["__metadata__"].update(model=model))
    with pytest.raises(ConfigError, match="nested more than 64 levels"):
        zoo.open(str(path))


def test_hostile_13_a_deep_config_from_python(zoo: Zoo) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(ConfigError):
        zoo.build(ModelSpec("net", {"shape": deep}))


@pytest.mark.parametrize("name", ["../../x", "", "a.b", "keys", "training", "x\x1b[31m", "_x", "é"])
def test_hostile_13_a_conditioner_that_torch_cannot_name(zoo: Zoo, sound: Path, name: str) -> None:
    conditioners = {name: {"component": "genzoo/class-labels", "config": {"classes": ["a"]}}}
    path = edited_model(sound, lambda m: m.update(conditioners=conditioners))
    with pytest.raises(ConfigError, match="cannot be the name of a conditioner") as caught:
        zoo.open(str(path))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "1" * 101, "1" * 5000])
@pytest.mark.parametrize("key", ["model", "card"])
def test_hostile_13_a_number_that_is_none(zoo: Zoo, sound: Path, key: str, number: str) -> None:
    header, _ = split(sound)
    text = header["__metadata__"][key][:-1] + f',"more":{number}}}'
    path = edited(sound, lambda h: h["__metadata__"].update({key: text}))
    with pytest.raises(ConfigError, match="holds") as caught:
        zoo.open(str(path))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "card",
    [
        {"shape": [1, -8, 8]},
        {"size": -1},
        {"parameters": 10**30},
        {"shape": [10**30, 1, 1]},
    ],
)
def test_hostile_13_a_card_in_a_file_that_lies(zoo: Zoo, sound: Path, card: dict[str, Any]) -> None:
    header, _ = split(sound)
    text = json.dumps({**json.loads(header["__metadata__"]["card"]), **card})
    path = edited(sound, lambda h: h["__metadata__"].update(card=text))
    with pytest.raises(ConfigError, match="out of range"):
        zoo.open(str(path))


@pytest.mark.parametrize("shape", [(1, 10**5, 10**5), (1, 10**9, 1), (1, 0, 8)])
def test_hostile_13_a_codec_that_claims_vast_pictures(
    zoo: Zoo, tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    codec = zoo.build(ModelSpec("line", kind="codec"))
    card = ModelCard(name="line", family="acme", summary="A line.", kind="codec", shape=shape)
    path = tmp_path / "line.safetensors"
    zoo.save(path, codec.spec, codec.own_tensors(), card)
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="which none can be"):
        genzoo.generate(path, inputs=tmp_path / "a.png", zoo=zoo)


CONV = {"type": "conv", "width": 4096, "blocks": 16}
LARGEST = {
    "autoencoder": {"shape": [4, 512, 512], "latent": 4096, "components": 1000, "network": CONV},
    "vae": {"shape": [4, 512, 512], "latent": 4096, "components": 1000, "network": CONV},
    "gan": {"shape": [4, 512, 512], "latent": 4096, "network": {**CONV, "hidden": 4096}},
    "diffusion": {
        "shape": [4, 512, 512],
        "noiser": {"component": "genzoo/rectified-flow"},
        "network": {"type": "unet", "width": 4096, "multipliers": [16] * 7, "blocks": 16},
    },
}
"""The most that the configs of genzoo's own models allow."""


def test_hostile_13_the_largest_configs_of_genzoos_own_components() -> None:
    code = f"""
import genzoo, re, resource, torch
from genzoo_core import ConfigError, ModelSpec
zoo = genzoo.open_zoo()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, config in {LARGEST!r}.items():
    try:
        zoo.build(ModelSpec("genzoo/" + name, config))
    except ConfigError as error:
        needed = re.search("needs ([0-9,]+) bytes, this machine has", str(error))[1]
        assert int(needed.replace(",", "")) > 2**40, error
    else:
        raise AssertionError(name)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert after - before < 300_000, after - before  # KiB
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "setting",
    [
        *(f'name="{name}"' for name in ("../../x", "/tmp/x", "a/b", "", ".hidden", "x\\u001b[31m")),
        *(f'data.name="{name}"' for name in ("../..", "/etc", "")),
        *(f'data.split="{split}"' for split in ("../../x", "/etc/x", "")),
        *(f'data.hub="{hub}"' for hub in ("/etc", "./x", "../x", "http://a/b", "a/b/c")),
        "data.shape=[1, 1000000, 1000000]",
        "data.shape=[0, 8, 8]",
    ],
)
def test_hostile_14_a_recipe_names_no_path(tmp_path: Path, setting: str) -> None:
    place, _, value = setting.partition("=")
    sound = Path(__file__).parents[2] / "plugins/genzoo_vae/recipes/vae-mlp-mnist.toml"
    tree = tomllib.loads(sound.read_text(encoding="utf-8"))
    table, _, key = place.rpartition(".")
    (tree[table] if table else tree)[key] = json.loads(value)
    path = tmp_path / "hostile.toml"
    path.write_text(as_toml(tree))
    with pytest.raises(ConfigError, match=rf"\$\.{place.replace('.', '[.]')}"):
        genzoo.open_zoo().recipe(str(path))


def weights_at(site: Path, weights: str, **more: Any) -> Zoo:
    """A registry with a model whose card names `weights`."""
    card = ModelCard(name="far", family="acme", summary="Far.", weights=weights, **more)
    folder = acme_plugin.install(site, "acme-far", acme_plugin.manifest_of([card]))
    (folder / "weights").mkdir()
    return genzoo.open_zoo()


@pytest.mark.parametrize("weights", ["../x", "weights/../../x", "/etc/passwd", "C:\\x", "..\\x"])
def test_hostile_14_a_path_that_leaves_the_package(site: Path, weights: str) -> None:
    (site / "x").write_bytes(b"secret")
    with pytest.raises((ConfigError, PluginError), match="acme-far"):
        weights_at(site, weights, sha256="0" * 64).open("far")


def test_hostile_14_a_link_that_leaves_the_package(site: Path, sound: Path) -> None:
    weights_at(site, "weights/link.safetensors", sha256="0" * 64)
    os.symlink(sound, site / "acme_far" / "weights" / "link.safetensors")
    with pytest.raises((ConfigError, PluginError), match="leaves the plugin's"):
        genzoo.open_zoo().open("far")


def test_hostile_14_a_recipe_outside_the_package(site: Path) -> None:
    (site / "x.toml").write_text("")
    with pytest.raises((ConfigError, PluginError), match="acme-far"):
        weights_at(site, "weights/a.safetensors", recipe="../x.toml").recipe("far")


@pytest.mark.parametrize("model", ["../x", "/etc/passwd", "hf://a/b", "./a.safetensors"])
def test_hostile_14_a_part_is_a_name_and_no_path(zoo: Zoo, sound: Path, model: str) -> None:
    parts = {"codec": {"model": model, "sha256": "0" * 64}}
    with pytest.raises(ConfigError, match="is no name of a model"):
        zoo.open(str(edited_model(sound, lambda m: m.update(parts=parts))))
