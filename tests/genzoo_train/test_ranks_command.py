"""`genzoo train` on several processes, as torchrun, SLURM and `--devices` start them."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from training_cases import SLOW as SLOW_RECIPE

from genzoo_core.zoo import Zoo

PATIENCE = 300

RECIPE = """
name = "small"
weights_dtype = "float32"

[card]
family = "diffusion"
summary = "A test."

[data]
name = "noise"
shape = [1, 8, 8]
aside = 0.3

[model]
component = "genzoo/diffusion"

[model.config]
shape = [1, 8, 8]
noiser = { component = "genzoo/rectified-flow" }
network = { type = "mlp", width = 8, blocks = 1, embedding = 8 }
steps = 2

[[stages]]
name = "denoising"
steps = 40
batch_size = 7
ema = 500
phases.denoising = { schedule = "constant" }

[validation]
looks = 4

[report]
log_every = 10
sample_every = 20
checkpoint_every = 5
samples = 4
"""


class Trainings:
    """Trainings of a small recipe in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "noise").mkdir()
        chance = random.Random(0)
        for number in range(30):
            pixels = bytes(chance.randrange(256) for _ in range(64))
            Image.frombytes("L", (8, 8), pixels).save(folder / "noise" / f"{number}.png")
        self.recipe = folder / "small.toml"
        self.recipe.write_text(RECIPE, encoding="utf-8")
        self.environment = os.environ | {
            "GENZOO_MODELS": str(folder / "models"),
            "GENZOO_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
        }

    def words(self, out: str, *more: str) -> list[str]:
        paths = ["--data", str(self.folder), "--out", str(self.folder / out)]
        return ["-m", "genzoo", "train", str(self.recipe), *paths, *more]

    def start(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            env=self.environment | dict(environment or {}),
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def alone(self, out: str, *more: str) -> subprocess.Popen[str]:
        return self.start(*self.words(out, *more))

    def torchrun(
        self, ranks: int, out: str, *more: str, options: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        launch = ["-m", "torch.distributed.run", "--nproc-per-node", str(ranks), *options]
        return self.start(*launch, *self.words(out, *more))

    def checkpoint(self, out: str) -> Path:
        return self.folder / out / "checkpoint.safetensors"

    def step(self, out: str) -> int:
        if not self.checkpoint(out).exists():
            return 0
        with safe_open(self.checkpoint(out), "pt") as file:
            return int(file.metadata()["step"])

    def wait_until(self, out: str, step: int, process: subprocess.Popen[str]) -> None:
        while self.step(out) < step:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)

    def files(self, out: str) -> set[str]:
        """What was written, but the events of TensorBoard, which name the process."""
        names = {path.name for path in (self.folder / out).rglob("*")}
        return {name for name in names if "tfevents" not in name}

    def log(self, out: str) -> list[dict[str, float]]:
        lines = (self.folder / out / "log.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def trainings(tmp_path: Path) -> Trainings:
    return Trainings(tmp_path)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return output, errors


def agree(one: Path, other: Path, within: float = 1e-4, unseen: tuple[str, ...] = ()) -> None:
    """Check weights, and all that a training goes on with, but what the loss does not see."""
    a, b = load_file(one), load_file(other)
    assert set(a) == set(b)
    for name in a:
        if not name.endswith(unseen):
            x, y = a[name].double(), b[name].double()
            assert (x - y).norm() <= within * x.norm(), f"{name}: {(x - y).norm() / x.norm()}"


def ranks_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that a launcher started, and that train."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == process.pid and b"train" in command:
            found.append(int(folder.name))
    return sorted(found)


def runs(process: int) -> bool:
    """Whether a process is there, and not only its exit code for who never asks for it."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for_the_end(processes: list[int]) -> None:
    end = time.monotonic() + PATIENCE
    while any(map(runs, processes)):
        assert time.monotonic() < end
        time.sleep(0.1)


def same_logs(one: list[dict[str, float]], other: list[dict[str, float]]) -> None:
    other_things = {"images/s", "s/step", "stage"}
    assert [set(line) for line in one] == [set(line) for line in other]
    for a, b in zip(one, other, strict=True):
        for name in a.keys() - other_things:
            assert b[name] == pytest.approx(a[name], rel=1e-4), name


def test_two_processes_that_genzoo_starts_give_what_one_gives(trainings: Trainings) -> None:
    one, two = trainings.alone("one", "--json"), trainings.alone("two", "--devices", "2", "--json")
    _, several = (ended(process) for process in (one, two))
    output, errors = several
    assert json.loads(output)["path"] == str(trainings.folder / "two" / "small.safetensors")
    assert errors.count("stage denoising: 40 steps") == 1, "one rank speaks"
    agree(trainings.checkpoint("one"), trainings.checkpoint("two"))
    same_logs(trainings.log("one"), trainings.log("two"))
    assert trainings.files("one") == trainings.files("two")


@pytest.mark.long
def test_a_training_goes_on_with_another_number_of_ranks(trainings: Trainings) -> None:
    ended(trainings.alone("one"))
    ended(trainings.torchrun(3, "many", "--max-steps", "13"))
    assert trainings.step("many") == 13
    ended(trainings.torchrun(2, "many", "--max-steps", "26", "--resume"))
    assert trainings.step("many") == 26
    _, errors = ended(trainings.alone("many", "--resume"))
    assert "going on at step 26" in errors
    agree(trainings.checkpoint("one"), trainings.checkpoint("many"))
    agree(*(trainings.folder / out / "small.safetensors" for out in ("one", "many")))


SLOW = ("--set", "stages.0.steps=4000", "--set", "report.sample_every=0")


@pytest.mark.long
@pytest.mark.parametrize("killed", [0, 1])
def test_a_rank_that_is_killed_ends_the_others_and_resume_goes_on(
    killed: int, trainings: Trainings
) -> None:
    process = trainings.torchrun(2, "run", *SLOW)
    trainings.wait_until("run", 10, process)
    os.kill(ranks_of(process)[killed], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "another process of this training ended" in errors
    assert "go on with the same command and --resume" in errors
    step = trainings.step("run")
    assert step % 5 == 0
    more = ("--resume", "--max-steps", str(step + 3))
    _, errors = ended(trainings.alone("run", "--devices", "2", *SLOW, *more))
    assert f"going on at step {step}" in errors
    ended(trainings.alone("one", *SLOW, "--max-steps", str(step + 3)))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"), within=1e-3)


@pytest.mark.long
def test_torchrun_restarts_a_training_that_may_resume(trainings: Trainings) -> None:
    steps = ("--set", "stages.0.steps=300", "--resume")
    process = trainings.torchrun(2, "run", *steps, options=("--max-restarts", "1"))
    trainings.wait_until("run", 10, process)
    os.kill(ranks_of(process)[1], signal.SIGKILL)
    _, errors = ended(process)
    assert re.search("going on at step [0-9]+", errors)
    assert trainings.step("run") == 300
    ended(trainings.alone("one", *steps))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"), within=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("told", ["launcher", "first", "second"])
def test_a_stop_of_any_process_is_a_stop_of_all(told: str, trainings: Trainings) -> None:
    process = trainings.alone("run", "--devices", "2", *SLOW)
    trainings.wait_until("run", 10, process)
    (child,) = ranks_of(process)
    os.kill(child if told == "second" else process.pid, signal.SIGTERM)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, errors
    assert output == ""
    assert "Traceback" not in errors
    step = trainings.step("run")
    assert errors.count(f"stopped at step {step}, which is saved") == 1
    ended(trainings.alone("one", *SLOW, "--max-steps", str(step)))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"), within=1e-3)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def agents(trainings: Trainings, ranks: int, *more: str) -> list[subprocess.Popen[str]]:
    """Two agents of torchrun, as on two machines, the second of which joins the first."""
    options = ("--nnodes", "2", "--rdzv-backend", "c10d", "--rdzv-id", "mine")
    options += ("--rdzv-endpoint", f"127.0.0.1:{free_port()}")
    return [trainings.torchrun(ranks, "run", *more, options=options) for _ in range(2)]


@pytest.mark.long
def test_two_agents_meet_and_train_one_model(trainings: Trainings) -> None:
    for agent in agents(trainings, 2):
        ended(agent)
    ended(trainings.alone("one"))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"))


@pytest.mark.long
@pytest.mark.parametrize("killed", [0, 1])
def test_where_an_agent_is_killed_no_step_is_lost(killed: int, trainings: Trainings) -> None:
    """The ranks go on without it, until the other agent misses it and stops its own rank."""
    steps = ("--set", "stages.0.steps=600")
    both = agents(trainings, 1, *steps)
    trainings.wait_until("run", 10, both[0])
    ranks = [rank for agent in both for rank in ranks_of(agent)]
    both[killed].kill()
    try:
        wait_for_the_end(ranks)
    finally:
        for agent in both:  # the other one would wait for it for minutes
            agent.kill()
            agent.communicate()
    assert trainings.step("run") >= 10
    ended(trainings.alone("run", *steps, "--resume"))
    ended(trainings.alone("one", *steps))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"), within=1e-3)


@pytest.mark.long
def test_where_all_are_killed_resume_goes_on(trainings: Trainings) -> None:
    both = agents(trainings, 1, *SLOW)
    trainings.wait_until("run", 10, both[0])
    for process in [*(rank for agent in both for rank in ranks_of(agent)), *(a.pid for a in both)]:
        os.kill(process, signal.SIGKILL)
    for agent in both:
        agent.communicate(timeout=60)
    step = trainings.step("run")
    more = ("--max-steps", str(step + 3))
    _, errors = ended(trainings.alone("run", *SLOW, *more, "--resume"))
    assert f"going on at step {step}" in errors
    ended(trainings.alone("one", *SLOW, *more))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"), within=1e-3)


@pytest.mark.long
def test_tasks_of_slurm_are_the_ranks(trainings: Trainings) -> None:
    job = {
        "SLURM_JOB_ID": "71234",
        "SLURM_STEP_ID": "0",
        "SLURM_JOB_NAME": "train",
        "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_NNODES": "1",
        "SLURM_NODEID": "0",
        "SLURM_NODELIST": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    tasks = [
        trainings.start(
            *trainings.words("run"),
            environment=job | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
        )
        for rank in range(2)
    ]
    for task in tasks:
        ended(task)
    ended(trainings.alone("one"))
    agree(trainings.checkpoint("one"), trainings.checkpoint("run"))


@pytest.mark.long
def test_a_training_that_diverges_does_so_on_all_ranks(trainings: Trainings) -> None:
    rate = "stages.0.phases.denoising.lr=1e30"
    process = trainings.alone("run", "--devices", "2", "--json", "--set", rate)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "the loss of phase 'denoising' became" in json.loads(output)["diverged"]
    assert errors.count("Error: ") == 1


@pytest.mark.long
def test_what_ranks_cannot_do_is_said_once(trainings: Trainings) -> None:
    process = trainings.alone("run", "--devices", "2", "--set", "stages.0.batch_size=1")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "a batch of 1 images cannot be shared by 2 ranks; use fewer" in errors
    # What only the first rank sees, it says; the other one ends with it.
    (trainings.folder / "full").mkdir()
    (trainings.folder / "full" / "note.txt").touch()
    process = trainings.alone("full", "--devices", "2")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines() == [
        f"Error: {trainings.folder / 'full'} is not empty; add --resume to go on, or choose "
        "another --out"
    ]
    process = trainings.torchrun(2, "run", "--devices", "3")
    _, errors = process.communicate(timeout=PATIENCE)
    assert "--devices 3 --nodes 1, but 2 processes were started on each of 1 machines" in errors


@pytest.mark.long
def test_batch_norm_dropout_and_what_is_prepared_are_those_of_one_process(
    zoo: Zoo, data_folder: Path, trainings: Trainings
) -> None:
    # `zoo` makes the processes find the awkward model.
    trainings.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    trainings.recipe.write_text(SLOW_RECIPE.replace("sleep = 0.05", ""), encoding="utf-8")
    more = ("--set", "stages.0.batch_size=7", "--data", str(data_folder))
    ended(trainings.alone("one", *more))
    ended(trainings.torchrun(3, "many", *more, "--max-steps", "15"))
    ended(trainings.torchrun(2, "many", *more, "--resume"))
    unseen = ("critic.bias",)  # of scores that are subtracted
    agree(trainings.checkpoint("one"), trainings.checkpoint("many"), unseen=unseen)
    weights = (trainings.folder / out / "mine.safetensors" for out in ("one", "many"))
    agree(*weights, unseen=unseen)


@pytest.mark.long
def test_ones_own_pictures_are_learnt_by_ranks_with_the_parts_that_they_need(
    trainings: Trainings,
) -> None:
    words = ["-m", "genzoo", "train", "ldm", "--data", str(trainings.folder / "noise")]
    words += ["--steps", "6", "--devices", "2", "--out", str(trainings.folder / "own")]
    output, errors = ended(trainings.start(*words))
    assert output == ""
    assert errors.count("wrote") == len(set(re.findall("wrote (.*)", errors)))
    assert "ldm-noise is in your list now" in errors
    recipes = [trainings.folder / name / "recipe.toml" for name in ("own-codec", "own")]
    assert all(path.exists() for path in recipes)
    made = trainings.folder / "made.png"
    ended(trainings.start("-m", "genzoo", "run", "ldm-noise", "-o", str(made)))
    assert made.exists()
