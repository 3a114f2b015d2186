"""A plugin distribution that tests install by hand: a package folder and its dist-info."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from genzoo_core.cards import ModelCard

MANIFEST = """
api = 2
summary = "Components for tests."
"""

SOURCE = '''
from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core import Codec, GenerativeModel, Noiser, Posterior, Rng, Stage

Width = Annotated[int, msgspec.Meta(ge=1, le=64)]


class Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    width: Width = 4
    shape: tuple[int, int, int] = (1, 2, 2)


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    component: str
    config: dict[str, int] = {}


class WithNoiser(Plain, frozen=True, forbid_unknown_fields=True, kw_only=True):
    noiser: Named


class Unbounded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channels: int = 1
    layers: int = 1


class Loose(msgspec.Struct, frozen=True):
    width: int = 4


class Line(Codec):
    Config = Plain

    def __init__(self, config, context):
        super().__init__()
        self.latent_shape = (config.width,)
        self.read = nn.Linear(4, config.width)
        self.write = nn.Linear(config.width, 4)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("scale", torch.ones(config.width))

    def encode(self, x, condition=None):
        return Posterior(self.read(x.flatten(1)) * self.scale)

    def decode(self, z, condition=None):
        return self.write(self.drop(z / self.scale)).reshape(-1, 1, 2, 2)


class Base(GenerativeModel):
    Config = Plain

    def __init__(self, config, context):
        super().__init__(context)
        self.sample_shape = (1, 2, 2)
        self.make(config, context)

    def make(self, config, context):
        self.body = nn.Linear(config.width, 4)

    def sample(self, rng, conditions, options, on_step=None):
        z = rng.normal((self.body.in_features,), self.body.weight)
        return self.body(z).reshape(-1, 1, 2, 2).clamp(-1, 1)

    def stages(self):
        return ()

    def loss(self, batch, rng, phase, progress):
        raise NotImplementedError


class Net(Base):
    """Every kind of tensor: parameters, statistics, a counter, a flag, a computed table."""

    def make(self, config, context):
        super().make(config, context)
        self.norm = nn.BatchNorm1d(config.width)
        self.position = nn.Parameter(torch.randn(config.width) * 0.02)
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        self.register_buffer("table", torch.arange(3.0) / 3)
        nn.init.normal_(self.body.weight)
        nn.init.constant_(self.body.bias, 0.5)


class Latent(Base):
    def make(self, config, context):
        super().make(config, context)
        self.codec = context.part("codec")
        if context.training:
            self.teacher = context.part("teacher")


class Critic(Base):
    def make(self, config, context):
        super().make(config, context)
        if context.training:
            self.critic = nn.Linear(4, 1)


class Tied(Base):
    def make(self, config, context):
        super().make(config, context)
        self.twin = nn.Linear(config.width, 4)
        self.twin.weight = self.body.weight


class Leaky(Base):
    def make(self, config, context):
        self.register_buffer("secret", torch.zeros(2), persistent=False)


class Hoarder(Base):
    def make(self, config, context):
        self.hoard = torch.zeros(2)


class Explosive(Base):
    def make(self, config, context):
        raise KeyError("width\\nand more")


class Huge(Base):
    Config = Unbounded

    def make(self, config, context):
        self.body = nn.Conv2d(config.channels, config.channels, 3)
        self.layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(config.layers))


class Unstrict(Base):
    Config = Loose


class Impostor(nn.Module):
    Config = Plain

    def __init__(self, config, context):
        super().__init__()


class Table(Noiser):
    """A noiser that computes with what it makes, as schedules do."""

    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        steps: int = 3

    def __init__(self, config, context):
        self.alphas = torch.ones(config.steps).cumprod(0).tolist()


class Noisy(Base):
    Config = WithNoiser

    def make(self, config, context):
        self.body = nn.Linear(config.width, 4)
        self.noiser = context.component("noiser", config.noiser.component, config.noiser.config)
'''

COMPONENTS = {
    "codec": {"line": "Line"},
    "noiser": {"table": "Table"},
    "model": {
        "net": "Net",
        "latent": "Latent",
        "critic": "Critic",
        "tied": "Tied",
        "leaky": "Leaky",
        "hoarder": "Hoarder",
        "explosive": "Explosive",
        "huge": "Huge",
        "unstrict": "Unstrict",
        "impostor": "Impostor",
        "noisy": "Noisy",
    },
}


def install(site: Path, name: str, manifest: str, source: str = "") -> Path:
    """Install a distribution `name` with one package into `site`; gives the package's folder."""
    package = name.replace("-", "_")
    folder = site / package
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "genzoo.toml").write_text(manifest)
    if source:
        (folder / "models.py").write_text(source)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[genzoo]\n{package} = {package}\n")
    return folder


def install_components(site: Path) -> None:
    """Install `acme-models`, whose components the tests build."""
    blocks = [
        f'[[components]]\nkind = "{kind}"\nname = "{name}"\ntarget = "acme_models.models:{cls}"\n'
        for kind, names in COMPONENTS.items()
        for name, cls in names.items()
    ]
    install(site, "acme-models", "\n".join([MANIFEST, *blocks]), SOURCE)


def manifest_of(cards: Iterable[ModelCard]) -> str:
    """A manifest with these cards and nothing else."""
    blocks = []
    for card in cards:
        fields = msgspec.to_builtins(card)
        lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in fields.items()]
        blocks.append("\n".join(["[[models]]", *lines]))
    return "\n\n".join([MANIFEST, *blocks])
