"""`hf://owner/repo[/folder][@revision]`: its files, listed, and fetched one by one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crates import write_crate
from hostile_hub import COMMIT, HostileHub
from hub_machine import Machine
from hub_server import Hub

from genzoo_core.libraries import mend_torchvision

TINY = Path(__file__).parents[1] / "third_party" / "src" / "genzoo_tiny"
REPO = "someone/else"
CONFIG = b'{"model_type": "theirs"}'
SHARD = b"\2\0\0\0\0\0\0\0{}" + bytes(1000)
FILES = {
    "config.json": CONFIG,
    "README.md": b"hello",
    "unet/config.json": CONFIG + b" ",
    "unet/model-1.safetensors": SHARD,
    "unet/model-2.safetensors": SHARD + b"2",
}
SCRIPT = """
import json, sys
import genzoo_hub
from genzoo_core import GenzooError
from genzoo_core.downloads import no_downloads
from contextlib import nullcontext

queries, here = json.loads(sys.argv[1])
answers = []
for reference, *wanted in queries:
    try:
        with no_downloads() if here else nullcontext():
            source = genzoo_hub.genzoo_source(reference)
            found = source and {
                "reference": source.reference,
                "files": dict(source.files),
                "fetched": [str(source.fetch(name)) for name in wanted],
            }
    except GenzooError as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    answers.append(found)
print(json.dumps(answers))
"""
"""Asks the hook in a process of its own, as the Hub's client reads its address once."""


