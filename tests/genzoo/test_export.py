"""`genzoo export`: a model as one file, alone or with its parts."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from painting import Cli
from raw_files import join, split
from safetensors import safe_open
from test_loading import CODEC, NET, latent, ship

import genzoo
from genzoo_core import ConfigError, ModelSpec, WeightsError
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo


def export(cli: Cli, *words: str | Path) -> dict[str, Any]:
    """The card of what `genzoo export` wrote."""
    done = cli("export", *words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["card"]


def test_an_export_is_the_file_itself(site: Path, tmp_path: Path, cli: Cli) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    card = export(cli, "net-a", "-o", tmp_path / "out.safetensors")
    shipped = site / "acme_nets" / "weights" / "net.safetensors"
    assert (tmp_path / "out.safetensors").read_bytes() == shipped.read_bytes()
    assert card["sha256"] == zoo.card("net-a").sha256


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return dict(file.metadata())


def test_other_programs_read_what_it_is(tmp_path: Path, cli: Cli) -> None:
    """The keys that ModelSpec 1.0.1 says must be there, and those that are true of any export."""
    path, again = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    export(cli, "vae-mlp-mnist", "-o", path)
    keys = {k: v for k, v in metadata(path).items() if k.startswith("modelspec.")}
    size = int.from_bytes(path.read_bytes()[:8], "little") + 8
    card = genzoo.card("vae-mlp-mnist")
    assert keys == {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "genzoo/vae",
        "modelspec.implementation": "genzoo",
        "modelspec.title": "vae-mlp-mnist",
        "modelspec.description": card.summary,
        "modelspec.resolution": "28x28",
        "modelspec.license": card.license,
        "modelspec.hash_sha256": f"0x{sha256(path.read_bytes()[size:]).hexdigest()}",
    }
    export(cli, path, "-o", again)
    assert again.read_bytes() == path.read_bytes()
    before, after = genzoo.open_zoo().open("vae-mlp-mnist"), genzoo.open_zoo().open(path)
    assert (after.content, after.spec) == (before.content, before.spec)


def test_they_can_be_left_out(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "one.safetensors"
    export(cli, "vae-mlp-mnist", "-o", path, "--no-modelspec")
    assert set(metadata(path)) == {"format", "format_version", "model", "card"}


def test_a_codec_has_no_resolution(tmp_path: Path, cli: Cli) -> None:
    export(cli, "codec-mnist", "-o", tmp_path / "codec.safetensors")
    assert "modelspec.resolution" not in metadata(tmp_path / "codec.safetensors")


def test_half_precision_is_kept(zoo: Zoo, tmp_path: Path, cli: Cli) -> None:
    built = zoo.build(ModelSpec("critic"))
    tensors = {name: tensor.bfloat16() for name, tensor in built.own_tensors().items()}
    zoo.save(tmp_path / "a.safetensors", built.spec, tensors, NET)
    export(cli, tmp_path / "a.safetensors", "-o", tmp_path / "b.safetensors")
    stored = safetensors.torch.load_file(tmp_path / "b.safetensors")
    for name, tensor in tensors.items():
        assert torch.equal(stored[name], tensor)
        assert stored[name].dtype == torch.bfloat16


@pytest.fixture
def latent_file(site: Path, tmp_path: Path) -> Path:
    """The file of a model whose part is `codec-a`, of the distribution `acme-shared`."""
    zoo = ship(site, "acme-shared", (CODEC, ModelSpec("line", kind="codec")))
    latent(zoo, tmp_path / "latent.safetensors")
    return tmp_path / "latent.safetensors"


def test_a_whole_export_needs_no_other_file(site: Path, latent_file: Path, cli: Cli) -> None:
    zoo = genzoo.open_zoo()
    whole, again = latent_file.with_name("1.safetensors"), latent_file.with_name("2.safetensors")
    before, record = zoo.open(str(latent_file)), zoo.resolve(Request(str(latent_file)))
    card = export(cli, latent_file, "-o", whole, "--whole")
    assert {name for name in split(whole)[0] if name.startswith("parts.codec.")} == {
        f"parts.codec.{name}" for name in before.parts["codec"].state_dict()
    }
    shutil.rmtree(site)
    site.mkdir()
    zoo = genzoo.open_zoo()
    with pytest.raises(ConfigError, match="which is missing"):
        zoo.open(str(latent_file))
    after = zoo.open(str(whole))
    assert zoo.resolve(Request(str(whole))).parts == record.parts != {}
    assert zoo.card(str(whole)).parameters == card["parameters"] == 20
    state = before.module.state_dict()
    assert all(torch.equal(state[n], t) for n, t in after.module.state_dict().items())
    assert set(after.own_tensors()) == {"body.weight", "body.bias"}
    # Exported once more, with its parts inside already, it is the same file.
    export(cli, whole, "-o", again, "--whole")
    assert again.read_bytes() == whole.read_bytes()


def test_the_tensors_of_an_inlined_part_are_checked(latent_file: Path, cli: Cli) -> None:
    zoo = genzoo.open_zoo()
    whole = latent_file.with_name("whole.safetensors")
    export(cli, latent_file, "-o", whole, "--whole")
    header, data = split(whole)
    header["parts.codec.other"] = header.pop("parts.codec.scale")
    with pytest.raises(WeightsError, match="lacks scale"):
        zoo.open(str(join(whole, header, data)))
    header["parts.other.scale"] = header.pop("parts.codec.other")
    with pytest.raises(WeightsError, match=r"lacks scale|unknown parts\.other\.scale"):
        zoo.open(str(join(whole, header, data)))


def test_the_command_says_what_it_wrote(site: Path, tmp_path: Path, cli: Cli) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    out = tmp_path / "out.safetensors"
    done = cli("export", "net-a", "-o", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["path"] == str(out)
    assert said["card"]["sha256"] == zoo.card("net-a").sha256
    content = out.read_bytes()
    done = cli("export", "net-a", "-o", out)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert "--force" in done.err
    assert out.read_bytes() == content
    assert cli("export", "net-a", "-o", out, "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net-z", "-o", "out.safetensors"), "no model 'net-z'"),
        (("net-z", "-o", "out.bin"), "ends in .safetensors"),
        (("net-z", "-o", f"{__file__}/out.safetensors"), f"{__file__} is not a folder"),
        (("net-z",), "Missing option"),
        (("missing.safetensors", "-o", "out.safetensors"), "no file missing.safetensors"),
    ],
)
@pytest.mark.usefixtures("site")
def test_wrong_use_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cli: Cli,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("export", *arguments)
    assert done.code == 2
    assert done.err.startswith("Error: ")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out.safetensors").exists()


def test_an_export_makes_the_pictures_again(painter: Path, cli: Cli) -> None:
    cli("run", "colour", "3", "-n", "2", "-o", "a.png")
    card = export(cli, "colour", "-o", "mine.safetensors")
    assert card["sha256"] != genzoo.card("colour").sha256
    done = cli("run", "mine.safetensors", "--replay", "a.png", "-o", "b.png")
    assert (done.code, done.out) == (0, "b.png\n")
    assert "the same pixels as a.png" in done.err
    # What was made with the file is made again with the model that it came from.
    assert cli("run", "colour", "--replay", "b.png", "-o", "c.png").code == 0
    assert Path("a.png").stat().st_size > 0
    header, data = split(Path("mine.safetensors"))
    join(Path("other.safetensors"), header, data[:-1] + bytes([data[-1] ^ 1]))
    done = cli("run", "other.safetensors", "--replay", "a.png", "-o", "d.png")
    assert done.code == 1
    assert "a.png was made with other weights" in done.err


def test_a_whole_export_makes_the_pictures_again(
    site: Path, latent_file: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.chdir(latent_file.parent)
    cli("run", latent_file, "-n", "2", "-o", "a.npz")
    export(cli, latent_file, "-o", "whole.safetensors", "--whole")
    done = cli("run", "whole.safetensors", "--replay", "a.npz", "-o", "b.npz")
    assert done.code == 0, done.err
    assert "the same pixels as a.npz" in done.err
    assert cli("run", latent_file, "--replay", "b.npz", "-o", "c.npz").code == 0
    # The file says that its part is the one of before, and it is another.
    header, data = split(Path("whole.safetensors"))
    start = 1 + min(
        entry["data_offsets"][0] for name, entry in header.items() if name.startswith("parts.")
    )
    join(Path("forged.safetensors"), header, data[:start] + b"\x77" + data[start + 1 :])
    done = cli("run", "forged.safetensors", "--replay", "a.npz", "-o", "d.npz")
    assert done.code == 1
    assert "a.npz was made with other weights" in done.err
