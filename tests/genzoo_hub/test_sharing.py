"""From one user to the next: push, search, pull, run, and a third party's card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hub_machine import MODEL, Machine
from hub_server import Hub, Repo
from PIL import Image

REPO = "someone/digits"
TOKEN = "hf_someone"


def pixels(path: Path) -> bytes:
    """What a picture shows."""
    with Image.open(path) as image:
        return image.tobytes()


@pytest.fixture
def login(hub: Hub) -> dict[str, str]:
    """The environment of someone who is logged in."""
    hub.tokens.add(TOKEN)
    return {"HF_TOKEN": TOKEN}


def test_a_model_goes_to_the_hub_and_back(
    hub: Hub, machine: Machine, login: dict[str, str], weights: bytes, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(weights).hexdigest()
    pushed = machine.genzoo("push", MODEL, REPO, "-m", "First", "--json", **login)
    assert pushed.returncode == 0, pushed.stderr
    commit = hub.repos[REPO].refs["main"]
    reference = f"hf://{REPO}/{MODEL}.safetensors@{commit}"
    assert json.loads(pushed.stdout)["reference"] == reference

    files = hub.repos[REPO].commits[commit]
    assert files[f"{MODEL}.safetensors"] == weights
    config = json.loads(files["config.json"])
    assert (config["file"], config["sha256"]) == (f"{MODEL}.safetensors", sha256)
    assert config["model"]["component"] == "genzoo/vae"
    readme = files["README.md"].decode()
    for said in ("license: apache-2.0", "- genzoo", "- vae", "ylecun/mnist", sha256):
        assert said in readme
    for said in ("Fréchet distance", f"genzoo run hf://{REPO} -n 16", "Y. LeCun"):
        assert said in readme

    found = machine.genzoo("search", "digit", "--json")
    assert found.returncode == 0, found.stderr
    (hit,) = json.loads(found.stdout)
    assert (hit["reference"], hit["license"]) == (f"hf://{REPO}", "apache-2.0")
    assert "vae" in hit["tags"]
    assert "No model" in machine.genzoo("search", "letters").stderr

    words = ["-n", "2", "--seed", "1", "-o"]
    assert machine.genzoo("run", MODEL, *words, "local.png").returncode == 0
    fetched = machine.genzoo("run", f"hf://{REPO}", *words, "hub.png")
    assert fetched.returncode == 0, fetched.stderr
    assert pixels(machine.work / "hub.png") == pixels(machine.work / "local.png")

    hub.add(REPO, {"README.md": b"---\ntags: [genzoo]\n---\nMoved on."})
    hub.asked.clear()
    again = machine.genzoo("run", "--replay", "hub.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    assert pixels(machine.work / "again.png") == pixels(machine.work / "local.png")
    elsewhere = {"HF_HOME": str(tmp_path / "elsewhere")}
    line = machine.refused("run", "--replay", "hub.png", "-o", "no.png", **elsewhere)
    assert reference in line
    assert "is not on this machine" in line
    assert hub.asked == []


def test_what_a_push_is_refused_for(hub: Hub, machine: Machine, login: dict[str, str]) -> None:
    assert "without a login (401)" in machine.refused("push", MODEL, REPO)
    assert "forbids you to write" in machine.refused("push", MODEL, REPO, HF_TOKEN="hf_other")
    assert "HF_HUB_OFFLINE" in machine.refused("push", MODEL, REPO, HF_HUB_OFFLINE="1")
    assert "is no name of a repository" in machine.refused("push", MODEL, "digits", code=2)
    assert hub.repos == {}


def test_a_hub_that_does_not_say_what_it_made_of_a_push(
    hub: Hub, machine: Machine, login: dict[str, str]
) -> None:
    hub.oid = "\x1b[2J../../main"
    done = machine.genzoo("push", MODEL, REPO, **login)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "does not say which commit it made" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_push_to_a_private_branch_keeps_a_readme_that_is_not_ours(
    hub: Hub, machine: Machine, login: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(private=True)
    hub.add(REPO, {"README.md": b"My own words."})
    words = ["push", MODEL, REPO, "--private", "--revision", "next"]
    done = machine.genzoo(*words, **login)
    assert done.returncode == 0, done.stderr
    assert "README.md of its own" in done.stderr
    files = hub.repos[REPO].commits[hub.repos[REPO].refs["next"]]
    assert files["README.md"] == b"My own words."
    assert "config.json" in files
    assert "config.json" not in hub.repos[REPO].commits[hub.repos[REPO].refs["main"]]


@pytest.fixture
def third_party(tmp_path: Path, hub: Hub, weights: bytes) -> dict[str, str]:
    """The environment of who has a plugin installed whose models lie on the Hub."""
    commit = hub.add(REPO, {"far.safetensors": weights})
    site = tmp_path / "site"
    (site / "acme_far").mkdir(parents=True)
    (site / "acme_far" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    where = f"hf://{REPO}/far.safetensors@{commit}"
    cards = [("far", hashlib.sha256(weights).hexdigest()), ("false", "0" * 64)]
    manifest = "api = 2\n" + "".join(
        f'[[models]]\nname = "{name}"\nfamily = "vae"\nsummary = "Far away."\n'
        f'weights = "{where}"\nsha256 = "{sha256}"\n'
        for name, sha256 in cards
    )
    (site / "acme_far" / "genzoo.toml").write_text(manifest)
    info = site / "acme_far-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-far\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nfar = acme_far\n")
    return {"PYTHONPATH": str(site), "GENZOO_CACHE": str(tmp_path / "genzoo")}


def test_a_third_partys_card_names_weights_on_the_hub(
    hub: Hub, machine: Machine, third_party: dict[str, str]
) -> None:
    known = json.loads(machine.genzoo("info", "far", "--json", **third_party).stdout)
    assert (known["weights"], known["problems"]) == (None, [])
    assert hub.asked == []
    done = machine.genzoo("run", "acme-far/far", "-o", "far.png", **third_party)
    assert done.returncode == 0, done.stderr
    hub.asked.clear()
    done = machine.genzoo("run", "--replay", "far.png", "-o", "again.png", **third_party)
    assert done.returncode == 0, done.stderr
    known = json.loads(machine.genzoo("info", "far", "--json", **third_party).stdout)
    assert known["weights"].startswith(str(machine.cache))
    assert hub.asked == []


def test_hostile_10_a_card_whose_digest_is_another(
    hub: Hub, machine: Machine, third_party: dict[str, str]
) -> None:
    line = machine.refused("pull", "false", **third_party)
    assert "sha256 000000000000… was promised" in line
    assert hub.downloads() == 2


def test_a_listing_does_not_import_the_hubs_client(machine: Machine) -> None:
    done = machine.genzoo("list", PYTHONPROFILEIMPORTTIME="1")
    assert MODEL in done.stdout
    assert "huggingface_hub" not in done.stderr
    assert "genzoo_hub" not in done.stderr
