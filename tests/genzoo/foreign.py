"""A plugin that reads folders of others, really installed; and such folders."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import acme_plugin
import pytest
import safetensors.torch
import torch
from crates import write_shards
from torch import Tensor

import genzoo
from genzoo_core import GenzooError
from genzoo_core.zoo import Zoo

SOURCE = '''
import os
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

import genzoo_core as core
from acme_models.models import Net, Plain


class Nets(core.Format):
    """`net.json`, and the weights of a `net` whose names begin with "their."."""

    def card(self, folder):
        says = folder.json("net.json")
        return core.ModelCard("a-net", "acme", "A net of others.", shape=(1, 2, 2), **says["card"])

    def load(self, folder):
        says = folder.json("net.json")
        weights = folder.weights(says.get("weights", "net"))
        tensors = {name.removeprefix("their."): weights[name] for name in weights}
        return core.Described(core.ModelSpec("acme-models/net", says["config"]), tensors)


class Built(Nets):
    """The same, which it builds itself, by files that it opens itself."""

    def load(self, folder):
        from safetensors.torch import load_file

        class Context:
            conditioners, training = {}, False

        net = Net(Plain(**folder.json("net.json")["config"]), Context())
        place = folder.local(["net.json", "net.safetensors"])
        assert sorted(os.listdir(place)) == ["net.json", "net.safetensors"]
        weights = load_file(place / "net.safetensors")
        net.load_state_dict({name.removeprefix("their."): weights[name] for name in weights})
        return net


class Cast(Built):
    """The same in the precision that it is to have; in bfloat16 where that is left to it."""

    def load(self, folder):
        dtypes = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
        own = folder.json("net.json").get("own", "bf16")
        asked = {"auto": own}.get(folder.precision, folder.precision)
        if folder.json("net.json").get("deaf"):
            asked = own
        return super().load(folder).to(getattr(torch, dtypes[asked]))


class Mixing(Net):
    """Writes what its layer makes into a tensor of its own, which has to be of one dtype."""

    def sample(self, rng, conditions, options, on_step=None):
        made = torch.zeros(rng.n, 4)
        made[torch.arange(rng.n)] = self.body(rng.normal((4,), made))
        return made.reshape(-1, 1, 2, 2).clamp(-1, 1)


class Latents(Nets):
    """A model on a codec, whose weights lie in the folder as well."""

    def load(self, folder):
        codec = core.ModelSpec("acme-models/line", kind="codec")
        part = core.PartSpec("a-codec", inline=codec)
        tensors = {
            **folder.weights("net"),
            **{f"parts.codec.{name}": tensor for name, tensor in folder.weights("codec").items()},
        }
        return core.Described(core.ModelSpec("acme-models/latent", parts={"codec": part}), tensors)


class Silent(Exception):
    def __str__(self):
        raise ValueError("not so")


class Theirs(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise ValueError("not so")


class Faulty(Nets):
    """What goes wrong, by the name in `net.json`."""

    def card(self, folder):
        match folder.json("net.json").get("fault"):
            case "card":
                raise KeyError("no such\\nkey")
            case "no card":
                return {"name": "x"}
            case "kind":
                return replace_card(super().card(folder), kind="codec")
            case "name":
                return replace_card(super().card(folder), name="x" * 1000)
        return super().card(folder)

    def load(self, folder):
        described = super().load(folder)
        match folder.json("net.json").get("fault"):
            case "load":
                raise RuntimeError("size mismatch\\nfor body.weight")
            case "silent":
                raise Silent
            case "leaves":
                raise SystemExit(3)
            case "own":
                raise core.ConfigError("width is 3", "give 4")
            case "nothing":
                return None
            case "module":
                return nn.Linear(2, 2)
            case "meta":
                return Built().load(folder).to("meta")
            case "buffer":
                net = Built().load(folder)
                net.norm.running_mean = net.norm.running_mean.to("meta")
                return net
            case "shape":
                net = Built().load(folder)
                del net.sample_shape
                return net
            case "shapes":
                net = Built().load(folder)
                net.sample_shape = "large"
                return net
            case "subclass":
                return replace(described, tensors={"body.bias": torch.ones(4).as_subclass(Theirs)})
            case "mixing":
                net = Built().load(folder)
                net.__class__ = Mixing
                return net
            case "infinite":
                net = Built().load(folder)
                net.body.bias.data[0] = torch.inf
                return net
            case "spec":
                return core.Described({"component": 3}, {})
            case "tensors":
                return replace(described, tensors={"body.bias": [1.0]})
            case "missing":
                folder.read("gone.json")
            case "outside":
                folder.read("../net.json")
            case "pickle":
                folder.read("net.bin")
            case "zip":
                folder.local(["their/data"])
            case "capitals":
                folder.local(["NET.SAFETENSORS"])
            case "stem":
                folder.weights("nets")
            case "changes":
                path = Path(folder.name, "net.json")
                path.write_text(path.read_text() + " ")
        return described


def replace_card(card, **fields):
    import msgspec

    return msgspec.structs.replace(card, **fields)
'''

FORMATS = {
    "nets": (["net.json", "their/nets.txt"], "Nets"),
    "built": (["net.json", "their/built.txt"], "Built"),
    "cast": (["net.json", "their/cast.txt"], "Cast"),
    "latents": (["net.json", "their/latents.txt"], "Latents"),
    "faulty": (["net.json", "their/faulty.txt"], "Faulty"),
}


def install_reader(site: Path) -> None:
    """Install `acme-reader`, which reads formats that are told by a file in `their`."""
    blocks = [
        f'[[formats]]\nname = "{name}"\nmarkers = {json.dumps(markers)}\n'
        f'target = "acme_reader.models:{cls}"\n'
        for name, (markers, cls) in FORMATS.items()
    ]
    acme_plugin.install(site, "acme-reader", "\n".join([acme_plugin.MANIFEST, *blocks]), SOURCE)


def net_tensors(width: int = 4) -> dict[str, Tensor]:
    """What a `net` of that width holds."""
    draw = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> Tensor:
        # Those that float8 has, too.
        return torch.randint(-8, 9, shape, generator=draw) / 8

    return {
        "body.weight": numbers(4, width),
        "body.bias": numbers(4),
        "norm.weight": numbers(width),
        "norm.bias": numbers(width),
        "norm.running_mean": numbers(width),
        "norm.running_var": torch.ones(width),
        "norm.num_batches_tracked": torch.tensor(3),
        "position": numbers(width),
        "fitted": torch.tensor(True),
        "table": numbers(3),
    }


def write_net(
    folder: Path,
    tensors: dict[str, Tensor] | None = None,
    *,
    form: str = "nets",
    stem: str = "net",
    **says: object,
) -> Path:
    """A folder in a format that `acme-reader` reads; `says` is added to its `net.json`."""
    (folder / "their").mkdir(parents=True, exist_ok=True)
    (folder / "their" / f"{form}.txt").touch()
    config = {"config": {"width": 4}, "card": {}, **says}
    (folder / "net.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A net\n")
    named = {f"their.{name}": tensor for name, tensor in (tensors or net_tensors()).items()}
    safetensors.torch.save_file(named, folder / f"{stem}.safetensors", {"written by": "others"})
    return folder


def assert_same(module: torch.nn.Module, tensors: dict[str, Tensor]) -> None:
    state = module.state_dict()
    assert state.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(state[name].double(), tensor.double()), name


def refused(zoo: Zoo, reference: str | Path, *says: str) -> GenzooError:
    """Opening it is refused, in one line that says all this."""
    with pytest.raises(GenzooError) as caught:
        zoo.open(reference)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1000
    for words in says:
        assert words in text
    return caught.value


def shards(folder: Path, variant: str = "", stem: str = "net") -> Path:
    """Two shards in place of the one file with weights."""
    tensors = {f"their.{name}": tensor for name, tensor in net_tensors().items()}
    write_shards(folder, tensors, stem, variant)
    (folder / "net.safetensors").unlink(missing_ok=True)
    return folder


def assert_nothing_runs(monkeypatch: pytest.MonkeyPatch, reference: str, *says: str) -> None:
    """A folder is refused in one line, and the plugin that reads its format is not imported."""
    monkeypatch.delitem(sys.modules, "acme_reader.models", raising=False)
    refused(genzoo.open_zoo(), reference, *says)
    assert "acme_reader.models" not in sys.modules
