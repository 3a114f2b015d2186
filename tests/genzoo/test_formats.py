"""Folders in formats of others: what a plugin reads, every command takes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

import acme_plugin
import foreign
import numpy as np
import pytest
import safetensors.torch
import torch
from crates import write_shards
from foreign import assert_nothing_runs, assert_same, net_tensors, refused, shards, write_net
from painting import Cli
from PIL import Image

import genzoo
from genzoo_core import (
    ModelSpec,
    NoOptions,
    PluginError,
    SampleRng,
    UsageError,
    WeightsError,
)
from genzoo_core.images import to_uint8
from genzoo_core.request import Request

HALVES = [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float64]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_stands_wherever_a_model_can(reader: Path, cli: Cli) -> None:
    folder = write_net(reader / "mine")
    os.symlink(folder, reader / "link")
    zoo = genzoo.open_zoo()
    for reference in ("mine", "./mine", "mine/", str(folder), Path("mine"), "../work/mine"):
        opened = zoo.open(reference)
        assert opened.name == str(folder)
        assert not opened.module.training
        assert_same(opened.module, net_tensors())
    record = zoo.resolve(Request("mine", n=2, seed=1))
    names = ("net.json", "net.safetensors")
    assert record.files == {name: sha256(folder / name) for name in names}
    lines = sorted(f"{digest}  {name}\n" for name, digest in record.files.items())
    assert record.weights == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert record.model == str(folder)
    assert record.versions.keys() == {"acme-reader", "acme-models", "torch"}
    made = genzoo.generate(Path("link"), n=2, seed=1)
    assert torch.equal(made.images, genzoo.generate("mine", n=2, seed=1).images)
    assert_same(genzoo.load("mine"), net_tensors())
    done = cli("run", "./mine", "-n", "2", "--seed", "1", "-o", "x.npz")
    assert done.code == 0, done.err


def test_names_of_any_script_are_sound(reader: Path, cli: Cli) -> None:
    folder = write_net(reader / "mine")
    for name in ("説明\u3000書.txt", "re\u0301sume\u0301 (1) [x] *.md", "a\u200eb.txt"):
        (folder / name).write_text("not read")
    assert cli("run", "mine", "-o", "x.png").code == 0
    shards(write_net(reader / "parts", weights="網\u3000路"), stem="網\u3000路")
    done = cli("run", "parts", "-o", "y.png")
    assert done.code == 0, done.err


def test_what_is_no_folder_in_a_format_says_which_formats_there_are(
    reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = genzoo.open_zoo()
    (reader / "plain").mkdir()
    refused(zoo, "plain", "it holds no files", "acme-reader/nets (net.json, their/nets.txt)")
    (reader / "plain" / "a.txt").touch()
    refused(zoo, "./plain", "is in no known format: it holds a.txt; installed are acme-reader/")
    refused(zoo, "./gone", "there is no folder or file gone")
    (reader / "photos").mkdir()
    Image.new("L", (8, 8)).save(reader / "photos" / "beach.JPG", "PNG")
    refused(
        zoo, "photos", "is no model: it holds beach.JPG; learn from pictures with `genzoo train"
    )
    monkeypatch.setenv("GENZOO_DISABLE", "acme-reader")
    refused(genzoo.open_zoo(), "plain", "installed are genzoo/")
    monkeypatch.setenv("GENZOO_DISABLE", "acme-reader,diffusers")
    refused(genzoo.open_zoo(), "plain", "no installed plugin reads any")


def test_a_folder_with_one_file_of_genzoos_is_that_file(reader: Path, cli: Cli) -> None:
    write_net(reader / "mine")
    (reader / "runs").mkdir()
    (reader / "runs" / "log.jsonl").touch()
    done = cli("export", "mine", "-o", "runs/one.safetensors", "--json")
    assert done.code == 0, done.err
    zoo = genzoo.open_zoo()
    weights = json.loads(done.out)["card"]["sha256"]
    assert zoo.resolve(Request("runs")).weights == weights
    shutil.copy(reader / "mine" / "net.safetensors", reader / "runs" / "checkpoint.safetensors")
    assert zoo.resolve(Request("runs")).weights == weights
    shutil.copy(reader / "runs" / "one.safetensors", reader / "runs" / "two.safetensors")
    error = refused(zoo, "runs", "it holds checkpoint.safetensors, log.jsonl, one.safe")
    assert error.hint == "name one of its model files: one.safetensors or two.safetensors"


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_numbers_are_stored_in_many_ways(reader: Path, cli: Cli, dtype: torch.dtype) -> None:
    plain = net_tensors()
    tensors = {n: t.to(dtype) if t.is_floating_point() else t for n, t in plain.items()}
    write_net(reader / "mine", tensors)
    zoo = genzoo.open_zoo()
    opened = zoo.open("mine")
    assert {t.dtype for t in opened.module.parameters()} == {torch.float32}
    assert_same(opened.module, plain)
    # One file of genzoo's makes the same, and says so.
    done = cli("export", "mine", "-o", "one.safetensors", "--whole", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["card"]["license"] == "mit"
    whole = zoo.open("one.safetensors")
    assert_same(whole.module, plain)
    assert whole.content == opened.content != ""
    assert cli("run", "mine", "-n", "3", "-o", "x.png").code == 0
    done = cli("run", "one.safetensors", "--replay", "x.png", "-o", "y.png")
    assert (done.code, "the same pixels" in done.err) == (0, True), done.err
    assert "Warning" not in done.err  # the format has no part in it any more
    done = cli("run", "mine", "--replay", "y.png", "-o", "z.png")
    assert (done.code, "the same pixels" in done.err) == (0, True), done.err


def test_a_part_lies_in_the_folder_as_well(reader: Path, cli: Cli) -> None:
    codec = genzoo.open_zoo().build(ModelSpec("line", kind="codec")).own_tensors()
    body = {name: tensor for name, tensor in net_tensors().items() if name.startswith("body.")}
    folder = write_net(reader / "mine", form="latents")
    safetensors.torch.save_file(body, folder / "net.safetensors")
    halves = {name: tensor.to(torch.float8_e4m3fn) for name, tensor in codec.items()}
    safetensors.torch.save_file(halves, folder / "codec.safetensors")
    zoo = genzoo.open_zoo()
    opened = zoo.open("mine")
    assert_same(opened.parts["codec"], halves)
    assert_same(opened.module, {**body, **{f"codec.{name}": halves[name] for name in halves}})
    for options in ([], ["--whole"]):
        done = cli("export", "mine", "-o", "one.safetensors", "--force", *options)
        assert done.code == 0, done.err
        assert zoo.open("one.safetensors").content == opened.content
    del halves["scale"]
    safetensors.torch.save_file(halves, folder / "codec.safetensors")
    refused(zoo, "mine", "mine, parts.codec, does not fit its model: it lacks scale")


def test_weights_in_shards_and_in_folders(reader: Path, cli: Cli) -> None:
    shards(write_net(reader / "mine"))
    zoo = genzoo.open_zoo()
    opened = zoo.open("mine")
    assert_same(opened.module, net_tensors())
    assert list(opened.files) == [
        "net-00001-of-00002.safetensors",
        "net-00002-of-00002.safetensors",
        "net.json",
        "net.safetensors.index.json",
    ]
    deep = write_net(reader / "deep", weights="a.b/net")
    (deep / "a.b").mkdir()
    shards(deep / "a.b")
    assert_same(zoo.open("deep").module, net_tensors())


def test_variants_are_chosen_by_name(reader: Path, cli: Cli) -> None:
    half = {n: t.half() if t.is_floating_point() else t for n, t in net_tensors().items()}
    half["body.bias"] = half["body.bias"] / 2
    write_net(reader / "mine", half, stem="net.fp16")
    shards(reader / "mine", "ema")
    zoo = genzoo.open_zoo()
    refused(zoo, "mine", "lacks net.safetensors", "--variant fp16", "--variant ema")
    assert torch.equal(zoo.open("mine", variant="fp16").module.body.bias, half["body.bias"].float())
    assert_same(zoo.open("mine", variant="ema").module, net_tensors())
    assert_same(genzoo.load("mine", variant="ema"), net_tensors())
    made = genzoo.generate("mine", n=1, seed=0, variant="fp16")
    loaded = genzoo.generate(genzoo.load("mine", variant="fp16"), n=1, seed=0)
    assert loaded.record == made.record
    assert "net.fp16.safetensors" in made.record.files
    done = cli("run", "mine", "--variant", "bf16", "-o", "x.png")
    assert (done.code, done.out) == (2, "")
    assert "has no variant 'bf16'; there is ema, fp16" in done.err
    given = (["export", "-o", "a.safetensors"], ["encode", "x.png"], ["decode", "z.npz"])
    for command in (["info"], *given):
        done = cli(command[0], "mine", *command[1:], "--variant", "../x")
        assert (done.code, "is no variant" in done.err) == (2, True), done
    done = cli("run", "mine", "--variant", "fp16", "-o", "x.png")
    assert done.code == 0, done.err
    done = cli("run", "--replay", "x.png", "-o", "y.png")
    assert (done.code, "the same pixels" in done.err) == (0, True), done.err
    done = cli("export", "mine", "--variant", "fp16", "-o", "one.safetensors")
    assert done.code == 0, done.err
    done = cli("info", "one.safetensors", "--variant", "fp16")
    assert (done.code, "is one file" in done.err) == (2, True)
    done = cli("run", "one.safetensors", "--replay", "x.png", "-o", "z.png")
    assert done.code == 0, done.err
    assert cli("run", "--replay", "z.png", "-o", "again.png").code == 0


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
def test_a_format_loads_in_the_precision_that_is_wanted(
    reader: Path, cli: Cli, precision: Literal["auto", "fp32", "bf16", "fp16"]
) -> None:
    write_net(reader / "mine", form="cast")
    made = "bf16" if precision == "auto" else precision
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[made]
    opened = genzoo.open_zoo().open("mine", precision=precision)
    assert {tensor.dtype for tensor in opened.module.parameters()} == {dtype}
    assert opened.precision == made
    with torch.inference_mode():  # as it is: nothing is cast around it
        pictures = opened.module.sample(SampleRng([1, 2]), {}, NoOptions())
    assert pictures.dtype == dtype
    done = cli("run", "mine", "-n", "2", "--seed", "1", "--precision", precision, "-o", "x.npz")
    assert done.code == 0, done.err
    with np.load("x.npz") as file:
        record = json.loads(str(file["record"]))["record"]
        assert (file["images"] == to_uint8(pictures.float()).permute(0, 2, 3, 1).numpy()).all()
    assert record.get("precision", "fp32") == made
    done = cli("run", "--replay", "x.npz", "-o", "y.npz")
    assert (done.code, "the same pixels" in done.err) == (0, True), done.err


def test_a_format_that_knows_no_precision_computes_in_it(reader: Path, cli: Cli) -> None:
    for form in ("nets", "built"):
        write_net(reader / form, form=form)
        for precision in ("fp32", "bf16"):
            run = ["run", form, "-n", "9", "--seed", "1", "--precision", precision]
            assert cli(*run, "-o", f"{precision}.npz", "-f").code == 0
        with np.load("fp32.npz") as plain, np.load("bf16.npz") as half:
            apart = abs(plain["images"].astype(int) - half["images"])
            assert json.loads(str(half["record"]))["record"]["precision"] == "bf16"
        assert 0 < apart.mean() < 1
    write_net(reader / "deaf", form="cast", own="fp16", deaf=True)
    done = cli("run", "deaf", "--precision", "fp32", "-o", "x.png")
    assert done.code == 2
    assert "deaf has its weights in fp16: it does not compute in fp32" in done.err


def test_a_model_that_cannot_compute_in_half_precision_says_so(reader: Path, cli: Cli) -> None:
    write_net(reader / "mine", form="faulty", fault="mixing")
    assert cli("run", "mine", "-o", "x.png").code == 0
    for precision in ("bf16", "fp16"):
        done = cli("run", "mine", "--precision", precision, "-o", "y.png")
        assert done.code == 2
        assert f"mine cannot compute in {precision}: " in done.err
        assert done.err.endswith("; use --precision fp32\n")
        assert "unexpected failure" not in done.err


def test_weights_without_variants_are_read_beside_those_with_one(reader: Path) -> None:
    write_net(reader / "mine")
    (reader / "mine" / "other.fp16.safetensors").write_bytes(
        (reader / "mine" / "net.safetensors").read_bytes()
    )
    assert_same(genzoo.load("mine", variant="fp16"), net_tensors())


def test_weights_for_a_library_are_well_formed_in_capitals_too(reader: Path) -> None:
    folder = write_net(reader / "mine", form="faulty", fault="capitals")
    (folder / "NET.SAFETENSORS").write_bytes(b"no header at all")
    refused(genzoo.open_zoo(), "mine", "'NET.SAFETENSORS' of ", "no safetensors file")


def test_tensors_that_do_not_fit_are_named(reader: Path) -> None:
    zoo, tensors = genzoo.open_zoo(), net_tensors()
    del tensors["body.bias"]
    write_net(reader / "mine", tensors)
    refused(zoo, "mine", str(reader / "mine"), "does not fit its model: it lacks body.bias")
    write_net(reader / "mine", {**net_tensors(), "extra": torch.ones(2)})
    refused(zoo, "mine", "it has unknown extra")
    write_net(reader / "mine", {**net_tensors(), "position": torch.ones(5)})
    refused(zoo, "mine", "another shape for position ([5], not [4])")
    write_net(reader / "mine", {**net_tensors(), "fitted": torch.tensor(1.0)})
    refused(zoo, "mine", "another dtype for fitted (F32, not BOOL)")


def test_a_model_that_a_format_builds(reader: Path, cli: Cli) -> None:
    folder = write_net(reader / "mine", form="built")
    zoo = genzoo.open_zoo()
    opened = zoo.open("mine")
    assert_same(opened.module, net_tensors())
    assert not opened.module.training
    assert not any(p.requires_grad for p in opened.module.parameters())
    assert (opened.spec.component, opened.spec.kind) == ("acme-reader/built", "model")
    record = zoo.resolve(Request("mine"))
    assert record.versions.keys() == {"acme-reader", "torch"}
    assert list(record.files) == ["net.json", "net.safetensors"]
    assert cli("run", "mine", "-n", "2", "-o", "x.png").code == 0
    done = cli("run", "--replay", "x.png", "-o", "y.png")
    assert (done.code, "the same pixels" in done.err) == (0, True), done.err
    done = cli("export", "mine", "-o", "one.safetensors", "--whole")
    assert (done.code, done.out) == (2, "")
    assert f"{folder} cannot be exported: its format, acme-reader/built, builds" in done.err
    assert not (reader / "one.safetensors").exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("card", "format acme-reader/faulty cannot read "),
        ("no card", "format acme-reader/faulty gave dict, not a ModelCard"),
        ("kind", "holds a model, but its card says 'codec'"),
        ("name", "gave a malformed card"),
        ("load", "RuntimeError: size mismatch for body.weight"),
        ("silent", ": Silent"),
        ("leaves", "cannot read "),
        ("own", "width is 3; give 4"),
        ("nothing", "gave NoneType, no model and no description"),
        ("module", "gave Linear, which is none of model, codec, encoder, conditioner"),
        ("meta", "without values"),
        ("buffer", "left 'norm.running_mean' of "),
        ("shape", "AttributeError: 'Net' object has no attribute 'sample_shape'"),
        ("shapes", "ValidationError: Expected `array`, got `str`"),
        ("subclass", "gave Theirs as the tensor 'body.bias'"),
        ("infinite", "holds NaN or infinity"),
        ("spec", "cannot read "),
        ("tensors", "gave list as the tensor 'body.bias'"),
        ("missing", "has no file 'gone.json'"),
        ("outside", "has no file '../net.json'; did you mean net.json?"),
        ("stem", "lacks nets.safetensors, and its index; did you mean net?"),
        ("changes", "'net.json' of "),
    ],
)
def test_whatever_a_format_does_is_one_line(reader: Path, cli: Cli, fault: str, says: str) -> None:
    write_net(reader / "mine", form="faulty", fault=fault)
    refused(genzoo.open_zoo(), "mine", says)
    write_net(reader / "mine", form="faulty", fault=fault)
    done = cli("run", "mine", "-o", "x.png")
    assert done.code in (1, 2)
    assert (done.out, done.err.count("\n")) == ("", 1)
    assert "unexpected failure" not in done.err


def test_of_two_formats_the_one_that_asks_for_more_wins(
    reader: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(name: str, *markers: str) -> None:
        entry = f'[[formats]]\nname = "{name}"\nmarkers = {json.dumps(markers)}\ntarget = "x:X"\n'
        acme_plugin.install(site, f"acme-{name}", acme_plugin.MANIFEST + entry)

    write_net(reader / "mine")
    install("less", "net.json")
    assert_same(genzoo.load("mine"), net_tensors())
    install("other", "net.safetensors", "net.json")
    error = refused(genzoo.open_zoo(), "mine", "acme-other/other and acme-reader/nets")
    assert isinstance(error, UsageError)
    assert error.hint is not None
    assert "GENZOO_DISABLE=acme-" in error.hint
    monkeypatch.setenv("GENZOO_DISABLE", "acme-other")
    assert_same(genzoo.load("mine"), net_tensors())


def test_a_folder_says_what_it_is_without_its_weights(reader: Path, cli: Cli) -> None:
    lies = {"sha256": "f" * 64, "weights": "hf://a/b", "recipe": "a.toml", "aliases": ["a"]}
    classes = [f"a {i}, or b" for i in range(13)]
    card = {"conditioners": ["label"], "classes": classes, **lies}
    folder = write_net(reader / "mine", card=card)
    write_shards(folder / "their", net_tensors(), "other", "fp16")
    tensors = folder / "net.safetensors"
    kept = tensors.read_bytes()
    tensors.write_bytes(kept[:-4] + b"\xff\xff\xff\x7f")  # NaN, which only a load would find
    done = cli("info", "mine")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == str(folder)
    for words in ("licence       mit", "shape         1×2×2", "format        acme-reader/nets"):
        assert f"  {words}" in lines
    assert "  conditioners  label (reads the prompt)" in lines
    assert f"  classes       {', '.join(classes[:12])}, …" in lines
    found = json.loads(cli("info", "mine", "--json").out)
    assert found["card"]["classes"] == classes
    assert found["format"] == "acme-reader/nets"
    assert found["variants"] == ["fp16"]
    # Neither counters nor truth values are among them.
    assert [(part["name"], part["parameters"]) for part in found["parts"]] == [
        ("net", 43),
        ("their/other.fp16", 43),
    ]
    assert found["parts"][0]["size"] == len(kept)
    assert (found["card"]["parameters"], found["card"]["license"]) == (86, "mit")
    assert not any(found["card"][name] for name in lies)


BOMB = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 30))]
)


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\ntext", "apache-2.0"),
        ("---\r\nlicense: 'mit'\r\n---\r\n", "mit"),
        ("---\nlicense: [\n---\n", ""),
        ("---\nlicense:\n  a: 1\n---\n", ""),
        ("---\nlicense: &a [*a]\n---\n", ""),
        ("---\n" + "[" * 90_000 + "\n---\n", ""),
        (f"---\n{BOMB}\nlicense: bomb\n---\n", "bomb"),
        ("license: mit\n", ""),
        ("---\nlicense: mit\n", ""),
        ("", ""),
        ("\x00\x80", ""),
    ],
)
def test_the_licence_is_that_of_the_readme(reader: Path, front: str, licence: str) -> None:
    folder = write_net(reader / "mine")
    (folder / "README.md").write_bytes(front.encode("utf-8", "surrogateescape"))
    assert genzoo.open_zoo().card("mine").license == licence
    (folder / "README.md").unlink()
    assert genzoo.open_zoo().card("mine").license == ""


def test_a_replay_says_which_file_has_changed(reader: Path, cli: Cli) -> None:
    folder = shards(write_net(reader / "mine"))
    (folder / "notes.txt").write_text("first")
    assert cli("run", "mine", "-o", "x.png").code == 0
    (folder / "notes.txt").write_text("second")
    assert cli("run", "--replay", "x.png", "-o", "y.png").code == 0

    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    shard = "net-00002-of-00002.safetensors"
    changes = {
        "net.json": kept["net.json"] + b" ",
        shard: kept[shard][:-1] + bytes([kept[shard][-1] ^ 1]),
    }
    for name, content in changes.items():
        (folder / name).write_bytes(content)
        done = cli("run", "--replay", "x.png", "-o", "z.png")
        assert (done.code, done.out) == (1, "")
        assert f"{name} of {folder} is not the file that was used then" in done.err
        (folder / name).unlink()
        done = cli("run", "--replay", "x.png", "-o", "z.png")
        assert done.code == 1
        assert f"{name} of {folder} is missing" in done.err
        (folder / name).write_bytes(kept[name])

    # Where the folder lies beside the picture, as in an archive of both.
    (reader / "there").mkdir()
    shutil.move(folder, reader / "there" / "mine")
    shutil.copy("x.png", "there/x.png")
    done = cli("run", "--replay", "x.png", "-o", "z.png")
    assert (done.code, "there is no folder or file" in done.err) == (1, True)
    assert cli("run", "--replay", "there/x.png", "-o", "z.png").code == 0
    assert cli("run", "there/mine", "--replay", "x.png", "-o", "z2.png").code == 0


SHARE = """
from pathlib import Path
from genzoo_core import HubError, hookimpl

