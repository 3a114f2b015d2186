"""Building modules from specs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import acme_plugin
import pytest
import torch
from raw_files import edited_model
from torch import nn

import genzoo
from genzoo_core import ComponentSpec, ConfigError, ModelCard, ModelSpec, PluginError, WeightsError
from genzoo_core.zoo import Zoo

LAYERS = """
import msgspec
import torch
from torch import nn

from genzoo_core import GenerativeModel


class Layers(GenerativeModel):
    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        pass

    def __init__(self, config, context):
        super().__init__(context)
        self.sample_shape = (1, 2, 2)
        self.layers = nn.Sequential(
            nn.Linear(3, 4), nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8),
            nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 3, 4), nn.LayerNorm(4),
            nn.Embedding(4, 5, padding_idx=0), nn.MultiheadAttention(8, 2),
        )
        nn.init.normal_(self.layers[0].weight)
        nn.init.trunc_normal_(self.layers[0].weight)
        nn.init.zeros_(self.layers[1].bias)
        self.layers[0].position = nn.Parameter(torch.randn(4) * 0.02)

    def sample(self, rng, conditions, options, on_step=None):
        return rng.normal((1, 2, 2), self.layers[0].weight).clamp(-1, 1)

    def stages(self):
        return ()

    def loss(self, batch, rng, phase, progress):
        raise NotImplementedError
"""


def saved(zoo: Zoo, spec: ModelSpec, path: Path) -> str:
    """The file of a model with fresh weights, which can be loaded."""
    built = zoo.build(spec)
    card = ModelCard(path.stem, "test", "A test.")
    zoo.save(path, built.spec, built.own_tensors(), card)
    return str(path)


def test_names_become_full_and_configs_whole(zoo: Zoo) -> None:
    spec = zoo.build(ModelSpec("net", {"width": 3})).spec
    assert spec.component == "acme-models/net"
    assert spec.config == {"width": 3, "shape": [1, 2, 2]}


def test_names_inside_configs_become_full(zoo: Zoo) -> None:
    spec = zoo.build(ModelSpec("noisy", {"noiser": {"component": "table"}})).spec
    assert spec.config["noiser"] == {"component": "acme-models/table", "config": {}}
    assert zoo.build(spec).spec == spec


def test_a_fresh_module_has_real_weights_and_gradients(zoo: Zoo) -> None:
    module = zoo.build(ModelSpec("net"), training=True).module
    assert all(p.requires_grad and not p.is_meta for p in module.parameters())
    assert module.get_parameter("body.bias").tolist() == [0.5] * 4
    assert module.get_parameter("body.weight").std() > 0


def test_fresh_weights_are_those_that_the_seed_gives(zoo: Zoo) -> None:
    torch.manual_seed(5)
    built = zoo.build(ModelSpec("acme-models/critic"), training=True)
    torch.manual_seed(5)
    expected = nn.Linear(4, 4)
    torch.testing.assert_close(built.module.get_parameter("body.weight"), expected.weight)


def test_only_training_builds_what_only_training_needs(zoo: Zoo) -> None:
    names = {True: set[str](), False: set[str]()}
    for training in names:
        names[training] = set(zoo.build(ModelSpec("critic"), training=training).own_tensors())
    assert names[True] - names[False] == {"critic.weight", "critic.bias"}


def test_loading_takes_no_memory_before_the_tensors_are_compared(zoo: Zoo, tmp_path: Path) -> None:
    def grow(model: dict[str, Any]) -> None:
        model["config"]["channels"] = 100_000  # 360 GB

    small = saved(zoo, ModelSpec("huge"), tmp_path / "small.safetensors")
    file = edited_model(Path(small), grow)
    with pytest.raises(WeightsError, match=r"another shape for .*not \[100000, 100000, 3, 3\]"):
        zoo.open(str(file))


def test_loading_imports_no_compiler(site: Path, tmp_path: Path) -> None:
    manifest = '[[components]]\nkind = "model"\nname = "layers"\ntarget = "layered.models:Layers"\n'
    acme_plugin.install(site, "layered", f"api = 2\n{manifest}", LAYERS)
    file = saved(genzoo.open_zoo(), ModelSpec("layers"), tmp_path / "layers.safetensors")
    code = f"""
import sys, torch
before = set(sys.modules)
import genzoo
assert len(list(genzoo.load({file!r}).layers)) == 8
heavy = {{"sympy", "torch._meta_registrations", "torch._dynamo"}}
print(sorted(heavy & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_more_memory_than_the_machine_has_is_refused(zoo: Zoo) -> None:
    with pytest.raises(ConfigError, match=r"needs 14[0-9,]+ bytes, this machine has"):
        zoo.build(ModelSpec("huge", {"channels": 2_000_000}), training=True)


def test_a_noiser_may_compute_while_its_model_is_loaded(zoo: Zoo, tmp_path: Path) -> None:
    spec = ModelSpec("noisy", {"noiser": {"component": "table", "config": {"steps": 2}}})
    file = saved(zoo, spec, tmp_path / "noisy.safetensors")
    assert zoo.open(file).module.noiser.alphas == [1.0, 1.0]


def test_loading_leaves_the_callers_chance_alone(zoo: Zoo, tmp_path: Path) -> None:
    file = saved(zoo, ModelSpec("net"), tmp_path / "net.safetensors")
    torch.manual_seed(0)
    expected = torch.randn(3)
    torch.manual_seed(0)
    zoo.open(file)
    assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("leaky", "non-persistent buffer secret"),
        ("unstrict", "forbid_unknown_fields"),
        ("impostor", "is a Impostor, no GenerativeModel"),
    ],
)
def test_a_faulty_component_is_its_plugins_fault(zoo: Zoo, component: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        zoo.build(ModelSpec(component))


def test_a_constructor_that_raises_is_a_config_error_in_one_line(zoo: Zoo) -> None:
    with pytest.raises(ConfigError, match="model acme-models/explosive cannot be built") as caught:
        zoo.build(ModelSpec("explosive"))
    assert "\n" not in str(caught.value)


def test_a_model_that_takes_no_conditioner_refuses_one(zoo: Zoo) -> None:
    conditioners = {"label": ComponentSpec("nothing-like-it")}
    with pytest.raises(ConfigError, match="unknown conditioner 'nothing-like-it'"):
        zoo.build(ModelSpec("net", conditioners=conditioners))


def test_a_missing_part_is_named(zoo: Zoo) -> None:
    with pytest.raises(ConfigError, match="no part plays the role 'codec'"):
        zoo.build(ModelSpec("latent"))


def test_what_has_no_weights_is_no_model(zoo: Zoo) -> None:
    with pytest.raises(ConfigError, match="'noiser' has no weights"):
        zoo.build(ModelSpec("table", kind="noiser"))
