"""Loading models by name and by path, with the parts that they share."""

from __future__ import annotations

from pathlib import Path

import acme_plugin
import msgspec
import pytest
import torch
from raw_files import edited_model

import genzoo
from genzoo_core import (
    ConfigError,
    IntegrityError,
    ModelCard,
    ModelSpec,
    PartSpec,
    UsageError,
    WeightsError,
)
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo

NET = ModelCard(name="net-a", family="acme", summary="A net.", weights="weights/net.safetensors")
CODEC = ModelCard(
    name="codec-a",
    family="acme",
    summary="A codec.",
    kind="codec",
    weights="weights/codec.safetensors",
)
LATENT = ModelCard(
    name="latent-a", family="acme", summary="On a codec.", weights="weights/latent.safetensors"
)


def ship(site: Path, distribution: str, *models: tuple[ModelCard, ModelSpec]) -> Zoo:
    """Install a distribution that ships models; gives a registry that knows them."""
    folder = acme_plugin.install(site, distribution, acme_plugin.MANIFEST)
    (folder / "weights").mkdir()
    zoo = genzoo.open_zoo()
    cards = []
    for card, spec in models:
        built = zoo.build(spec)
        cards.append(zoo.save(folder / card.weights, built.spec, built.own_tensors(), card))
    (folder / "genzoo.toml").write_text(acme_plugin.manifest_of(cards))
    return genzoo.open_zoo()


@pytest.fixture
def zoo_with_codec(site: Path) -> Zoo:
    """A registry with the model `acme-shared/codec-a`."""
    return ship(site, "acme-shared", (CODEC, ModelSpec("line", kind="codec")))


def latent(zoo: Zoo, path: Path) -> ModelCard:
    """Save a model whose part is `codec-a`, and that had a teacher in training."""
    parts = {"codec": PartSpec("codec-a"), "teacher": PartSpec("codec-a")}
    trained = zoo.build(ModelSpec("latent", parts=parts), training=True)
    return zoo.save(path, trained.spec, trained.own_tensors(), LATENT)


def test_a_model_is_loaded_by_name_and_says_what_it_is(site: Path) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    for name in ("net-a", "acme-nets/net-a"):
        record = zoo.resolve(Request(name))
        assert (record.model, record.versions["acme-models"]) == ("acme-nets/net-a", "1.0")
        assert record.weights == zoo.weights(name).sha256 == zoo.card("net-a").sha256 != ""
        assert record.parts == zoo.open(name).parts == zoo.open(name).spec.parts == {}