FETCHED = []

class Share:
    def __init__(self, name):
        self.folder = Path(FOLDER) / name
        self.reference = f"share://{name}@7"
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        self.files = {p.relative_to(self.folder).as_posix(): p.stat().st_size for p in found}

    def fetch(self, name):
        FETCHED.append(name)
        return self.folder / name

@hookimpl
def genzoo_source(reference):
    if reference.startswith("share://"):
        name = reference.removeprefix("share://").partition("@")[0]
        return {"bad": 3, "worse": Worse()}.get(name) or Share(name)

class Worse:
    reference = "share://worse"
    files = {"../net.json": 3, "net.json": 2}

@hookimpl
def genzoo_resolve_weights(reference, sha256):
    if reference.startswith("share://"):
        return Path(FOLDER) / reference.removeprefix("share://") / "one.safetensors"
"""


def test_a_plugin_says_what_lies_elsewhere(
    reader: Path, site: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = 'hooks = ["genzoo_source", "genzoo_resolve_weights"]\n'
    package = acme_plugin.install(site, "acme-folders", acme_plugin.MANIFEST + hooks)
    (package / "__init__.py").write_text(SHARE.replace("FOLDER", repr(str(reader))))
    monkeypatch.delitem(sys.modules, "acme_folders", raising=False)
    folder = shards(write_net(reader / "mine"))
    (folder / "other.safetensors").write_bytes(bytes(100))
    zoo = genzoo.open_zoo()
    record = zoo.resolve(Request("share://mine"))
    assert record.model == "share://mine@7"
    fetched: list[str] = sys.modules["acme_folders"].FETCHED
    assert set(fetched) == {*record.files, "README.md"}
    # Nothing but what describes it.
    fetched.clear()
    found = json.loads(cli("info", "share://mine", "--json").out)
    assert set(fetched) <= {"README.md", "net.json", "net.safetensors.index.json"}
    assert [(part["name"], part["parameters"]) for part in found["parts"]] == [
        ("net", None),
        ("other", None),
    ]
    assert cli("run", "share://mine", "-o", "x.png").code == 0
    assert cli("run", "--replay", "x.png", "-o", "y.png").code == 0
    (folder / "net.json").write_text(json.dumps({"config": {"width": 4}, "card": {}, "more": 1}))
    done = cli("run", "--replay", "x.png", "-o", "z.png")
    assert "net.json of share://mine@7 is not the file that was used then" in done.err
    # Where no format knows it, it may be a file of genzoo's.
    (reader / "plain").mkdir()
    done = cli("export", "mine", "-o", "plain/one.safetensors")
    assert "is damaged" in done.err  # what lies there is checked as a whole
    (folder / "other.safetensors").unlink()
    assert cli("export", "mine", "-o", "plain/one.safetensors").code == 0
    assert zoo.open("share://plain").format == ""
    with pytest.raises(PluginError, match="genzoo_source gave no Source of 'share://bad'"):
        zoo.open("share://bad")
    with pytest.raises(WeightsError, match=r"the name '\.\./net.json', which is not read"):
        zoo.open("share://worse")


def test_a_view_of_the_hubs_store_is_a_folder(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "hub" / "models--x--y"
    folder = write_net(repository / "snapshots" / ("0" * 40))
    (repository / "blobs").mkdir()
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        blob = repository / "blobs" / hashlib.sha1(str(path).encode()).hexdigest()
        path.rename(blob)
        path.symlink_to(os.path.relpath(blob, path.parent))
    assert_same(genzoo.load(folder), net_tensors())
    os.symlink("/etc/passwd", repository / "blobs" / "evil")
    os.symlink("../../blobs/evil", folder / "x.json")
    assert_nothing_runs(monkeypatch, str(folder), "'x.json'", "leads out of the folder")
    (folder / "x.json").unlink()
    os.symlink("../../refs", folder / "x.json")
    assert_nothing_runs(monkeypatch, str(folder), "'x.json'", "leads out of the folder")


def test_formats_are_among_what_a_plugin_brings(reader: Path, cli: Cli) -> None:
    found = json.loads(cli("plugins", "--json").out)["plugins"]
    (entry,) = [entry for entry in found if entry["distribution"] == "acme-reader"]
    assert entry["formats"] == list(foreign.FORMATS)
    assert f"{len(foreign.FORMATS)} formats" in cli("plugins").out


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('name = "a"\nmarkers = []\ntarget = "x:X"', "markers"),
        ('name = "a"\nmarkers = ["../x"]\ntarget = "x:X"', "markers"),
        ('name = "a"\nmarkers = ["/x"]\ntarget = "x:X"', "markers"),
        ('name = "a"\nmarkers = ["x"]\ntarget = "x"', "target"),
        ('name = "a"\nmarkers = ["x"]\ntarget = "x:X"\nmarker = "y"', "did you mean markers"),
        (
            'name = "a"\nmarkers = ["x"]\ntarget = "x:X"\n'
            '[[formats]]\nname = "a"\nmarkers = ["y"]\ntarget = "x:X"',
            "format 'a' is there twice",
        ),
    ],
)
def test_a_malformed_entry_is_said(site: Path, cli: Cli, entry: str, says: str) -> None:
    acme_plugin.install(site, "acme-wrong", f"{acme_plugin.MANIFEST}[[formats]]\n{entry}\n")
    found = json.loads(cli("plugins", "--json").out)["plugins"]
    (broken,) = [entry for entry in found if entry["distribution"] == "acme-wrong"]
    assert broken["status"] == "broken"
    assert says in broken["errors"][0]


def test_checking_a_plugin_makes_its_formats(site: Path) -> None:
    source = "class Odd: ...\nfrom genzoo_core import Format\nclass Half(Format): ...\n"
    entries = "".join(
        f'[[formats]]\nname = "{name}"\nmarkers = ["x"]\ntarget = "acme_odd.models:{cls}"\n'
        for name, cls in (("odd", "Odd"), ("half", "Half"), ("gone", "Gone"))
    )
    acme_plugin.install(site, "acme-odd", acme_plugin.MANIFEST + entries, source)
    zoo = genzoo.open_zoo()
    problems = zoo.verify(zoo.plugins("acme-odd")[0]).problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "format odd",
        "format half cannot be made",
        "module acme_odd.models has no 'Gone'",
    ]
