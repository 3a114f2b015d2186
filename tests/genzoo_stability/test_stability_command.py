"""`genzoo stability` as a user meets it: real trainings, in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from genzoo.cli import main
from genzoo_core.errors import DataError
from genzoo_core.zoo import Zoo
from genzoo_stability.judge import Judge, load_classifier
from genzoo_stability.plan import VARIANTS, Run, Settings, next_mark, overrides
from genzoo_stability.protocol import Protocol
from genzoo_stability.results import Row, StabilityResults, load
from genzoo_stability.store import Store

PATIENCE = 1200.0
"""Seconds for what takes a few on a machine that does nothing else."""


def words(data: Path, out: Path, *more: str) -> list[str]:
    """A short protocol on one variant."""
    given = ["stability", "--data", str(data), "--out", str(out), "--quick", "--variant", "vae"]
    return [*given, "--seconds", "0.2", "-n", "50", *more]


@pytest.fixture(scope="module")
def measured(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a protocol that was carried out."""
    out = tmp_path_factory.mktemp("stability")
    assert main(words(digits, out)) == 0
    return out


def test_what_is_left_to_be_done_is_said_first(
    measured: Path, digits: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words(digits, measured, "--jobs", "1")) == 0
    assert (
        f"0 trainings of 0.2 CPU seconds are left, 1 at a time; what is done is saved in {measured}"
    ) in capfd.readouterr().err.splitlines()


def test_without_saying_how_what_ships_is_shown_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["stability", "--data", "mnist"]) == 0
    shown, told = capfd.readouterr()
    for name in VARIANTS:
        assert f"\n{name} " in shown
    last = told.splitlines()[-1]
    assert last.endswith("`genzoo stability --data mnist --measure` measures it here")
    assert main(["stability", "--json"]) == 0
    results = msgspec.json.decode(capfd.readouterr().out, type=StabilityResults)
    assert len(results.rows) > 100
    assert not list(tmp_path.iterdir())


def test_every_checkpoint_has_its_figures(measured: Path) -> None:
    results = load(measured / "stability-mnist.json")
    # Two seeds with two checkpoints each, and one training at either other rate.
    assert len(results.rows) == 6
    keys = {"fd", "kid", "coverage", "class_tv", "sharpness"}
    more = {"images_per_second", "reconstruction_mse"}
    assert all(row.figures.keys() == keys | more for row in results.rows)
    assert results.floor.keys() == keys
    (summary,) = results.summaries
    assert (summary.variant, summary.runs, summary.seeds, summary.checkpoints) == ("vae", 4, 2, 2)
    assert (
        results.command == "genzoo stability --data mnist --quick --seconds 0.2 -n 50 --variant vae"
    )


def test_all_trainings_of_a_variant_take_as_many_steps(measured: Path) -> None:
    results = load(measured / "stability-mnist.json")
    (total,) = json.loads((measured / "steps.json").read_text()).values()
    assert {row.total for row in results.rows} == {total}
    for row in results.rows:
        log = (measured / "runs" / f"{row.run}.log").read_text()
        assert f"elbo: {total} steps" in log


