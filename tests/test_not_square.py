"""Pictures of 3×16×48 through all that genzoo does: what takes height for width fails here."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from genzoo.cli import main

WIDTH, HEIGHT = 48, 16
SIZES = {"train": 32, "test": 30}
"""Pictures of each colour."""

LABEL = """
[model.conditioners.label]
component = "genzoo/class-labels"
column = "label"
drop = 0.1
config = { classes = ["blue", "red"] }
"""
UNET = '{ type = "unet", width = 8, multipliers = [1, 2], blocks = 1, patch = 2 }'
CONV = '{ type = "conv", width = 8, blocks = 1 }'
FLOW = '{ type = "flow", width = 16, blocks = 1, embedding = 16 }'
CRITIC = CONV.replace(" }", ", critic_width = 8, critic_blocks = 1, hidden = 16 }")
TRUNK = "{ shape = [3, 16, 48], width = 8, blocks = 1, features = 16 }"

# Component, config and stages: what a stage trains has its name, but for a GAN's.
MODELS = {
    "wide-codec": ("spatial-codec", "channels = 4\nwidth = 8\nblocks = 1", ["reconstruction"]),
    "wide-net": ("classifier", f"shift = 2\ntrunk = {TRUNK}", ["classification"]),
    "wide-ae": (
        "autoencoder",
        f"latent = 8\nnetwork = {CONV}\nprior = {FLOW}",
        ["reconstruction", "prior"],
    ),
    "wide-vae": ("vae", f"latent = 8\nnetwork = {CONV}", ["elbo"]),
    "wide-gan": (
        "gan",
        f"latent = 8\nnetwork = {CRITIC}\naugment = {{ probability = 0.4 }}",
        ["adversarial"],
    ),
    "wide-flow": (
        "diffusion",
        'noiser = { component = "genzoo/rectified-flow" }\n'
        f"network = {UNET.replace('patch = 2', 'patch = 4, flat = 16')}\nsteps = 3",
        ["denoising"],
    ),
    "wide-edm": (
        "diffusion",
        f'noiser = {{ component = "genzoo/edm" }}\nnetwork = {UNET}\nsampler = "heun"\nsteps = 3',
        ["denoising"],
    ),
    "wide-mean": ("mean-flow", f"network = {UNET}\nsteps = 2", ["flowing"]),
    "wide-latent": (
        "diffusion",
        'on = "latents"\nnoiser = { component = "genzoo/ddpm" }\n'
        f'network = {UNET}\nsampler = "dpmpp-2m"\nsteps = 3',
        ["denoising"],
    ),
}
DRAWING = [name for name in MODELS if name not in ("wide-codec", "wide-net")]
CODECS = ("wide-codec", "wide-ae", "wide-vae", "wide-latent")


def genzoo(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def recipe(name: str) -> str:
    component, config, stages = MODELS[name]
    kind = {"wide-codec": "codec", "wide-net": "encoder"}.get(name, "model")
    label = "" if name == "wide-codec" else LABEL
    if name == "wide-net":
        label = LABEL.replace("drop = 0.1\n", "").replace("{ classes", "{ dim = 1, classes")
    shape = "" if name == "wide-net" else "shape = [3, 16, 48]\n"
    family = "features" if name == "wide-net" else component
    parts = 'parts.codec = { model = "wide-codec" }\n' if name == "wide-latent" else ""
    text = (
        f'name = "{name}"\n[card]\nfamily = "{family}"\nsummary = "Wide ones."\n'
        '[data]\nname = "discs"\nshape = [3, 16, 48]\nbackground = 255\n'
        f'[model]\nkind = "{kind}"\ncomponent = "genzoo/{component}"\n{parts}'
        f"[model.config]\n{shape}{config}\n{label}"
    )
    for stage in stages:
        phases = ("discriminator", "generator") if name == "wide-gan" else (stage,)
        text += f'[[stages]]\nname = "{stage}"\nsteps = 4\nbatch_size = 16\n'
        text += "".join(f'phases.{p} = {{ optimizer = "adam", lr = 1e-3 }}\n' for p in phases)
    return text


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the data set "discs"; a plugin with models of it, trained here."""
    site, work = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    package, info = site / "wide", site / "wide-1.0.dist-info"
    for folder in (package / "weights", package / "recipes", info):
        folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "genzoo.toml").write_text("api = 2\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wide\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nwide = wide\n")
    _draw(work / "discs")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("GENZOO_CACHE", str(site / "cache"))
        patch.chdir(work)
        for name in MODELS:
            path = package / "recipes" / f"{name}.toml"
            path.write_text(recipe(name))
            genzoo("train", path, "--data", ".", "--out", f"runs/{name}")
            shutil.copy(f"runs/{name}/{name}.safetensors", package / "weights")
            with (package / "genzoo.toml").open("a") as manifest:
                manifest.write((work / "runs" / name / "card.toml").read_text())
        yield work