def test_a_model_is_loaded_from_a_file(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    folder = site / "acme_nets" / "weights"
    monkeypatch.chdir(folder)
    (folder / "odd").symlink_to("net.safetensors")
    by_name = zoo.open("net-a").own_tensors()
    for path in ("net.safetensors", "./net.safetensors", str(folder / "net.safetensors"), "odd"):
        assert (zoo.resolve(Request(path)).model, zoo.card(path).name) == (str(Path(path)), "net-a")
        assert all(torch.equal(by_name[n], t) for n, t in zoo.open(path).own_tensors().items())


def test_an_unknown_name_is_a_usage_error(zoo: Zoo) -> None:
    with pytest.raises(UsageError, match="no model 'net-b'"):
        zoo.open("net-b")


def test_a_device_that_is_not_there_is_a_usage_error(site: Path) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    with pytest.raises(UsageError, match="device 'teapot'"):
        zoo.open("net-a", device="teapot")


def test_other_bytes_than_the_card_promises(site: Path) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    path = site / "acme_nets" / "weights" / "net.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="its card says"):
        zoo.open("net-a")
    path.write_bytes(content + b"\x00")
    with pytest.raises(IntegrityError, match=f"has {len(content) + 1} bytes"):
        zoo.open("net-a")


def test_a_card_without_a_digest_is_not_loaded(site: Path) -> None:
    ship(site, "acme-nets", (NET, ModelSpec("net")))
    (site / "acme_nets" / "genzoo.toml").write_text(acme_plugin.manifest_of([NET]))
    with pytest.raises(IntegrityError, match="gives no sha256"):
        genzoo.open_zoo().open("net-a")


def test_a_card_of_another_kind_than_the_file(site: Path) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    card = msgspec.structs.replace(zoo.card("net-a"), kind="codec")
    (site / "acme_nets" / "genzoo.toml").write_text(acme_plugin.manifest_of([card]))
    with pytest.raises(WeightsError, match="holds a model, but the card"):
        genzoo.open_zoo().open("net-a")


def test_a_part_is_loaded_with_its_model(zoo_with_codec: Zoo, tmp_path: Path) -> None:
    zoo = zoo_with_codec
    latent(zoo, tmp_path / "latent.safetensors")
    loaded = zoo.open(str(tmp_path / "latent.safetensors"))
    sha256 = zoo.weights("codec-a").sha256
    assert zoo.resolve(Request(str(tmp_path / "latent.safetensors"))).parts == {"codec": sha256}
    assert loaded.spec.parts == {"codec": PartSpec("acme-shared/codec-a", sha256)}
    assert loaded.module.codec is loaded.parts["codec"]
    assert set(loaded.own_tensors()) == {"body.weight", "body.bias"}
    state = loaded.module.state_dict()
    for name, tensor in zoo.open("codec-a").own_tensors().items():
        assert torch.equal(state[f"codec.{name}"], tensor)


def test_what_only_training_needs_is_not_in_the_file(zoo_with_codec: Zoo, tmp_path: Path) -> None:
    latent(zoo_with_codec, tmp_path / "latent.safetensors")
    loaded = zoo_with_codec.open(str(tmp_path / "latent.safetensors"))
    assert set(loaded.spec.parts) == {"codec"}
    assert not hasattr(loaded.module, "teacher")


def test_a_part_stays_frozen_while_its_owner_trains(zoo_with_codec: Zoo) -> None:
    spec = ModelSpec("latent", parts={r: PartSpec("codec-a") for r in ("codec", "teacher")})
    built = zoo_with_codec.build(spec, training=True)
    built.module.train()
    assert built.module.body.training
    assert not any(m.training for m in built.module.codec.modules())
    assert not any(p.requires_grad for p in built.module.codec.parameters())
    assert all(p.requires_grad for p in built.module.body.parameters())


def test_a_model_that_plays_two_roles_is_loaded_once(zoo_with_codec: Zoo) -> None:
    spec = ModelSpec("latent", parts={r: PartSpec("codec-a") for r in ("codec", "teacher")})
    module = zoo_with_codec.build(spec, training=True).module
    assert module.codec is module.teacher


def test_a_missing_part_is_named(zoo_with_codec: Zoo, tmp_path: Path) -> None:
    latent(zoo_with_codec, tmp_path / "latent.safetensors")
    path = edited_model(
        tmp_path / "latent.safetensors", lambda m: m["parts"]["codec"].update(model="gone/codec")
    )
    with pytest.raises(ConfigError, match="part 'codec' is model 'gone/codec', which is missing"):
        zoo_with_codec.open(str(path))


def test_a_part_of_another_version_is_refused(zoo_with_codec: Zoo, tmp_path: Path) -> None:
    latent(zoo_with_codec, tmp_path / "latent.safetensors")
    path = edited_model(
        tmp_path / "latent.safetensors", lambda m: m["parts"]["codec"].update(sha256="ab" * 32)
    )
    with pytest.raises(IntegrityError, match="with sha256 abababababab…, but the installed one"):
        zoo_with_codec.open(str(path))


def test_a_part_in_a_file_needs_a_digest(zoo_with_codec: Zoo, tmp_path: Path) -> None:
    latent(zoo_with_codec, tmp_path / "latent.safetensors")
    path = edited_model(
        tmp_path / "latent.safetensors", lambda m: m["parts"]["codec"].pop("sha256")
    )
    with pytest.raises(ConfigError, match="part 'codec' has no sha256"):
        zoo_with_codec.open(str(path))


def test_a_model_that_is_its_own_part(site: Path) -> None:
    zoo = ship(site, "acme-loop", (NET, ModelSpec("net")))
    net = zoo.card("net-a")
    path = site / "acme_loop" / "weights" / "net.safetensors"
    parts = {"codec": {"model": "net-a", "sha256": "0" * 64}}
    edited_model(path, lambda m: m.update(parts=parts)).rename(path)
    # A digest cannot hold itself, so a cycle needs a card that lies; it is noticed all the same.
    card = msgspec.structs.replace(net, sha256="0" * 64, size=0)
    (site / "acme_loop" / "genzoo.toml").write_text(acme_plugin.manifest_of([card]))
    with pytest.raises(IntegrityError, match="its card says 000000000000…"):
        genzoo.open_zoo().open("net-a")


LOOP = """
from genzoo_core import ModelCard, hookimpl

@hookimpl
def genzoo_models():
    return [ModelCard(name="loop", family="acme", summary="A loop.", weights=PATH)]
"""


def test_a_cycle_without_digests_is_refused(site: Path, tmp_path: Path) -> None:
    # A model known at run time alone promises no digest, so its part may be itself.
    path = tmp_path / "net.safetensors"
    zoo = genzoo.open_zoo()
    built = zoo.build(ModelSpec("net"))
    zoo.save(path, built.spec, built.own_tensors(), NET)
    parts = {"codec": {"model": "acme-ring/loop", "sha256": "0" * 64}}
    loop = edited_model(path, lambda m: m.update(parts=parts))
    manifest = acme_plugin.MANIFEST + 'hooks = ["genzoo_models"]\n'
    folder = acme_plugin.install(site, "acme-ring", manifest)
    (folder / "__init__.py").write_text(LOOP.replace("PATH", repr(str(loop))))
    with pytest.raises(ConfigError, match="is a part of itself: acme-ring/loop → acme-ring/loop"):
        genzoo.open_zoo().open("loop")
