"""A training that is stopped, however that happens, loses nothing but time."""

from __future__ import annotations

import itertools
import json
import os
import pty
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from training_cases import SLOW, recipe

from genzoo_core import Dataset, TrainingError
from genzoo_core.zoo import Zoo
from genzoo_train.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from genzoo_train.reporting import LineReporter
from genzoo_train.training import train

PATIENCE = 120


def same(a: Path, b: Path) -> bool:
    one, two = load_file(a), load_file(b)
    return set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("stop", [3, 5, 12, 14])
def test_resuming_gives_the_very_weights_of_an_uninterrupted_run(
    stop: int, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    whole = train(zoo, recipe(), dataset, tmp_path / "whole")
    train(zoo, recipe(), dataset, tmp_path / "halves", max_steps=stop)
    resumed = train(zoo, recipe(), dataset, tmp_path / "halves", resume=True)
    assert same(whole, resumed)
    log = (tmp_path / "halves" / "log.jsonl").read_text().splitlines()
    assert [msgspec.json.decode(line)["step"] for line in log] == [4, 8, 12, 16, 20]


def test_a_finished_run_resumes_to_the_same_file(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    weights = train(zoo, recipe(), dataset, tmp_path / "run")
    before = weights.read_bytes()
    train(zoo, recipe(), dataset, tmp_path / "run", resume=True)
    assert weights.read_bytes() == before


class Command:
    """`genzoo train` of the slow recipe, in a process of its own."""

    def __init__(self, tmp_path: Path, data: Path) -> None:
        self.recipe = tmp_path / "slow.toml"
        self.recipe.write_text(SLOW)
        self.out = tmp_path / "run"
        self.words = [sys.executable, "-m", "genzoo", "train", str(self.recipe)]
        self.words += ["--data", str(data), "--out", str(self.out), "--threads", "1"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([*self.words, *more], text=True, stdout=pipe, stderr=pipe)

    def start_until(self, step: int) -> subprocess.Popen[str]:
        """Start it, and return once at least `step` steps are saved."""
        process = self.start()
        while self.step() < step:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        return process

    def step(self) -> int:
        path = self.out / "checkpoint.safetensors"
        if not path.exists():
            return 0
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        return int(metadata["step"]) + 12 * int(metadata["stage"])

    def finish(self, zoo: Zoo, data: Path) -> Path:
        """Resume it here, to the end."""
        given = zoo.recipe(str(self.recipe))
        return train(zoo, given, zoo.dataset(given.data, data), self.out, resume=True)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_hostile_34_a_signal_saves_first_and_loses_nothing(
    signum: int, code: int, zoo: Zoo, dataset: Dataset, data_folder: Path, tmp_path: Path
) -> None:
    command = Command(tmp_path, data_folder)
    process = command.start_until(3)
    process.send_signal(signum)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert output == ""
    assert "Traceback" not in errors
    step = command.step()
    assert step < 20
    assert errors.splitlines()[-1] == (
        f"stopped at step {step}, which is saved in {command.out}; "
        "go on with the same command and --resume"
    )
    whole = train(zoo, recipe(), dataset, tmp_path / "whole")
    assert same(whole, command.finish(zoo, data_folder))


@pytest.mark.usefixtures("zoo")
def test_a_terminal_that_is_closed_loses_nothing(data_folder: Path, tmp_path: Path) -> None:
    command = Command(tmp_path, data_folder)
    slowly = ("--set", "model.config.sleep=0.3", "--set", "report.checkpoint_every=1000")
    child, terminal = pty.fork()
    if not child:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` may run the suite
        os.execv(sys.executable, [*command.words, *slowly])
    shown = b""
    while not re.search(rb"\b[1-9]/12", shown):  # as its bar says
        shown += os.read(terminal, 65536)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert 1 <= command.step() < 12


def test_hostile_35_a_killed_training_goes_on_from_its_last_checkpoint(
    zoo: Zoo, dataset: Dataset, data_folder: Path, tmp_path: Path
) -> None:
    command = Command(tmp_path, data_folder)
    process = command.start_until(7)
    process.kill()
    process.communicate(timeout=PATIENCE)
    whole = train(zoo, recipe(), dataset, tmp_path / "whole")
    resumed = command.start("--resume")
    _, errors = resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 0, errors
    assert "going on at step" in errors
    assert same(whole, command.out / "mine.safetensors")


def test_hostile_35_kill_during_a_checkpoint_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    first = {"model.weight": torch.zeros(200_000)}
    write_checkpoint(path, recipe(), Checkpoint(0, 0, "data", 1, first))
    for attempt in range(20):
        before = path.stat().st_ino
        child = os.fork()
        if not child:
            write_for_ever(path)
        while path.stat().st_ino == before:
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
            time.sleep(0.001)
        time.sleep(random.Random(attempt).uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kept = read_checkpoint(path, recipe())
        assert kept.step > 0
        assert (kept.tensors["model.weight"] == kept.step).all()


def write_for_ever(path: Path) -> NoReturn:
    """Overwrite a checkpoint in the only thread of a forked process, until that is killed."""
    try:
        for step in itertools.count(1):
            tensors = {"model.weight": torch.full((200_000,), float(step))}
            write_checkpoint(path, recipe(), Checkpoint(0, step, "data", 1, tensors))
    finally:
        os._exit(1)


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, recipe(), Checkpoint(0, 1, "data", 1, {"w": torch.ones(4)}))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(TrainingError, match=r"cannot write .* the checkpoint before it is "):
            write_checkpoint(path, recipe(), Checkpoint(0, 2, "data", 1, {"w": torch.ones(9999)}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_checkpoint(path, recipe()).step == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_hostile_36_two_trainers_in_one_folder(
    zoo: Zoo, dataset: Dataset, data_folder: Path, tmp_path: Path
) -> None:
    command = Command(tmp_path, data_folder)
    process = command.start_until(1)
    try:
        for resume in (False, True):
            with pytest.raises(TrainingError, match=f"another training runs in {command.out}"):
                train(zoo, recipe(), dataset, command.out, resume=resume)
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert command.finish(zoo, data_folder).exists()


def test_a_folder_with_something_in_it_is_not_overwritten(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("")
    with pytest.raises(TrainingError, match="is not empty; add --resume to go on, or choose ano"):
        train(zoo, recipe(), dataset, tmp_path / "run")


def test_resuming_where_nothing_was_saved_begins(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    assert train(zoo, recipe(), dataset, tmp_path / "run", resume=True, max_steps=1).exists()


def test_a_checkpoint_from_before_a_field_was_thought_of_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, recipe(), Checkpoint(0, 1, "data", 1, {"x": torch.zeros(1)}))
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    older = json.loads(metadata["recipe"])
    del older["model"]["start"], older["stages"][0]["phases"]
    save_file({"x": torch.zeros(1)}, path, metadata | {"recipe": json.dumps(older)})
    assert read_checkpoint(path, recipe()).step == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed was 0, is 4"),
        (
            {"stages": [{"name": "game", "steps": 13}, {"name": "flow", "steps": 8}]},
            r"stages\.0\.steps was 12, is 13; stages\.0\.batch_size was 16, is 128",
        ),
        ({"model": {"component": "other"}}, r"model\.component was .*; model\.config\.fault was"),
    ],
)
def test_a_changed_recipe_is_refused_by_the_names_of_its_fields(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, recipe(), Checkpoint(0, 1, "data", 1, {}))
    with pytest.raises(TrainingError, match=f"another recipe: {message}"):
        read_checkpoint(path, recipe(**changes))


def test_what_the_weights_do_not_depend_on_may_change(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, recipe(), Checkpoint(0, 1, "data", 1, {}))
    changed = recipe(report={"log_every": 99}, weights_dtype="bfloat16", tried=["this"])
    assert read_checkpoint(path, changed).step == 1


def test_other_data_are_refused(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    train(zoo, recipe(), dataset, tmp_path / "run", max_steps=2)
    other = Dataset(dataset.images.flip(0))
    with pytest.raises(TrainingError, match="was trained on other data; give the same --data"):
        train(zoo, recipe(), other, tmp_path / "run", resume=True)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\xff" * 100])
def test_a_damaged_checkpoint_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"cannot be read: .* train in another --out"):
        read_checkpoint(path, recipe())


def checkpoint_of(zoo: Zoo, dataset: Dataset, out: Path) -> Path:
    """The checkpoint of a training that stands in its second stage."""
    train(zoo, QUIET, dataset, out, max_steps=14)
    return out / "checkpoint.safetensors"


QUIET = recipe(report={"sample_every": 0})


def test_a_checkpoint_with_a_changed_byte_is_refused_or_changes_nothing(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    path = checkpoint_of(zoo, dataset, tmp_path / "run")
    good = path.read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    whole = read_checkpoint(path, QUIET)
    chance = random.Random(0)
    for attempt in range(400):
        damaged = bytearray(good)
        at = chance.randrange(header if attempt % 2 else len(good))
        damaged[at] ^= 1 << chance.randrange(8)
        if attempt % 5 == 0:
            del damaged[at : at + chance.choice((1, 8, 1000))]
        path.write_bytes(damaged)
        try:
            read = read_checkpoint(path, QUIET)
        except TrainingError as error:
            assert "\n" not in str(error)  # noqa: PT017 - a change of a summary is none
            assert len(str(error)) < 1000  # noqa: PT017
        else:
            assert at < header
            assert (read.stage, read.step, read.data) == (whole.stage, whole.step, whole.data)
            assert all(torch.equal(read.tensors[n], t) for n, t in whole.tensors.items())


def test_a_changed_number_in_a_checkpoint_is_told_with_what_to_do(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    path = checkpoint_of(zoo, dataset, tmp_path / "run")
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(TrainingError) as caught:
        train(zoo, QUIET, dataset, tmp_path / "run", resume=True)
    assert str(caught.value) == (
        f"{path} is damaged: its content does not have the digest in it; "
        f"begin in another --out, or remove {path} and begin again"
    )
    path.unlink()
    assert train(zoo, QUIET, dataset, tmp_path / "run", resume=True).exists()


WEIGHT = "model.encoder.0.weight"
STEP = "optimizer.step.flow.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": 2}, "stands at step 2 of stage 2 on 1 thread, which cannot be"),
        ({"stage": -1}, "stands at step 2 of stage -1 on"),
        ({"step": 9}, "stands at step 9 of stage 1 on"),
        ({"step": -1}, "stands at step -1 of stage 1 on"),
        ({WEIGHT: None}, r"has no model.encoder.0.weight of shape \[16, 64\] and torch.float32"),
        ({WEIGHT: torch.zeros(3)}, "has no model.encoder.0.weight of shape"),
        ({WEIGHT: torch.zeros(16, 64, dtype=torch.int64)}, "has no model.encoder.0.weight of sh"),
        ({STEP: torch.zeros(2)}, r"has no optimizer.step.flow.weight of shape \[\] and"),
        ({STEP: None}, "has optimizer.exp_avg.flow.weight, which is not of this stage"),
        ({"optimizer.exp_avg.flow.weight": None}, "has no optimizer.exp_avg.flow.weight of shape"),
        ({"average.flow.bias": torch.zeros(0)}, "has no average.flow.bias of shape"),
        ({"optimizer": torch.zeros(1)}, "has optimizer, which is not of this stage"),
        ({"x" * 5000: torch.zeros(1)}, "has xxx"),
    ],
    ids=range(13),
)
def test_a_whole_checkpoint_of_another_training_is_refused(
    changes: dict[str, Any], message: str, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    path = checkpoint_of(zoo, dataset, tmp_path / "run")
    read = read_checkpoint(path, QUIET)
    where = {"stage": read.stage, "step": read.step} | {
        name: value for name, value in changes.items() if isinstance(value, int)
    }
    tensors = dict(read.tensors) | {
        name: value for name, value in changes.items() if not isinstance(value, int)
    }
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    other = Checkpoint(where["stage"], where["step"], read.data, 1, kept)
    write_checkpoint(path, QUIET, other)
    with pytest.raises(TrainingError, match=message) as caught:
        train(zoo, QUIET, dataset, tmp_path / "run", resume=True)
    assert "another --out" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("field", ["stage", "step", "threads", "data", "recipe", "digest"])
def test_a_checkpoint_that_says_too_little_is_damaged(
    field: str, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    path = checkpoint_of(zoo, dataset, tmp_path / "run")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    for value in (None, "x", "[" * 100_000, "1" * 5000, "null"):
        changed = {name: text for name, text in metadata.items() if name != field}
        save_file(load_file(path), path, changed if value is None else changed | {field: value})
        with pytest.raises(TrainingError, match=r"is damaged|with another recipe"):
            train(zoo, QUIET, dataset, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    "damage",
    [
        b"\n",
        b"nothing\n",
        b'{"step": 4, "loss"',
        b'{"step": "4"}\n',
        b'{"step": null}\n[4]\n"step"\n4\n{}\n',
        b"\xff\xfe\x00\n",
        b"[" * 100_000 + b"\n",
        b'{"step": ' + b"9" * 5000 + b"}\n",
        b"x" * 3_000_000,
    ],
    ids=range(9),
)
def test_a_damaged_log_is_no_reason_not_to_go_on(
    damage: bytes,
    zoo: Zoo,
    dataset: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train(zoo, recipe(), dataset, tmp_path / "run", max_steps=14)
    log = tmp_path / "run" / "log.jsonl"
    first, *rest = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([first, damage, b"\n", *rest, b'{"step": 16, "lo']))
    train(zoo, recipe(), dataset, tmp_path / "run", resume=True, reporter=LineReporter())
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [msgspec.json.decode(line)["step"] for line in lines] == [4, 8, 12, 16, 20]
    assert f"damaged lines of {log}, left out: " in capsys.readouterr().err


def test_what_a_killed_training_was_about_to_write_is_swept(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    (out / "samples").mkdir(parents=True)
    leftovers = [out / ".genzoo-1.safetensors", out / "samples" / ".genzoo-2.png"]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    train(zoo, recipe(), dataset, out, resume=True, max_steps=1)
    assert not any(leftover.exists() for leftover in leftovers)


def test_the_first_checkpoint_promises_none_before_it(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "checkpoint.safetensors"
    with pytest.raises(TrainingError) as caught:
        write_checkpoint(path, recipe(), Checkpoint(0, 1, "data", 1, {"w": torch.ones(4)}))
    assert str(caught.value) == f"cannot write {path}: No such file or directory"


def test_a_model_file_is_no_checkpoint(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    weights = train(zoo, recipe(), dataset, tmp_path / "run", max_steps=1)
    with pytest.raises(TrainingError, match="is not a checkpoint of this version"):
        read_checkpoint(weights, recipe())
