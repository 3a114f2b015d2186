"""Sound material that the kinds change: a small model, pictures of it, an installed plugin."""

from __future__ import annotations

import sys
from importlib import invalidate_caches
from pathlib import Path

import msgspec
from fuzzing.judging import command
from fuzzing.mutations import as_toml

import genzoo
from genzoo_core import ComponentSpec, Metric, ModelCard, ModelSpec, PartSpec

LABELS = ComponentSpec("genzoo/class-labels", {"classes": ["a", "b"], "dim": 2})


def on_path(folder: str) -> Path:
    """A new folder on this process's path, to install into."""
    site = Path(folder).absolute()
    site.mkdir()
    sys.path.insert(0, str(site))
    return site


def trap(site: Path) -> Path:
    """The file that appears when the module `trap_module`, which only hostile names name, runs."""
    ran = site / "trap.ran"
    (site / "trap_module.py").write_text(f"open({str(ran)!r}, 'w').close()\nTrap = object\n")
    return ran


def install(site: Path, name: str, manifest: str) -> Path:
    """Install a distribution with one package; gives the package's folder."""
    package = name.replace("-", "_")
    folder = site / package
    folder.mkdir()
    (folder / "__init__.py").write_text("open(__file__ + '.ran', 'w').close()\n")
    (folder / "genzoo.toml").write_text(manifest)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[genzoo]\n{package} = {package}\n")
    invalidate_caches()
    return folder


def card_table(card: ModelCard) -> str:
    """A card as a table of a manifest."""
    return f"[[models]]\n{as_toml(msgspec.to_builtins(card))}\n"


def write_vae(path: Path, channels: int = 1, side: int = 8) -> None:
    """A VAE with labels and fresh weights: it samples, walks, encodes and reconstructs."""
    shape = (channels, side, side)
    config = {"shape": list(shape), "latent": 3, "network": {"type": "mlp", "hidden": 4}}
    save(path, ModelSpec("genzoo/vae", config, "model", {"label": LABELS}), "vae", shape)


def write_diffusion(site: Path, path: Path) -> None:
    """A diffusion model on the latents of a codec, with that codec, labels and a figure inside."""
    codec = site / "codec.safetensors"
    config = {"shape": [1, 8, 8], "channels": 2, "width": 8}
    card = save(codec, ModelSpec("genzoo/spatial-codec", config, kind="codec"), "codec")
    without_figures = msgspec.structs.replace(card, metrics=())
    package = install(site, "acme-codecs", f"api = 2\n{card_table(without_figures)}")
    codec.rename(package / codec.name)
    network = {"type": "mlp", "width": 8, "blocks": 1, "embedding": 8}
    noiser = {"component": "genzoo/rectified-flow"}
    config = {"noiser": noiser, "network": network, "shape": [1, 8, 8], "on": "latents"}
    parts = {"codec": PartSpec("acme-codecs/codec")}
    spec = ModelSpec("genzoo/diffusion", config, "model", {"label": LABELS}, parts)
    save(Path("apart.safetensors"), spec, "diffusion", (1, 8, 8))
    command("export", "apart.safetensors", "-o", path, "--whole")


def save(
    path: Path, spec: ModelSpec, family: str, shape: tuple[int, int, int] | None = None
) -> ModelCard:
    """Write a model with fresh weights; its card."""
    import torch

    zoo = genzoo.open_zoo()
    torch.manual_seed(0)
    built = zoo.build(spec)
    metric = Metric("Fréchet distance", 2.5, "genzoo eval sound", n=10, floor=1.0)
    card = ModelCard(
        path.stem, family, "A sound one.", kind=spec.kind, shape=shape, metrics=(metric,),
        weights=path.name,
    )  # fmt: skip
    return zoo.save(path, built.spec, built.own_tensors(), card)


RECIPE = {
    "name": "mine",
    "card": {"family": "vae", "summary": "A small one.", "credits": ["someone"]},
    "data": {"name": "stripes", "shape": [1, 8, 8], "hub": "a/b", "background": 0},
    "model": {
        "component": "genzoo/vae",
        "config": {"shape": [1, 8, 8], "latent": 3, "network": {"type": "mlp", "hidden": 4}},
        "conditioners": {
            "label": {
                "component": "genzoo/class-labels",
                "column": "label",
                "config": {"classes": ["a", "b"], "dim": 2},
                "drop": 0.1,
            }
        },
    },
    "stages": [
        {
            "name": "elbo",
            "steps": 4,
            "batch_size": 4,
            "ema": 100.0,
            "phases": {
                "elbo": {"optimizer": "adam", "lr": 1e-3, "betas": [0.9, 0.99], "clip": 0.0}
            },
        }
    ],
    "seed": 0,
    "weights_dtype": "float32",
    "report": {"log_every": 1, "sample_every": 2, "checkpoint_every": 2, "samples": 2},
}
"""A recipe of a small model, whole."""


def labels_and_pictures() -> tuple[list[int], list[bytes]]:
    """Twelve small pictures as PNG, and their classes."""
    import io

    from PIL import Image

    pictures = []
    for number in range(12):
        out = io.BytesIO()
        pixels = bytes((number * 20 + at * 3) % 256 for at in range(64))
        Image.frombytes("L", (8, 8), pixels).save(out, "PNG")
        pictures.append(out.getvalue())
    return [number % 2 for number in range(12)], pictures