def _draw(folder: Path) -> None:
    """Discs at places that are seldom in the left third, so that a transpose would be seen."""
    places = np.random.default_rng(0)
    for split, count in SIZES.items():
        for colour in ("red", "blue"):
            (folder / split / colour).mkdir(parents=True)
            for i in range(count):
                picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
                left = int(places.integers(12, 36))
                ImageDraw.Draw(picture).ellipse((left, 3, left + 9, 12), fill=colour)
                picture.save(folder / split / colour / f"{i}.png")


@pytest.fixture
def picture(wide: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(wide)
    return wide / "discs" / "test" / "red" / "0.png"


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_all_are_drawn_walked_and_made_again(picture: Path) -> None:
    for name in DRAWING:
        genzoo(
            *("run", name, "red", "blue", "-n", "3", "--seed", "1"),
            *("--scale", "1", "-f", "-o", "grid.png"),
        )
        assert size("grid.png") == (3 * WIDTH + 4, 2 * HEIGHT + 2), name
        genzoo("run", "--replay", "grid.png", "-f", "-o", "again.png")
        genzoo("run", name, "red", "--interpolate", "1,5", "-n", "3", "-f", "-o", "walk.gif")
        enlarged = round(512 / max(WIDTH, HEIGHT))
        assert size("walk.gif") == (enlarged * WIDTH, enlarged * HEIGHT), name
        genzoo("run", name, "-n", "2", "-f", "-o", "some.npz", "--preview")
        assert np.load("some.npz")["images"].shape == (2, HEIGHT, WIDTH, 3), name


def test_all_that_can_begin_from_a_picture_do(picture: Path) -> None:
    for name in (name for name in DRAWING if name != "wide-gan"):
        genzoo("run", name, "-i", picture, "--strength", "0", "-f", "-o", "same.png")
        assert size("same.png") == (WIDTH, HEIGHT)
        if name not in CODECS:
            same = np.asarray(Image.open("same.png"))
            np.testing.assert_array_equal(same, np.asarray(Image.open(picture)))
        file = "some.png" if name == "wide-vae" else "some.gif"  # made in one step
        genzoo("run", name, "red", "-i", picture, "--strength", "0.5", "-f", "-o", file)
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    mask.paste(255, (32, 0, WIDTH, HEIGHT))
    mask.save("mask.png")
    for name in ("wide-flow", "wide-edm", "wide-mean", "wide-latent"):
        genzoo("run", name, "red", "-i", picture, "--mask", "mask.png", "-f", "-o", "part.png")
        left = [np.asarray(Image.open(path))[:, :32] for path in (picture, "part.png")]
        np.testing.assert_array_equal(*left, err_msg=name)


def test_all_codecs_reconstruct_and_encode(picture: Path) -> None:
    other = picture.with_name("1.png")
    for name in CODECS:
        genzoo(
            *("run", name, "-i", picture, "-i", other),
            *("--scale", "1", "-f", "-o", "pairs.png"),
        )
        assert size("pairs.png") == (2 * WIDTH + 2, 2 * HEIGHT + 2)
        genzoo("encode", name, picture, other, "-f", "-o", "z.npz")
        genzoo("run", name, "-i", picture, "-i", other, "-f", "-o", "pairs.npz")
        genzoo("decode", name, "z.npz", "-f", "-o", "decoded.npz")
        with np.load("pairs.npz") as pairs, np.load("decoded.npz") as decoded:
            np.testing.assert_array_equal(decoded["images"], pairs["images"], err_msg=name)
        genzoo("decode", name, "z.npz", "--scale", "1", "-f", "-o", "decoded.png")
        assert size("decoded.png") == (2 * WIDTH + 2, HEIGHT)
        genzoo("run", "--replay", "decoded.png", "-f", "-o", "again.png")
        genzoo(
            *("run", name, "-i", picture, "-i", other),
            *("--interpolate", "-n", "3", "--scale", "1", "-f", "-o", "walk.png"),
        )
        assert size("walk.png") == (3 * WIDTH + 4, HEIGHT)


def test_they_are_measured_and_compared(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    genzoo("eval", "wide-vae", "--data", ".", "-n", "50", "--no-costs")
    assert "wide-net" in capsys.readouterr().out
    genzoo(
        *("compare", "wide-vae", "wide-mean", "--data", ".", "-n", "50"),
        *("-f", "-o", "page.html", "--picture", "page.png"),
    )
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", Path("page.html").read_text())
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for data in pictures]
    assert sizes
    # Rows of pictures, a pixel or two apart.
    assert all(w % (WIDTH + 2) in (0, WIDTH) and h % (HEIGHT + 2) in (0, HEIGHT) for w, h in sizes)
    with Image.open("page.png") as poster:
        shown = np.asarray(poster.convert("RGB")).astype(int)
    blue = (shown[..., 2] > 200) & (shown[..., :2].max(-1) < 60)
    rows = _first(blue.any(1))  # of the test pictures, which stand above all others
    columns = _first(blue[rows].any(0))
    assert 0.8 < len(columns) / len(rows) < 1.25  # a disc is as wide as it is high


def _first(found: np.ndarray) -> np.ndarray:
    """The first places in a row where something was found."""
    places = np.nonzero(found)[0]
    first: np.ndarray = np.split(places, np.nonzero(np.diff(places) > 1)[0] + 1)[0]
    return first
