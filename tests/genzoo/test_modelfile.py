"""The model file: written, read again, and as others see it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import Cli
from raw_files import edited, join, split

import genzoo
from genzoo_core import (
    ComponentSpec,
    ConfigError,
    GenzooError,
    IntegrityError,
    ModelCard,
    ModelSpec,
    UsageError,
    WeightsError,
)
from genzoo_core.zoo import Zoo

CARD = ModelCard(name="net", family="acme", summary="A net.", dataset="none")


def save_net(zoo: Zoo, path: Path, dtype: torch.dtype = torch.float16) -> ModelCard:
    """A model file of `net` with every kind of tensor; parameters in `dtype`."""
    built = zoo.build(ModelSpec("net"))
    parameters = {name for name, _ in built.module.named_parameters()}
    tensors = {
        name: tensor.to(dtype) if name in parameters else tensor
        for name, tensor in built.own_tensors().items()
    }
    return zoo.save(path, built.spec, tensors, CARD)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_what_is_saved_comes_back(zoo: Zoo, tmp_path: Path, dtype: torch.dtype) -> None:
    built = zoo.build(ModelSpec("net", {"width": 5}))
    built.module.get_buffer("fitted").fill_(True)
    built.module.get_buffer("norm.num_batches_tracked").fill_(2**40 + 1)
    parameters = {name for name, _ in built.module.named_parameters()}
    stored = {n: t.to(dtype) if n in parameters else t for n, t in built.own_tensors().items()}
    zoo.save(tmp_path / "a.safetensors", built.spec, stored, CARD)
    loaded = zoo.open(str(tmp_path / "a.safetensors"))
    assert loaded.spec == built.spec
    back = loaded.own_tensors()
    assert list(back) == list(stored)
    for name, tensor in stored.items():
        expected = tensor.float() if tensor.is_floating_point() else tensor
        assert torch.equal(back[name], expected), name
        assert back[name].dtype == expected.dtype


def test_a_loaded_module_is_ready(zoo: Zoo, tmp_path: Path) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    module = zoo.open(str(tmp_path / "a.safetensors")).module
    assert not any(m.training for m in module.modules())
    assert not any(p.requires_grad for p in module.parameters())
    assert not any(t.is_meta for t in (*module.parameters(), *module.buffers()))


def test_the_card_is_completed(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    card = save_net(zoo, path)
    assert card.size == path.stat().st_size == zoo.card(str(path)).size
    assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card.sha256 == zoo.weights(str(path)).sha256 == zoo.card(str(path)).sha256
    assert card.parameters == (4 * 4 + 4) + (4 + 4) + 4  # linear, norm, position
    stored = json.loads(split(path)[0]["__metadata__"]["card"])
    assert not {"sha256", "size"} & set(stored)


def test_the_same_model_gives_the_same_bytes(zoo: Zoo, tmp_path: Path) -> None:
    built = zoo.build(ModelSpec("net"))
    for name in "abcdef":
        zoo.save(tmp_path / f"{name}.safetensors", built.spec, built.own_tensors(), CARD)
    assert len({path.read_bytes() for path in tmp_path.glob("?.safetensors")}) == 1


@pytest.mark.parametrize("names", [("text", "style"), ("style", "text")])
def test_conditioners_keep_their_order(tmp_path: Path, names: tuple[str, str]) -> None:
    # The first reads the prompt.
    spec = ModelSpec(
        "genzoo/gan",
        {"network": {"type": "conv", "width": 4, "hidden": 8}},
        conditioners={
            name: ComponentSpec("genzoo/class-labels", {"classes": [name]}) for name in names
        },
    )
    zoo, path = genzoo.open_zoo(), tmp_path / "net.safetensors"
    built = zoo.build(spec)
    zoo.save(path, built.spec, built.own_tensors(), CARD)
    loaded = zoo.open(str(path))
    assert tuple(loaded.spec.conditioners) == names
    assert tuple(loaded.module.conditioners) == names


def test_the_safetensors_library_reads_the_file(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_net(zoo, path)
    theirs = safetensors.torch.load_file(path)
    ours = zoo.open(str(path)).own_tensors()
    assert set(theirs) == set(ours)
    for name, tensor in theirs.items():
        assert torch.equal(tensor.float() if tensor.is_floating_point() else tensor, ours[name])


def test_a_file_of_the_safetensors_library_is_read(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_net(zoo, path)
    header, _ = split(path)
    theirs = tmp_path / "b.safetensors"
    safetensors.torch.save_file(
        safetensors.torch.load_file(path), theirs, metadata=header["__metadata__"]
    )
    ours = zoo.open(str(path)).own_tensors()
    assert all(torch.equal(ours[n], t) for n, t in zoo.open(str(theirs)).own_tensors().items())


def test_what_a_file_says_is_read_without_torch(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_net(zoo, path)
    code = f"""
