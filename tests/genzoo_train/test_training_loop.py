"""What the loop does to a model, from a recipe to a weights file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
import torch
from processor import processor_has
from safetensors.torch import load_file
from training_cases import N, recipe

from genzoo_core import ConfigError, DataError, Dataset, Recipe, TrainingError, UsageError
from genzoo_core.images import from_uint8
from genzoo_core.recipe import PhaseRecipe
from genzoo_core.training import Progress
from genzoo_core.zoo import Zoo
from genzoo_train.api import DivergedError
from genzoo_train.checkpoints import read_checkpoint
from genzoo_train.failures import memory_advice
from genzoo_train.reporting import LineReporter
from genzoo_train.training import train


def with_stage(given: Recipe, index: int, **changes: object) -> Recipe:
    stages = list(given.stages)
    stages[index] = msgspec.structs.replace(stages[index], **changes)
    return msgspec.structs.replace(given, stages=tuple(stages))


def test_a_training_leaves_weights_card_log_samples_and_checkpoint(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    weights = train(zoo, recipe(), dataset, out)

    assert weights == out / "mine.safetensors"
    assert zoo.open(str(weights)).spec.component == "genzoo-awkward/awkward"
    (card,) = tomllib.loads((out / "card.toml").read_text())["models"]
    assert card["summary"] == 'A "test" – of all.'
    assert card["shape"] == [1, 8, 8]
    assert card["size"] == weights.stat().st_size
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 8, 12, 16, 20]
    assert lines[0]["loss"] == pytest.approx(lines[0]["loss/copy"] + lines[0]["loss/critic"])
    # The mean of 0/12, 0/12, 1/12, 2/12, 2/12, 3/12: the critic runs at every other step.
    assert lines[0]["fraction"] == pytest.approx(8 / 72)
    assert lines[0]["odd"] is None
    names = {path.name for path in (out / "samples").iterdir()}
    assert names == {"game-0000006.png", "game-0000012.png", "flow-0000006.png"}


def test_finalize_sees_every_image_once_and_only_inference_is_stored(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    tensors = load_file(train(zoo, recipe(), dataset, tmp_path / "run"))
    assert tensors["seen"].item() == N
    assert not any("critic" in name for name in tensors)


def test_parameters_are_stored_in_half_precision_and_statistics_are_not(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    tensors = load_file(train(zoo, recipe(weights_dtype="float16"), dataset, tmp_path / "run"))
    assert tensors["decoder.weight"].dtype == torch.float16
    assert tensors["encoder.1.running_mean"].dtype == torch.float32
    assert tensors["seen"].dtype == torch.int64


def test_a_weight_beyond_half_precision_is_refused(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    given = recipe("huge", weights_dtype="float16")
    with pytest.raises(TrainingError, match=r"flow\.bias does not fit .* \"bfloat16\""):
        train(zoo, given, dataset, tmp_path / "run")


def test_the_next_stage_builds_on_the_averaged_weights(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    first = load_file(train(zoo, recipe(), dataset, tmp_path / "first", max_steps=12))
    both = load_file(train(zoo, recipe(), dataset, tmp_path / "both"))
    raw = read_checkpoint(tmp_path / "first" / "checkpoint.safetensors", recipe()).tensors
    torch.testing.assert_close(both["decoder.weight"], first["decoder.weight"], rtol=0, atol=0)
    assert not torch.equal(raw["model.decoder.weight"], first["decoder.weight"])


def test_before_the_next_stage_the_model_measures_what_the_averaged_weights_give(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    first = zoo.open(str(train(zoo, recipe(), dataset, tmp_path / "first", max_steps=12)))
    assert first.module.get_buffer("level").abs().max() == 0
    both = load_file(train(zoo, recipe(), dataset, tmp_path / "both"))
    # The second stage leaves the weights of the encoder as they are, but not what its
    # normalisation has seen: so the level is that of the encoder as it was between the stages.
    pixels = from_uint8(dataset.images).flatten(1)
    with torch.no_grad():
        level = first.module.get_submodule("encoder")(pixels).mean(0)
    torch.testing.assert_close(both["level"], level)
    assert level.abs().max() > 0.01


def test_without_an_average_the_weights_are_the_raw_ones(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    given = with_stage(with_stage(recipe(), 0, ema=0), 1, ema=0)
    tensors = load_file(train(zoo, given, dataset, tmp_path / "run"))
    raw = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors", given).tensors
    for name in ("decoder.weight", "flow.weight"):
        torch.testing.assert_close(tensors[name], raw[f"model.{name}"], rtol=0, atol=0)


def test_the_seed_decides_the_weights_and_leaves_the_callers_numbers_alone(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    runs = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(3)
        runs[name] = load_file(train(zoo, recipe(seed=seed), dataset, tmp_path / name))
        assert torch.equal(torch.rand(2), expected)
    assert all(torch.equal(runs["a"][name], runs["b"][name]) for name in runs["a"])
    assert not torch.equal(runs["a"]["flow.weight"], runs["c"]["flow.weight"])


def test_bf16_trains(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    weights = train(zoo, recipe(precision="bf16"), dataset, tmp_path / "run")
    assert all(tensor.isfinite().all() for tensor in load_file(weights).values())


def test_bf16_is_float32_on_a_processor_without_it(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    half, plain = (
        load_file(train(zoo, recipe(precision=precision), dataset, tmp_path / precision))
        for precision in ("bf16", "32")
    )
    same = all(torch.equal(half[name], plain[name]) for name in plain)
    assert same != processor_has("bf16")


def test_trying_thread_counts_changes_nothing(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    torch.set_num_threads(2)
    tried = load_file(train(zoo, recipe(), dataset, tmp_path / "a", threads="fastest"))
    count = read_checkpoint(tmp_path / "a" / "checkpoint.safetensors", recipe()).threads
    assert torch.get_num_threads() == 2
    set_ = load_file(train(zoo, recipe(), dataset, tmp_path / "b", threads=count))
    assert all(torch.equal(tried[name], set_[name]) for name in tried)


def test_hooks_are_told_of_each_logged_step(
    zoo: Zoo, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWKWARD_LOG", str(tmp_path / "told.jsonl"))
    train(zoo, recipe(), dataset, tmp_path / "run")
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [(line["run"], line["step"]) for line in told] == [
        ("mine", step) for step in (4, 8, 12, 16, 20)
    ]
    assert all({"loss", "images/s"} <= set(line) for line in told)


def test_a_model_that_cannot_sample_yet_trains_without_pictures(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    weights = train(zoo, recipe("sampling"), dataset, tmp_path / "run")
    assert weights.exists()
    assert not list((tmp_path / "run").glob("samples/*"))


def test_a_loss_that_is_not_finite_names_its_step_and_keeps_the_checkpoint(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    kept_one = "became nan at step 7 of stage 'game'; the checkpoint before it is kept"
    with pytest.raises(DivergedError, match=kept_one):
        train(zoo, recipe("nan"), dataset, tmp_path / "run")
    kept = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors", recipe("nan"))
    assert kept.step == 5
    assert all(tensor.isfinite().all() for tensor in kept.tensors.values())


def test_hostile_36_out_of_memory_advises_a_smaller_batch(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    advice = r"out of memory at a batch of 16 images; try --set stages\.0\.batch_size=8"
    with pytest.raises(TrainingError, match=advice):
        train(zoo, recipe("memory"), dataset, tmp_path / "run")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("std::bad_alloc"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        RuntimeError("Storage size calculation overflowed with sizes=[4503599627370496]"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("MPS backend out of memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    ],
    ids=range(9),
)
def test_out_of_memory_is_known_by_each_of_its_names(error: Exception) -> None:
    with pytest.raises(TrainingError, match="full; use less"), memory_advice("full", "use less"):
        raise error
    with pytest.raises(RuntimeError, match="shapes"), memory_advice("full", "use less"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_a_batch_of_one_cannot_be_made_smaller(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    given = with_stage(recipe("bad_alloc"), 0, batch_size=1)
    with pytest.raises(TrainingError, match="at a batch of 1 images; make the model smaller"):
        train(zoo, given, dataset, tmp_path / "run")


def test_no_checkpoint_is_promised_where_there_is_none(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    given = recipe("nan", report={"log_every": 4, "sample_every": 0})
    with pytest.raises(TrainingError, match="at step 7 of stage 'game'; lower the learning rate"):
        train(zoo, given, dataset, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_a_grid_that_cannot_be_drawn_is_no_reason_to_lose_a_training(
    zoo: Zoo, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(
        zoo, recipe("drawing"), dataset, tmp_path / "run", reporter=LineReporter()
    ).exists()
    assert "no samples at step 6: this model cannot draw\n" in capsys.readouterr().err


def test_a_limited_training_shows_its_own_number_of_steps(
    zoo: Zoo, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lines(max_steps: int, *, resume: bool = False) -> list[str]:
        out, reporter = tmp_path / "run", LineReporter()
        train(zoo, recipe(), dataset, out, resume=resume, max_steps=max_steps, reporter=reporter)
        told = capsys.readouterr().err.splitlines()
        return [
            line.partition("  ")[0] for line in told if line.startswith(("stage", "game", "fl"))
        ]

    assert lines(9) == ["stage game: 9 steps, from 0", "game 4/9", "game 8/9"]
    assert lines(16, resume=True) == [
        "stage game: 12 steps, from 9",
        "game 12/12",
        "stage flow: 4 steps, from 0",
        "flow 4/4",
    ]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("overlap", "phase 'critic' of stage 'game' trains what phase 'copy' trains"),
        ("foreign", "phase 'critic' of stage 'game' trains a tensor that is not the model's own"),
    ],
)
def test_phases_must_be_disjoint_and_the_models_own(
    fault: str, message: str, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=message):
        train(zoo, recipe(fault), dataset, tmp_path / "run")


def test_stages_and_phases_that_the_model_lacks_are_named_with_those_it_has(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    misspelt = with_stage(recipe(), 1, name="flw")
    with pytest.raises(ConfigError, match="no stage 'flw'; the model has game, flow; did you mean"):
        train(zoo, misspelt, dataset, tmp_path / "a")
    missing = msgspec.structs.replace(recipe(), stages=recipe().stages[:1])
    with pytest.raises(ConfigError, match="the recipe has the stages game, the model has game, fl"):
        train(zoo, missing, dataset, tmp_path / "b")
    phases = with_stage(recipe(), 0, phases={"critics": PhaseRecipe()})
    with pytest.raises(ConfigError, match="has no phase 'critics'; it has copy, critic; did you"):
        train(zoo, phases, dataset, tmp_path / "c")


def test_a_training_begins_from_the_weights_of_another_model(
    zoo: Zoo, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train(zoo, recipe(), dataset, tmp_path / "first")
    model = msgspec.structs.replace(recipe().model, start=str(first))
    still = msgspec.structs.replace(recipe(seed=1), model=model)
    for index, phases in enumerate((("copy", "critic"), ("flow",))):
        still = with_stage(still, index, phases={name: PhaseRecipe(lr=0.0) for name in phases})
    second = train(zoo, still, dataset, tmp_path / "second", reporter=LineReporter())
    before, after = load_file(first), load_file(second)
    for name in ("encoder.0.weight", "decoder.weight", "flow.bias"):
        assert torch.equal(before[name], after[name])
    # The critic is not stored, so that one is fresh.
    took = f"beginning from the weights of {first}: took "
    err = capsys.readouterr().err
    assert took in err
    assert "made new: critic\n" in err


def test_weights_that_do_not_fit_at_all_are_no_beginning(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    model = msgspec.structs.replace(recipe().model, start="genzoo/gan-mnist")
    with pytest.raises(ConfigError, match="no weights of genzoo/gan-mnist fit genzoo-awkward/awk"):
        train(zoo, msgspec.structs.replace(recipe(), model=model), dataset, tmp_path / "a")


def test_data_of_another_shape_and_conditioners_of_another_model_are_refused(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    other = Dataset(torch.zeros(5, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(DataError, match="images of 1×8×8, but the dataset has 5 of 3×8×8"):
        train(zoo, recipe(), other, tmp_path / "a")
    with pytest.raises(UsageError, match="no device 'tpu'; this machine has cpu"):
        train(zoo, recipe(), dataset, tmp_path / "b", device="tpu")


def test_slow_steps_are_reported_without_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = LineReporter()
    reporter.stage("game", Progress(2, 10))
    reporter.step(3)
    assert capsys.readouterr().err == "stage game: 10 steps, from 2\n"
    now = 100.0
    monkeypatch.setattr("genzoo_train.reporting.time.monotonic", lambda: now)
    reporter = LineReporter(every=0.0)
    reporter.stage("game", Progress(2, 10))
    now += 4
    reporter.step(4)
    now += 5  # slower, but what is left is told by all steps
    reporter.figures(Progress(5, 10), {"loss": 0.5, "images/s": 20.0, "s/step": 5.0})
    now += 3
    reporter.step(6)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "game 4/10  0:00:12 left",
        "game 5/10  loss 0.5  20 images/s  0:00:15 left",
        "game 6/10  0:00:12 left",
    ]
