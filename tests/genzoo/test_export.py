"""`genzoo export`: a model as one file, alone or with its parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from painting import Cli
from test_loading import CODEC, NET, latent, ship

from genzoo.catalogue import Catalogue
from genzoo.modelfile.reading import read_header, read_model_file
from genzoo.models.exporting import export_model
from genzoo.zoo import RegistryZoo
from genzoo_core import ConfigError, ModelSpec, WeightsError


def test_an_export_is_the_file_itself(site: Path, tmp_path: Path) -> None:
    zoo = ship(site, "acme-nets", (NET, ModelSpec("net")))
    card = export_model(zoo, "net-a", tmp_path / "out.safetensors")
    shipped = site / "acme_nets" / "weights" / "net.safetensors"
    assert (tmp_path / "out.safetensors").read_bytes() == shipped.read_bytes()
    assert card.sha256 == zoo.card("net-a").sha256


def test_half_precision_is_kept(zoo: RegistryZoo, tmp_path: Path) -> None:
    built = zoo.build(ModelSpec("critic"))
    tensors = {name: tensor.bfloat16() for name, tensor in built.own_tensors().items()}
    zoo.save(tmp_path / "a.safetensors", built.spec, tensors, NET)
    export_model(zoo, str(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    file = read_model_file(tmp_path / "b.safetensors")
    for name, tensor in tensors.items():
        assert torch.equal(file.tensor(name), tensor)
        assert file.tensor(name).dtype == torch.bfloat16


@pytest.fixture
def latent_file(site: Path, tmp_path: Path) -> Path:
    """The file of a model whose part is `codec-a`, of the distribution `acme-shared`."""
    zoo = ship(site, "acme-shared", (CODEC, ModelSpec("line", kind="codec")))
    latent(zoo, tmp_path / "latent.safetensors")
    return tmp_path / "latent.safetensors"


def test_a_whole_export_needs_no_other_file(site: Path, latent_file: Path) -> None:
    zoo = RegistryZoo(Catalogue.open())
    whole, again = (
        latent_file.with_name("whole.safetensors"),
        latent_file.with_name("2.safetensors"),
    )
    before = zoo.open(str(latent_file))
    card = export_model(zoo, str(latent_file), whole, whole=True)
    assert {name for name in read_header(whole).tensors if name.startswith("parts.codec.")} == {
        f"parts.codec.{name}" for name in before.built.parts["codec"].state_dict()
    }
    shutil.rmtree(site)
    site.mkdir()
    zoo = RegistryZoo(Catalogue.open())
    with pytest.raises(ConfigError, match="which is missing"):
        zoo.load(str(latent_file))
    after = zoo.open(str(whole))
    assert after.parts == before.parts
    assert after.card.parameters == card.parameters == 20
    state = before.built.module.state_dict()
    assert all(torch.equal(state[n], t) for n, t in after.built.module.state_dict().items())
    assert set(after.built.own_tensors()) == {"body.weight", "body.bias"}
    # Exported once more, with its parts inside already, it is the same file.
    export_model(zoo, str(whole), again, whole=True)
    assert again.read_bytes() == whole.read_bytes()


def test_the_tensors_of_an_inlined_part_are_checked(latent_file: Path) -> None:
    from raw_files import join, split

    zoo = RegistryZoo(Catalogue.open())
    whole = latent_file.with_name("whole.safetensors")
    export_model(zoo, str(latent_file), whole, whole=True)
    header, data = split(whole)
    header["parts.codec.other"] = header.pop("parts.codec.scale")
    with pytest.raises(WeightsError, match="lacks scale"):
        zoo.load(str(join(whole, header, data)))
    header["parts.other.scale"] = header.pop("parts.codec.other")
    with pytest.raises(WeightsError, match=r"lacks scale|unknown parts\.other\.scale"):
        zoo.load(str(join(whole, header, data)))


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
        (("net-z", "-o", "gone/out.safetensors"), "there is no folder gone"),
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
