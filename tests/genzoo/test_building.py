"""Building modules from specs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from genzoo.models.building import build_module
from genzoo.zoo import RegistryZoo
from genzoo_core import ComponentSpec, ConfigError, ModelSpec, PluginError


def test_names_become_full_and_configs_whole(zoo: RegistryZoo) -> None:
    spec = zoo.build(ModelSpec("net", {"width": 3})).spec
    assert spec.component == "acme-models/net"
    assert spec.config == {"width": 3, "shape": [1, 2, 2]}


def test_names_inside_configs_become_full(zoo: RegistryZoo) -> None:
    spec = zoo.build(ModelSpec("noisy", {"noiser": {"component": "table"}})).spec
    assert spec.config["noiser"] == {"component": "acme-models/table", "config": {}}
    assert zoo.build(spec).spec == spec


def test_a_fresh_module_has_real_weights_and_gradients(zoo: RegistryZoo) -> None:
    module = zoo.build(ModelSpec("net"), training=True).module
    assert all(p.requires_grad and not p.is_meta for p in module.parameters())
    assert module.get_parameter("body.bias").tolist() == [0.5] * 4
    assert module.get_parameter("body.weight").std() > 0


def test_fresh_weights_are_those_that_the_seed_gives(zoo: RegistryZoo) -> None:
    torch.manual_seed(5)
    built = zoo.build(ModelSpec("acme-models/critic"), training=True)
    torch.manual_seed(5)
    expected = nn.Linear(4, 4)
    torch.testing.assert_close(built.module.get_parameter("body.weight"), expected.weight)


def test_only_training_builds_what_only_training_needs(zoo: RegistryZoo) -> None:
    names = {True: set[str](), False: set[str]()}
    for training in names:
        names[training] = set(zoo.build(ModelSpec("critic"), training=training).own_tensors())
    assert names[True] - names[False] == {"critic.weight", "critic.bias"}


def test_a_blueprint_takes_no_memory(zoo: RegistryZoo) -> None:
    spec = ModelSpec("huge", {"channels": 100_000})
    built = build_module(zoo.catalogue, spec, {}, training=False, blueprint=True)
    assert built.module.get_parameter("body.weight").nbytes == 360_000_000_000
    assert all(p.is_meta for p in built.module.parameters())


def test_a_blueprint_imports_no_compiler() -> None:
    code = """
import sys, torch
before = set(sys.modules)
from genzoo.models.blueprint import BlueprintMode
with BlueprintMode():
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.Conv2d(3, 8, 3), torch.nn.GroupNorm(2, 8),
        torch.nn.BatchNorm2d(8), torch.nn.ConvTranspose2d(8, 3, 4), torch.nn.LayerNorm(4),
        torch.nn.Embedding(4, 5, padding_idx=0), torch.nn.MultiheadAttention(8, 2),
    )
    torch.nn.init.normal_(module[0].weight)
    torch.nn.init.trunc_normal_(module[0].weight)
    torch.nn.init.zeros_(module[1].bias)
    module[0].position = torch.nn.Parameter(torch.randn(4) * 0.02)
assert module[1].weight.is_meta
heavy = {"sympy", "torch._meta_registrations", "torch._dynamo"}
print(sorted(heavy & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_more_memory_than_the_machine_has_is_refused(zoo: RegistryZoo) -> None:
    with pytest.raises(ConfigError, match=r"needs 14[0-9,]+ bytes, this machine has"):
        zoo.build(ModelSpec("huge", {"channels": 2_000_000}), training=True)


def test_a_noiser_may_compute_while_its_model_is_a_blueprint(zoo: RegistryZoo) -> None:
    spec = ModelSpec("noisy", {"noiser": {"component": "table", "config": {"steps": 2}}})
    built = build_module(zoo.catalogue, spec, {}, training=False, blueprint=True)
    assert built.module.noiser.alphas == [1.0, 1.0]


def test_a_blueprint_leaves_the_callers_chance_alone(zoo: RegistryZoo) -> None:
    torch.manual_seed(0)
    expected = torch.randn(3)
    torch.manual_seed(0)
    from genzoo.models.loading import build_blueprint

    build_blueprint(zoo.catalogue, ModelSpec("net"))
    assert torch.equal(torch.randn(3), expected)


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("leaky", "non-persistent buffer secret"),
        ("unstrict", "forbid_unknown_fields"),
        ("impostor", "is a Impostor, no GenerativeModel"),
    ],
)
def test_a_faulty_component_is_its_plugins_fault(
    zoo: RegistryZoo, component: str, message: str
) -> None:
    with pytest.raises(PluginError, match=message):
        zoo.build(ModelSpec(component))


def test_a_constructor_that_raises_is_a_config_error_in_one_line(zoo: RegistryZoo) -> None:
    with pytest.raises(ConfigError, match="model acme-models/explosive cannot be built") as caught:
        zoo.build(ModelSpec("explosive"))
    assert "\n" not in str(caught.value)


def test_a_model_that_takes_no_conditioner_refuses_one(zoo: RegistryZoo) -> None:
    conditioners = {"label": ComponentSpec("nothing-like-it")}
    with pytest.raises(ConfigError, match="unknown conditioner 'nothing-like-it'"):
        zoo.build(ModelSpec("net", conditioners=conditioners))


def test_a_missing_part_is_named(zoo: RegistryZoo) -> None:
    with pytest.raises(ConfigError, match="no part plays the role 'codec'"):
        zoo.build(ModelSpec("latent"))


def test_what_has_no_weights_is_no_model(zoo: RegistryZoo) -> None:
    with pytest.raises(ConfigError, match="'noiser' has no weights"):
        zoo.build(ModelSpec("table", kind="noiser"))