def test_what_is_measured_is_not_measured_again(
    measured: Path, digits: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = (measured / "results.jsonl").read_bytes()
    before = load(measured / "stability-mnist.json")
    assert main(words(digits, measured, "--json")) == 0
    output, errors = capfd.readouterr()
    assert msgspec.json.decode(output, type=StabilityResults) == before
    assert "reading the training images" not in errors
    assert (measured / "results.jsonl").read_bytes() == lines


def test_other_settings_need_another_folder(
    measured: Path, digits: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words(digits, measured, "--seconds", "9")) == 2
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"Error: {measured} was measured with other settings: seconds was 0.2, is 9.0; "
        "change them back, or choose another --out"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--variant", "vea"], "no variant 'vea'; there are autoencoder, vae, gan-classic, gan,"),
        (
            ["--data", "minst"],
            "'minst' is neither mnist, which the protocol trains on, nor a folder",
        ),
        (["--net", "vae-mnist"], "vae-mnist is no classifier; give one as --net"),
        (["--seconds", "0"], "0.0 is not in the range 0<x<=604800"),
        (["-n", "9"], "9 is not in the range 10<=x<=1000000"),
        (["-n", "9" * 30], "is not in the range"),
        *((["--seconds", text], "is not in the range") for text in ("0", "-1", "inf", "1e300")),
        (["--seconds", "nan"], "nan is no number"),
        *((["--jobs", text], "is not in the range") for text in ("0", "9" * 30)),
    ],
)
def test_wrong_options_exit_with_2(
    more: list[str],
    message: str,
    digits: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(words(digits, tmp_path / "out", *more)) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_sigterm_ends_the_trainings_and_the_same_command_goes_on(
    digits: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "genzoo", *words(digits, out, "--seconds", "30")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    log = out / "runs" / "vae-rate1-seed0.log"
    await_text(log, "stage elbo")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert errors.splitlines()[-1] == (
        f"interrupted: what is measured lies in {out}, and the same command goes on"
    )
    assert "stopped at step" in log.read_text()
    assert (out / "runs" / "vae-rate1-seed0" / "checkpoint.safetensors").exists()


def await_text(path: Path, text: str) -> None:
    """Wait until a file holds a text."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never said {text!r}")


def test_a_training_that_diverges_is_a_result(zoo: Zoo, digits: Path, tmp_path: Path) -> None:
    name = "features-mnist-classifier"
    settings = Settings("mnist", name, n=50, seeds=0, rates=(1e30,), rate_seeds=1)
    store = Store(tmp_path, settings)
    store.write("steps", {"autoencoder": 8})
    recipe = zoo.recipe(str(VARIANTS["autoencoder"].recipe))
    test = zoo.dataset(msgspec.structs.replace(recipe.data, split="test"), digits).images
    judge = Judge(load_classifier(zoo, name, recipe.data.shape), test, settings.n)
    variants = [VARIANTS["autoencoder"]]
    protocol = Protocol(zoo, settings, variants, store=store, judge=judge, data=digits, tell=print)
    results = protocol.run(jobs=1)
    store.close()
    (row,) = results.rows
    assert row.failed is not None
    assert "the loss of phase 'reconstruction' became" in row.failed
    assert (row.figures, row.last) == ({}, True)
    assert results.summaries[0].reasons == {"diverged": 1}


def test_a_run_trains_with_its_own_seed_length_and_rates(zoo: Zoo) -> None:
    recipe = zoo.recipe(str(VARIANTS["gan"].recipe))
    assert overrides(Run("gan", 0.5, 7, (90, 100)), recipe) == [
        "seed=7",
        "stages.0.steps=100",
        "stages.0.phases.discriminator.lr=0.0002",
        "stages.0.phases.discriminator.final_lr=2.5e-05",
        "stages.0.phases.generator.lr=0.0002",
        "stages.0.phases.generator.final_lr=2.5e-05",
    ]


def test_both_gans_differ_in_their_game_alone(zoo: Zoo) -> None:
    classic, modern = (zoo.recipe(str(VARIANTS[name].recipe)) for name in ("gan-classic", "gan"))
    assert classic.stages == modern.stages
    different = {"loss": "minimax", "penalty": None}
    assert {**modern.model.config, **different} == {**classic.model.config, "penalty": None}


def test_a_run_goes_on_at_its_first_checkpoint_that_is_not_measured() -> None:
    run = Run("gan", 1.0, 0, (6, 8, 10))
    other = Row("gan-rate1-seed1", "gan", 1.0, 1, 6, 10)
    at = [Row(run.name, "gan", 1.0, 0, step, 10) for step in run.marks]
    assert next_mark(run, [other]) == 6
    assert next_mark(run, [other, at[0]]) == 8
    assert next_mark(run, at) is None
    failed = Row(run.name, "gan", 1.0, 0, 6, 10, failed="the loss became nan")
    assert next_mark(run, [failed]) is None


def test_a_damaged_result_is_refused_by_its_line(tmp_path: Path) -> None:
    settings = Settings("mnist", "net")
    store = Store(tmp_path, settings)
    for seed in range(3):
        store.add(Row(f"gan-rate1-seed{seed}", "gan", 1.0, seed, 6, 10, {"fd": 1.5, "kid": 0.25}))
    store.close()
    file = tmp_path / "results.jsonl"
    whole = file.read_bytes()
    begin = whole.index(b"\n") + 1
    second = range(begin, whole.index(b"\n", begin))
    others = [whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :] for i in second]
    huge = [whole.replace(b"0.25", number, 2) for number in (b"1e308", b"NaN", b"9" * 5000)]
    for content in (*others, *huge, whole.replace(b"{", b"[" * 100_000, 1)):
        file.write_bytes(content)
        with pytest.raises(DataError) as caught:
            Store(tmp_path, settings)
        assert str(caught.value).startswith(f"{file} is damaged in line ")
        assert str(caught.value).endswith("; choose another --out")


def test_what_the_results_do_not_rest_on_is_made_again(tmp_path: Path) -> None:
    settings = Settings("mnist", "net")
    store = Store(tmp_path, settings)
    assert store.cached("floor", dict[str, float], lambda: {"fd": 1.5}) == {"fd": 1.5}
    assert store.cached("floor", dict[str, float], dict) == {"fd": 1.5}
    file = tmp_path / "floor.json"
    whole = file.read_bytes()
    for content in (whole.replace(b"1.5", b"7.5"), whole[:-9], b"", b"\xff", b"[" * 100_000):
        file.write_bytes(content)
        assert store.cached("floor", dict[str, float], lambda: {"fd": 1.5}) == {"fd": 1.5}
        assert file.read_bytes() == whole
    store.rows.append(Row("gan-rate1-seed0", "gan", 1.0, 0, 6, 10))
    for content in (b'{"gan": 11, "vae": 9}', b'{"gan": 0}', b'{"gan": 1e308}', b"", b"\xff"):
        (tmp_path / "steps.json").write_bytes(content)
        assert store.steps()["gan"] == 10  # as long as those that are measured
    store.close()


def test_half_a_line_that_a_crash_left_is_dropped(tmp_path: Path) -> None:
    settings = Settings("mnist", "net")
    store = Store(tmp_path, settings)
    row = Row("gan-rate1-seed0", "gan", 1.0, 0, 6, 10, {"fd": 1.5})
    store.add(row)
    store.close()
    with (tmp_path / "results.jsonl").open("ab") as file:
        file.write(b'{"run": "gan-ra')
    again = Store(tmp_path, settings)
    again.add(row)
    again.close()
    last = Store(tmp_path, settings)
    assert last.rows == [row, row]
    last.close()
