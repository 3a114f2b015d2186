"""What MLflow holds of a training, read by its own client from a folder."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run
from small_training import train


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())


def the_run(experiment: str = "genzoo") -> Run:
    (run,) = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return run


def test_figures_samples_and_the_recipe(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    run, client = the_run(), mlflow.MlflowClient()
    assert (run.info.run_name, run.info.status) == ("small", "FINISHED")
    losses = client.get_metric_history(run.info.run_id, "loss")
    assert [metric.step for metric in losses] == [4, 8, 12]
    assert run.data.params["model.config.network.width"] == "8"
    assert run.data.params["stages.0.steps"] == "12"
    (grid,) = client.list_artifacts(run.info.run_id, "samples")
    assert grid.path == "samples/denoising-0000008.png"


def test_names_that_mlflow_does_not_take(tmp_path: Path) -> None:
    gan = [
        'model.component="genzoo/gan"',
        'model.config={"shape": [1, 8, 8], "network": {"type": "mlp"}, "latent": 4}',
        'stages.0={"name": "adversarial", "steps": 4, "batch_size": 4}',
    ]
    assert train(tmp_path, *(word for field in gan for word in ("--set", field))) == 0
    assert {"loss", "loss.generator", "D.real"} <= set(the_run().data.metrics)


def test_a_resumed_training_goes_on_in_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    assert train(tmp_path, "--max-steps", "8") == 0
    assert train(tmp_path, "--resume", "--set", "report.samples=2") == 0
    run = the_run("mine")
    losses = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert ([metric.step for metric in losses], run.info.status) == ([4, 8, 12], "FINISHED")


def test_a_training_that_fails_says_so(tmp_path: Path) -> None:
    assert train(tmp_path, "--set", "stages.0.phases.denoising={'lr': 1e30}") != 0
    assert train(tmp_path, "--set", 'stages.0.phases.denoising={"lr": 1e30, "clip": 0}') != 0
    assert the_run().info.status == "FAILED"


def test_it_is_silent_where_nobody_names_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    assert train(tmp_path) == 0
    assert "flow " not in capsys.readouterr().err
    assert not list(tmp_path.glob("mlruns")) + list(tmp_path.glob("*.db"))


def test_a_server_that_is_away_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert train(tmp_path) == 0
    err = capsys.readouterr().err
    assert err.count("Warning: plugin mlflow") == 1
    assert (tmp_path / "run" / "small.safetensors").exists()