def sources(
    machine: Machine, *queries: tuple[str, ...], here: bool = False, **environment: str
) -> Any:
    """What the hook says of references, and where the wanted files are; None for no folder.

    Args:
        machine: Where it is asked.
        queries: A reference each, with the files that are wanted.
        here: Within `no_downloads`.
        environment: Of the process.
    """
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([queries, here])],
        cwd=machine.work,
        env={**machine.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def source(machine: Machine, *query: str, here: bool = False, **environment: str) -> Any:
    """As `sources`, of one query."""
    (found,) = sources(machine, query, here=here, **environment)
    return found


def refused(machine: Machine, *query: str, **environment: str) -> str:
    """Why not; in one line that is fit for a terminal."""
    line = source(machine, *query, **environment)["error"]
    assert len(line) < 500
    return line


def test_files_are_listed_without_a_fetch_and_fetched_one_by_one(
    hub: Hub, machine: Machine
) -> None:
    commit = hub.add(REPO, FILES)
    found = source(machine, f"hf://{REPO}")
    assert found["reference"] == f"hf://{REPO}@{commit}"
    assert found["files"] == {name: len(data) for name, data in FILES.items()}
    assert hub.downloads() == 0

    name = "unet/model-2.safetensors"
    (path,) = source(machine, f"hf://{REPO}", name)["fetched"]
    assert Path(path).read_bytes() == FILES[name]
    assert str(machine.cache) in path
    assert hub.downloads() == 1
    source(machine, f"hf://{REPO}", name)
    assert hub.downloads() == 1


def test_a_folder_has_its_own_files_alone(hub: Hub, machine: Machine) -> None:
    commit = hub.add(REPO, FILES)
    forms = [(f"hf://{REPO}/{form}@main", "config.json") for form in ("unet", "unet/")]
    for found in sources(machine, *forms):
        assert found["reference"] == f"hf://{REPO}/unet@{commit}"
        assert set(found["files"]) == {"config.json", "model-1.safetensors", "model-2.safetensors"}
        assert Path(found["fetched"][0]).read_bytes() == FILES["unet/config.json"]
    for found in sources(machine, (f"hf://{REPO}/vae",), (f"hf://{REPO}/une",)):
        assert "has no folder" in found["error"]


def test_a_commit_stays_while_its_branch_moves_on(hub: Hub, machine: Machine) -> None:
    first = hub.add(REPO, FILES)
    hub.add(REPO, {"config.json": b"{}", "unet/model-1.safetensors": SHARD[::-1]})
    names = ("config.json", "unet/model-1.safetensors")
    found = source(machine, f"hf://{REPO}@{first}", *names)
    assert found["reference"] == f"hf://{REPO}@{first}"
    assert [Path(path).read_bytes() for path in found["fetched"]] == [CONFIG, SHARD]
    assert source(machine, f"hf://{REPO}")["files"]["config.json"] == 2


def test_what_names_a_model_file_is_no_folder(hub: Hub, machine: Machine, weights: bytes) -> None:
    sizes = json.dumps({"format": "genzoo", "file": "digits.safetensors"}).encode()
    hub.add(REPO, FILES)
    hub.add("someone/digits", {"digits.safetensors": weights, "config.json": sizes})
    named = (
        ("other://x",),
        (f"hf://{REPO}/unet/model-1.safetensors",),
        (f"hf://{REPO}/config.json",),
        ("hf://someone/digits",),
    )
    assert sources(machine, *named) == [None] * 4


def test_a_model_file_of_genzoo_at_a_commit_is_asked_for_once(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    commit = hub.add("someone/digits", {"digits.safetensors": weights})
    assert machine.genzoo("pull", "hf://someone/digits").returncode == 0
    hub.asked.clear()
    assert source(machine, f"hf://someone/digits@{commit}") is None
    assert hub.asked == []


def test_what_is_cached_is_there_without_the_hub(hub: Hub, machine: Machine) -> None:
    commit = hub.add(REPO, FILES)
    names = ("config.json", "unet/model-1.safetensors")
    fetched = source(machine, f"hf://{REPO}", *names)["fetched"]
    hub.asked.clear()
    whole = {
        "reference": f"hf://{REPO}@{commit}",
        "files": {name: len(FILES[name]) for name in names},
        "fetched": fetched,
    }
    both = [(f"hf://{REPO}{at}", *names) for at in ("", f"@{commit}")]
    assert sources(machine, *both, HF_HUB_OFFLINE="1") == [whole, whole]
    more = [("hf://someone/unknown",), (f"hf://{REPO}/vae",), (f"hf://{REPO}@{'0' * 40}",)]
    inside = (f"hf://{REPO}/unet", "model-1.safetensors")
    *found, part = sources(machine, *both, *more, inside, here=True)
    assert found == [whole, whole, None, None, None]
    assert part["reference"] == f"hf://{REPO}/unet@{commit}"
    assert hub.asked == []
    hub.status = 503
    assert source(machine, f"hf://{REPO}@{commit}", *names) == whole


def test_what_is_cached_is_checked_again(hub: Hub, machine: Machine) -> None:
    hub.add(REPO, FILES)
    paths = source(machine, f"hf://{REPO}", "config.json", "unet/model-1.safetensors")["fetched"]
    for path in map(Path, paths):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    queries = [(f"hf://{REPO}", name) for name in ("config.json", "unet/model-1.safetensors")]
    for found in sources(machine, *queries, here=True):
        assert found["error"].startswith("IntegrityError")
        assert "is not what was promised" in found["error"]
    again = [Path(found["fetched"][0]).read_bytes() for found in sources(machine, *queries)]
    assert again == [CONFIG, SHARD]


@pytest.mark.parametrize(("flips", "sound"), [(1, True), (2, False)])
def test_wrong_bytes_are_fetched_once_more(
    hub: Hub, machine: Machine, flips: int, sound: bool
) -> None:
    hub.add(REPO, FILES)
    hub.flips = flips
    found = source(machine, f"hf://{REPO}/unet", "model-1.safetensors")
    if sound:
        assert Path(found["fetched"][0]).read_bytes() == SHARD
    else:
        assert "was promised" in found["error"]
        assert found["error"].startswith("IntegrityError")
        assert not list(machine.cache.rglob("model-1.safetensors"))
    assert hub.downloads() == 2


@pytest.mark.parametrize(
    ("name", "how"), [("model.safetensors", "longer"), ("config.json", "for ever")]
)
def test_a_longer_file(machine: Machine, name: str, how: str) -> None:
    with HostileHub({name: CONFIG}, f"{name.partition('.')[0]} {how}") as hub:
        line = refused(machine, "hf://someone/digits", name, HF_ENDPOINT=hub.url)
    assert f"sends more than the {len(CONFIG)} bytes that it promised" in line
    assert machine.cached_files() == []


def test_a_hub_that_promises_two_sizes(machine: Machine) -> None:
    with HostileHub({"model.safetensors": SHARD}) as hub:
        hub.size = "7"
        line = refused(machine, "hf://someone/digits", "model.safetensors", HF_ENDPOINT=hub.url)
    assert f"has 7 bytes, but {len(SHARD)} were promised" in line
    assert machine.cached_files() == []


def entry(**fields: object) -> list[dict[str, object]]:
    """A list of one file, in which something is wrong."""
    return [{"type": "file", "path": "a", "size": 1, "oid": "a" * 40, **fields}]


LISTS = [
    (entry(path="../a"), "is no path inside the repository"),
    (entry(path="a/../../b"), "is no path inside the repository"),
    (entry(path="/etc/passwd"), "is no path inside the repository"),
    (entry(path="C:/a"), "is no path inside the repository"),
    (entry(path="a\\b"), "is no path inside the repository"),
    (entry(path="a\x1b[2J"), "is no path inside the repository"),
    (entry(path="a\nb"), "is no path inside the repository"),
    (entry(path="a\u2028b"), "is no path inside the repository"),
    (entry(path=""), "is no path inside the repository"),
    (entry(path="a/" * 999 + "b"), "is no path inside the repository"),
    (entry(path=5), "without a name"),
    (entry(size=-1), "how large"),
    (entry(size="1"), "how large"),
    (entry(size=True), "how large"),
    (entry(oid="../x"), "no digest"),
    (entry(oid=None), "no digest"),
    (entry(lfs={"oid": "b" * 9, "size": 1, "pointerSize": 1}), "no digest"),
    (entry(lfs=5), "answers what no Hub does"),
    ([{"path": "a"}], "answers what no Hub does"),
    ({"a": 1}, "answers what no Hub does"),
    ([*entry()] * 10_001, "more than 10,000 files"),
    ([*entry()] * 200_000, "more than the 10,000,000 bytes"),
]


def test_a_list_of_another_form(machine: Machine) -> None:
    with HostileHub({"model.safetensors": SHARD}) as hub:
        hub.trees = iter([tree for tree, _ in LISTS])
        queries = [("hf://someone/digits",)] * len(LISTS)
        found = sources(machine, *queries, HF_ENDPOINT=hub.url)
    for answer, (_, reason) in zip(found, LISTS, strict=True):
        assert reason in answer["error"]
        assert answer["error"].isprintable()
        assert len(answer["error"]) < 500


def test_a_hub_that_lists_what_lies_outside(machine: Machine) -> None:
    with HostileHub({"unet/model.safetensors": SHARD}) as hub:
        hub.trees = iter([entry(path="vae/model.safetensors")])
        line = refused(machine, "hf://someone/digits/unet", HF_ENDPOINT=hub.url)
    assert f"as a file of hf://someone/digits/unet@{COMMIT}" in line


def test_names_in_any_script(hub: Hub, machine: Machine) -> None:
    names = {"サンプル\u3000画像.json": b"1", "a b@2x: é.json": b"2"}
    hub.add(REPO, names)
    found = source(machine, f"hf://{REPO}", *names)
    assert [Path(path).read_bytes() for path in found["fetched"]] == [b"1", b"2"]


def test_who_may_not_see_it(hub: Hub, machine: Machine) -> None:
    hub.add(REPO, FILES)
    unknown, other = sources(machine, ("hf://someone/unknown",), (f"hf://{REPO}/unet@v2",))
    assert "no repository someone/unknown (404)" in unknown["error"]
    assert "has no revision 'v2' (404)" in other["error"]
    hub.repos[REPO].gated = True
    assert f"{REPO} is gated" in refused(machine, f"hf://{REPO}")
    hub.repos[REPO].private = True
    assert "HF_TOKEN" in refused(machine, f"hf://{REPO}")
    hub.tokens.add("hf_secret")
    assert source(machine, f"hf://{REPO}", "config.json", HF_TOKEN="hf_secret")["fetched"]


def test_a_reference_that_is_none(machine: Machine) -> None:
    bad = [("hf://x",), *((f"hf://{REPO}/{path}",) for path in ("../x", "/x", "a\\b", "a\nb"))]
    for found in sources(machine, *bad):
        assert "is no " in found["error"]


def test_the_cache_lists_checks_and_tidies_it(hub: Hub, machine: Machine) -> None:
    first = hub.add(REPO, FILES)
    fetched = source(machine, f"hf://{REPO}", "config.json", "unet/model-1.safetensors")["fetched"]
    assert Path(fetched[1]).is_file()
    second = hub.add(REPO, {"config.json": b"{}"})
    hub.drops = 10**9
    found = source(machine, f"hf://{REPO}", "config.json", "unet/model-2.safetensors")
    assert "breaks off" in found["error"]

    rows = {row["commit"]: row for row in said(machine, "list")}
    assert set(rows) == {first, second}
    assert rows[first]["reference"] == f"hf://{REPO}@{first}"
    assert rows[first]["size"] == len(CONFIG) + len(SHARD)
    assert rows[second]["size"] == 2
    assert rows[second]["revisions"] == ["main"]
    assert {row["state"] for row in said(machine, "verify")} == {"ok"}

    Path(fetched[1]).write_bytes(SHARD[::-1])
    done = machine.genzoo("cache", "verify")
    assert done.returncode == 1
    assert f"1 model file is damaged: {fetched[1]}" in done.stderr

    said(machine, "prune", "--yes")
    assert [row["commit"] for row in said(machine, "list")] == [second]
    assert not Path(fetched[1]).exists()


def test_what_no_format_reads_says_why(hub: Hub, machine: Machine) -> None:
    hub.add(REPO, FILES)
    hub.add("someone/pickles", {"config.json": b"{}", "pytorch_model.bin": b"x"})
    line = machine.refused("run", f"hf://{REPO}/unet", code=2)
    assert "unet@" in line
    assert "is in no known format: it holds config.json" in line
    assert "'pytorch_model.bin', a pickle" in machine.refused("run", "hf://someone/pickles")


def test_what_another_library_fetched_is_left_alone(hub: Hub, machine: Machine) -> None:
    hub.add(REPO, FILES)
    fetch = "from huggingface_hub import snapshot_download as s; import sys; s(sys.argv[1])"
    subprocess.run([sys.executable, "-c", fetch, REPO], env=dict(machine.environment), check=True)
    source(machine, f"hf://{REPO}")
    assert said(machine, "list") == []


@pytest.fixture
def reader(machine: Machine, tmp_path: Path) -> Machine:
    """The machine, with a plugin that reads crates."""
    site = tmp_path / "site"
    shutil.copytree(TINY, site / "genzoo_tiny")
    info = site / "genzoo_tiny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: genzoo-tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\ntiny = genzoo_tiny\n")
    return replace(machine, environment={**machine.environment, "PYTHONPATH": str(site)})


def test_a_repository_in_a_format_of_others(hub: Hub, reader: Machine, tmp_path: Path) -> None:
    crate = write_crate(tmp_path / "crate", TINY / "box")
    files = {f"rows/{path.name}": path.read_bytes() for path in crate.iterdir()}
    first = hub.add(REPO, {**files, "config.json": b"{}", "rows/extra.txt": b"not read"})
    hub.add(REPO, {"rows/config.json": b"{}"})
    pinned = f"hf://{REPO}/rows@{first}"

    done = reader.genzoo("pull", pinned, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["reference"] == pinned
    read = sorted(path.name for path in Path(found["path"]).iterdir())
    assert read == sorted(set(read) - {"extra.txt"})
    assert "config.json" in read
    assert sum(name.endswith(".safetensors") for name in read) == 2

    done = reader.genzoo("add", pinned, "--name", "mine")
    assert done.stdout == f"mine  {pinned}\n", done.stderr
    done = reader.genzoo("run", "mine", "1", "--seed", "3", "-o", "a.png", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)["record"]
    assert (record["model"], record["weights"]) == (pinned, found["sha256"])

    hub.asked.clear()
    done = reader.genzoo("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels" in done.stderr
    assert hub.asked == []
    (row,) = said(reader, "list")
    assert row["reference"] == f"hf://{REPO}@{first}"


def said(machine: Machine, *words: str) -> Any:
    """What `genzoo cache … --json` prints."""
    done = machine.genzoo("cache", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_a_checkpoint_of_diffusers_what_it_needs_is_fetched(
    hub: Hub, machine: Machine, tmp_path: Path
) -> None:
    mend_torchvision()
    import diffusers

    blocks = {"down_block_types": ("DownBlock2D",), "up_block_types": ("UpBlock2D",)}
    net = diffusers.UNet2DModel(8, 1, 1, **blocks, block_out_channels=(8,), norm_num_groups=4)
    diffusers.DDPMPipeline(net, diffusers.DDPMScheduler()).save_pretrained(tmp_path / "ddpm")
    files = [path for path in (tmp_path / "ddpm").rglob("*") if path.is_file()]
    content = {str(path.relative_to(tmp_path / "ddpm")): path.read_bytes() for path in files}
    extra = {"unet/diffusion_pytorch_model.bin": b"\x80\x04cos\n", "README.md": b"hello"}
    hub.add(REPO, {**content, **extra, "samples/a.png": b"\x89PNG"})
    done = machine.genzoo("run", f"hf://{REPO}", "--steps", "1", "--seed", "3", "-o", "a.png")
    assert done.returncode == 0, done.stderr
    asked = " ".join(path for _, path in hub.asked)
    assert "unet/config.json" in asked
    assert not [
        name
        for name in ("unet/diffusion_pytorch_model.bin", "samples/a.png")
        if f"/{name}" in asked
    ]
    done = machine.genzoo("run", "--replay", "a.png", "-o", "b.png", HF_HUB_OFFLINE="1")
    assert "the same pixels as a.png" in done.stderr