import sys
from genzoo.cli import main
assert main(["info", {str(path)!r}, "--json"]) == 0
print(sorted({{"torch", "numpy", "safetensors"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shown, heavy = done.stdout.splitlines()
    said = json.loads("\n".join(shown))
    assert said["spec"]["component"] == "acme-models/net"
    assert (said["card"]["summary"], said["card"]["size"]) == ("A net.", path.stat().st_size)
    assert heavy == "[]"


def test_a_file_has_the_users_mode(zoo: Zoo, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_net(zoo, tmp_path / "a.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == 0o640


def test_a_failed_save_keeps_the_old_file(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_net(zoo, path)
    before = path.read_bytes()
    built = zoo.build(ModelSpec("net"))
    tensors = built.own_tensors()
    tensors["table"][1] = float("nan")
    with pytest.raises(WeightsError, match="'table' holds NaN or infinity"):
        zoo.save(path, built.spec, tensors, CARD)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.glob("*.safetensors")] == ["a.safetensors"]
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_leaves_nothing_behind(zoo: Zoo, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a small disk")
    try:
        (disk / "ballast").write_bytes(b"x" * 3000)
        with pytest.raises(GenzooError, match="the disk is full"):
            save_net(zoo, disk / "a.safetensors")
        assert [p.name for p in disk.iterdir()] == ["ballast"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_only_the_tensors_of_the_model_are_saved(zoo: Zoo, tmp_path: Path) -> None:
    built = zoo.build(ModelSpec("critic"), training=True)
    with pytest.raises(WeightsError, match=r"unknown critic\.weight, critic\.bias"):
        zoo.save(tmp_path / "a.safetensors", built.spec, built.own_tensors(), CARD)
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_card_of_another_kind_is_refused(zoo: Zoo, tmp_path: Path) -> None:
    built = zoo.build(ModelSpec("line", kind="codec"))
    with pytest.raises(ConfigError, match="the card says 'model', but a 'codec'"):
        zoo.save(tmp_path / "a.safetensors", built.spec, built.own_tensors(), CARD)


def test_a_tied_tensor_is_stored_once_and_stays_tied(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    built = zoo.build(ModelSpec("tied"))
    card = zoo.save(path, built.spec, built.own_tensors(), CARD)
    assert card.parameters == 4 * 4 + 4 + 4
    stored = set(safetensors.torch.load_file(path))
    assert stored == {"body.weight", "body.bias", "twin.bias"}
    module = zoo.open(str(path)).module
    assert module.get_parameter("twin.weight") is module.get_parameter("body.weight")


def test_a_tensor_outside_parameters_and_buffers_is_named(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    built = zoo.build(ModelSpec("hoarder"))
    zoo.save(path, built.spec, built.own_tensors(), CARD)
    with pytest.raises(GenzooError, match=r"Hoarder\.hoard is a tensor outside"):
        zoo.open(str(path))


def test_another_format_version_is_refused(zoo: Zoo, tmp_path: Path) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    path = edited(
        tmp_path / "a.safetensors", lambda h: h["__metadata__"].update(format_version="2")
    )
    with pytest.raises(WeightsError, match="format version '2', this genzoo reads 1"):
        zoo.card(str(path))


def test_a_file_without_a_card_is_named_after_itself(zoo: Zoo, tmp_path: Path) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    path = edited(tmp_path / "a.safetensors", lambda h: h["__metadata__"].pop("card"))
    assert zoo.card(str(path)).name == "edited"


def test_what_other_programs_add_to_the_header_does_no_harm(zoo: Zoo, tmp_path: Path) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    header, _ = split(tmp_path / "a.safetensors")
    tensors = safetensors.torch.load_file(tmp_path / "a.safetensors")
    more = {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.title": "Mine ♥",
        "modelspec.thumbnail": f"data:image/jpeg;base64,{'A' * 100_000}",
    }
    path = tmp_path / "theirs.safetensors"
    safetensors.torch.save_file(tensors, path, metadata={**header["__metadata__"], **more})
    before, after = zoo.open(str(tmp_path / "a.safetensors")), zoo.open(str(path))
    assert after.spec == before.spec
    assert all(map(torch.equal, before.own_tensors().values(), after.own_tensors().values()))


def test_plain_safetensors_say_what_is_missing(zoo: Zoo, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match="its header does not say what to build"):
        zoo.open(str(path))


@pytest.mark.parametrize("name", ["missing.safetensors", "folder.safetensors", "pipe.safetensors"])
def test_what_is_no_file_is_a_usage_error(zoo: Zoo, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(UsageError, match=name) as caught:
        zoo.open(str(tmp_path / name))
    assert caught.value.exit_code == 2


def with_config(path: Path, config: str) -> Path:
    """A copy of a sound file whose model has a config of this text."""
    model = '{"component":"acme-models/net","config":' + config + "}"
    return edited(path, lambda h: h["__metadata__"].update(model=model))


def config_in(cli: Cli, path: Path) -> object:
    """The config that a file gives its model."""
    done = cli("info", path, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["spec"]["config"]


@given(
    value=st.recursive(
        st.integers() | st.text() | st.booleans(),
        lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(), c, max_size=3),
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_ordinary_json_is_parsed_as_usual(
    zoo: Zoo, tmp_path: Path, cli: Cli, value: object
) -> None:
    sound = tmp_path / "a.safetensors"
    if not sound.exists():
        save_net(zoo, sound)
    assert config_in(cli, with_config(sound, json.dumps({"x": value}))) == {"x": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' twice"),
        ("[" * 65 + "]" * 65, "nested"),
        ("[NaN]", "NaN"),
        ("[1,]", "not JSON"),
        ('"\\ud800"', "half a character"),
    ],
)
def test_json_that_means_more_than_one_thing_is_refused(
    zoo: Zoo, tmp_path: Path, text: str, message: str
) -> None:
    sound, header = tmp_path / "a.safetensors", tmp_path / "header.safetensors"
    save_net(zoo, sound)
    join(header, b'{"a":' + text.encode() + b"}", b"")
    with pytest.raises(WeightsError, match=message):
        zoo.card(str(header))
    with pytest.raises(ConfigError, match=message):
        zoo.card(str(with_config(sound, '{"x":' + text + "}")))


def test_a_string_without_end_is_refused_in_no_time(zoo: Zoo, tmp_path: Path) -> None:
    path = join(tmp_path / "a.safetensors", b'{"' + b'\\"' * 400_000, b"")
    begin = time.monotonic()
    with pytest.raises(WeightsError, match="not JSON"):
        zoo.card(str(path))
    assert time.monotonic() - begin < 10  # in proportion to the text, not to its square


def test_json_may_be_64_levels_deep(zoo: Zoo, tmp_path: Path, cli: Cli) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    for depth in (62, 63):  # and two more that are around it
        text = "[" * depth + "]" * depth
        path = with_config(tmp_path / "a.safetensors", '{"x":' + text + "}")
        if depth == 62:
            assert config_in(cli, path) == {"x": json.loads(text)}
        else:
            with pytest.raises(ConfigError, match="nested more than 64 levels"):
                zoo.card(str(path))


def test_depth_inside_strings_does_not_count(zoo: Zoo, tmp_path: Path, cli: Cli) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    path = with_config(tmp_path / "a.safetensors", '{"x":["' + "[" * 1000 + '\\"{"]}')
    assert config_in(cli, path) == {"x": ["[" * 1000 + '"{']}


@given(data=st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mutated_file_gives_its_model_or_a_clear_error(
    site: Path, tmp_path: Path, data: st.DataObject
) -> None:
    sound = tmp_path / "a.safetensors"
    if not sound.exists():
        save_net(genzoo.open_zoo(), sound)
    content = bytearray(sound.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, end if data.draw(st.booleans()) else len(content) - 1))
        match data.draw(st.sampled_from(["flip", "insert", "cut", "copy"])):
            case "flip":
                content[position] = data.draw(st.integers(0, 255))
            case "insert":
                content[position:position] = data.draw(st.binary(min_size=1, max_size=9))
            case "cut":
                del content[position : position + data.draw(st.integers(1, 9))]
            case "copy":
                start = data.draw(st.integers(0, len(content) - 1))
                content[position : position + 8] = content[start : start + 8]
        if len(content) < 2:
            break
    mutated = tmp_path / "mutated.safetensors"
    mutated.write_bytes(content)
    zoo = genzoo.open_zoo()
    try:
        module = zoo.open(str(mutated)).module
    except (WeightsError, ConfigError, IntegrityError):
        return
    assert all(bool(p.isfinite().all()) for p in module.parameters())


def test_the_header_may_begin_like_a_pickle(zoo: Zoo, tmp_path: Path) -> None:
    # A header of 896 bytes has the length 80 03 00 …, as a pickle of protocol 3 begins.
    save_net(zoo, tmp_path / "a.safetensors")
    header, data = split(tmp_path / "a.safetensors")
    text = json.dumps(header).encode()
    length = next(n for n in (0x280, 0x380, 0x480, 0x580) if n >= len(text))
    path = join(tmp_path / "b.safetensors", text.ljust(length), data)
    assert path.read_bytes()[0] == 0x80
    zoo.open(str(path))


def test_tensors_need_not_be_aligned(zoo: Zoo, tmp_path: Path) -> None:
    save_net(zoo, tmp_path / "a.safetensors")
    header, data = split(tmp_path / "a.safetensors")
    text = json.dumps(header).encode()
    path = join(tmp_path / "b.safetensors", text + b" " * (7 - len(text) % 8), data)
    expected = zoo.open(str(tmp_path / "a.safetensors")).own_tensors()
    for name, tensor in zoo.open(str(path)).own_tensors().items():
        assert torch.equal(tensor, expected[name])
