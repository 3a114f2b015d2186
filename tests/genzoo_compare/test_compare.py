"""`genzoo compare` as a user meets it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from comparison_cases import report, stability, summary

from genzoo.cli import main
from genzoo_compare import steadiness
from genzoo_compare.baselines import INDEX, baselines, shipped_reports
from genzoo_compare.choosing import choose, dataset_of, with_density
from genzoo_core import UsageError
from genzoo_core.specs import ModelSpec
from genzoo_core.zoo import Zoo
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.report_store import ReportKey, ReportStore, Shipped
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages

Remember = Callable[..., None]
FAMILIES = {"gan-mnist": "gan", "ae-mlp-mnist": "autoencoder", "ddpm-mlp-mnist": "diffusion"}
STANDARD = {"prior": "standard-normal"}


@pytest.fixture
def remember(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> Remember:
    """Puts a report of 100 pictures where `genzoo eval` would have put it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def put(model: str, folder: Path | None = None, **options: Any) -> None:
        nets = load_nets(zoo, "mnist")
        settings = Settings(n=100, options=options)
        opened = ModelImages.open(zoo, model, settings).subject
        key = ReportKey.of(opened, "mnist", settings, nets)
        found = report(model, FAMILIES[model], seeing=2, blind=3, speed=100, parameters=1000)
        subject = msgspec.structs.replace(found.subject, options=opened.options)
        found = msgspec.structs.replace(found, subject=subject, n=100)
        ReportStore(zoo, "mnist", folder, print).put(key, found)

    return put


def compared(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capfd.readouterr()
    code = main(["compare", *map(str, words), "-n", "100"])
    return code, *capfd.readouterr()


def test_what_was_measured_is_compared_without_the_data(
    remember: Remember, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("gan-mnist")
    remember("ae-mlp-mnist", **STANDARD)
    code, out, err = compared(capfd, "gan-mnist", "ae-mlp-mnist", "--json")
    assert code == 0, err
    found = json.loads(out)
    rows = {row["model"]: row for row in found["rows"]}
    # It has no density to sample from, and is measured all the same.
    assert rows["ae-mlp-mnist"]["settings"] == STANDARD
    assert rows["ae-mlp-mnist"]["baseline"]
    assert rows["gan-mnist"]["settings"] == {}
    assert found["command"] == "genzoo compare gan-mnist ae-mlp-mnist --data mnist -n 100"


def test_commands_that_are_told_are_those_that_a_shell_reads(
    remember: Remember, zoo: Zoo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("gan-mnist")
    mine = tmp_path / "it's $(touch mine); `one`\n.safetensors"
    mine.write_bytes(zoo.weights("gan-mnist").path.read_bytes())
    code, out, err = compared(capfd, mine, "--data", "mnist", "--json")
    assert code == 0, err
    found = json.loads(out)
    again = ["genzoo", "compare", str(mine), "--data", "mnist", "-n", "100"]
    assert shlex.split(found["command"]) == again
    [row] = found["rows"]
    measured = ["genzoo", "eval", str(mine), "-n", "100", "--data", "DIR"]
    assert shlex.split(row["report"]["command"]) == measured
    assert main(["eval", str(mine), "--data", "mnist", "-n", "100"]) == 0
    shown, _ = capfd.readouterr()
    told = row["report"]["command"].replace("\n", "\\n")
    assert shown.splitlines()[-1] == f"measured by: {told}"


def test_the_table_goes_to_stdout_and_the_rest_to_stderr(
    remember: Remember, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("gan-mnist")
    code, out, err = compared(capfd, "gan-mnist", "--data", "mnist")
    assert code == 0, err
    assert out.splitlines()[-1].startswith("Precision and recall")
    assert "  gan-mnist " in out
    assert "gan-mnist" in err


def test_step_counts_that_are_known_make_a_curve(
    remember: Remember, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("ddpm-mlp-mnist")
    remember("ddpm-mlp-mnist", steps=1)
    remember("ddpm-mlp-mnist", steps=5)
    _, out, err = compared(capfd, "ddpm-mlp-mnist", "--json", "-")
    (row,) = json.loads(out)["rows"]
    assert [point["steps"] for point in row["curve"]] == [1, 5], err


def test_the_page_has_pictures_of_the_models_and_of_the_data(
    remember: Remember,
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GENZOO_DATA", str(digits))
    remember("gan-mnist", digits)
    remember("ae-mlp-mnist", digits, **STANDARD)
    page, table = tmp_path / "report.html", tmp_path / "table.md"
    words = ("ae-mlp-mnist", "gan-mnist", "--data", "mnist", "-o", page, "--markdown", table)
    code, _, err = compared(capfd, *words)
    assert code == 0, err
    text = page.read_text(encoding="utf-8")
    for alt in (
        "36 pictures that gan-mnist made without a prompt",
        "gan-mnist, asked for seven",
        "Test images above what ae-mlp-mnist makes of them",
        "Pictures of gan-mnist above the training images",
        "36 real test images of mnist",
    ):
        assert f'alt="{alt}' in text
    assert "ae-mlp-mnist, asked for" not in text  # it reads no class
    assert str(digits) not in text
    assert table.read_text(encoding="utf-8").startswith("| Family | Model |")
    assert f"wrote {page}" in err


def test_what_exists_is_replaced_with_force_alone(
    remember: Remember, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("gan-mnist")
    table = tmp_path / "table.md"
    table.write_text("mine")
    words = ("gan-mnist", "--markdown", table)
    code, out, err = compared(capfd, *words)
    assert (code, out) == (2, "")
    assert f"{table} exists; choose another name, or replace it with --force" in err
    assert table.read_text() == "mine"
    assert compared(capfd, *words, "--force")[0] == 0
    assert table.read_text(encoding="utf-8").startswith("| Family | Model |")


def test_a_page_without_the_data_says_what_it_lacks(
    remember: Remember, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remember("gan-mnist")
    page = tmp_path / "report.html"
    code, _, err = compared(capfd, "gan-mnist", "-o", page)
    assert code == 0, err
    text = page.read_text(encoding="utf-8")
    assert "No real images are shown" in text
    assert 'alt="36 pictures that gan-mnist made' in text
    assert "real test images of mnist" not in text


def test_a_page_is_drawn_in_silence_where_matplotlib_has_no_folder_of_its_own(
    remember: Remember, tmp_path: Path
) -> None:
    remember("gan-mnist")
    page = tmp_path / "report.html"
    words = [sys.executable, "-m", "genzoo", "compare", "gan-mnist", "-n", "100", "-o", str(page)]
    environment = {**os.environ, "MPLCONFIGDIR": os.path.join(os.devnull, "none")}
    done = subprocess.run(words, env=environment, capture_output=True, check=True)
    assert b"atplotlib" not in done.stderr
    assert b"MPLCONFIGDIR" not in done.stderr
    assert "<svg" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gan-mnst", "--data", "mnist"], "did you mean gan-mnist"),
        (["vae-fashion", "--data", "mnist"], "vae-fashion is a model of fashion_mnist, not of"),
        (["vae-fashion", "--data", "mnist"], "gan-mnist"),
        (["codec-mnist", "--data", "mnist"], "codec-mnist makes no pictures; of mnist there are"),
        (["features-mnist-classifier", "--data", "mnist"], "makes no pictures"),
        (["vae-fashion", "gan-mnist"], "the models are of fashion_mnist and mnist; give one"),
        ([], "no dataset was named; give one: --data"),
        (["--data", "mnits"], "'mnits' is neither a dataset nor a folder"),
        (["--data", "mnist", "-o", "x.pdf"], "cannot write x.pdf: give .html"),
        (["--data", "mnist", "-o", "no/x.html"], "cannot write no/x.html: there is no folder no"),
        (["--data", "mnist", "--json", "-", "--markdown", "-"], "cannot share stdout"),
        (["--data", "mnist", "--json", "x", "--markdown", "x"], "x is named twice"),
        (["--json", "gan-mnist"], "put the models before --json"),
        (["-f", "--json", "mine.safetensors"], "put the models before --json"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_can(
    words: list[str],
    message: str,
    zoo: Zoo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = compared(capfd, *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not any(tmp_path.glob("*.*"))


def test_without_the_data_what_is_not_known_is_left_out_and_said(
    remember: Remember, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = compared(capfd, "--data", "mnist")
    assert (code, out) == (1, "")  # nothing is known at n = 100
    remember("gan-mnist")
    code, out, err = compared(capfd, "--data", "mnist")
    assert code == 0
    assert "gan-mnist" in out
    assert "vae-mnist" not in out
    assert "vae-mnist is left out: " in err


def test_a_missing_library_is_named_with_how_to_install_it(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "genzoo_compare.command", raising=False)
    code, _, err = compared(capfd, "--data", "mnist")
    assert code == 1
    assert "`pip install 'genzoo[eval]'`" in err


def test_all_models_that_make_pictures_are_compared_unless_some_are_named(
    zoo: Zoo,
) -> None:
    chosen = {contender.name for contender in choose(zoo, (), "mnist")}
    of_mnist = {c.name for c in zoo.cards() if c.dataset == "mnist" and c.kind == "model"}
    assert chosen == of_mnist
    assert {"codec-mnist", "features-mnist-classifier", "vae-fashion"}.isdisjoint(chosen)
    named = choose(zoo, ("vae-mnist", "gan-mnist", "vae-mnist"), "mnist")
    assert [contender.name for contender in named] == ["vae-mnist", "gan-mnist"]


def test_only_what_cannot_sample_otherwise_is_sampled_from_a_standard_normal(
    zoo: Zoo,
) -> None:
    settings: dict[str, Mapping[str, Any]] = {}
    for contender in choose(zoo, ("ae-mlp-mnist", "ae-mnist", "gan-mlp-mnist"), "mnist"):
        settings[contender.name] = with_density(zoo, contender).settings
    assert settings == {"ae-mlp-mnist": STANDARD, "ae-mnist": {}, "gan-mlp-mnist": {}}


def test_the_dataset_is_that_of_the_models(zoo: Zoo) -> None:
    assert dataset_of(zoo, ("vae-mnist", "gan-mnist"), ()) == "mnist"
    with pytest.raises(UsageError, match="no dataset was named"):
        dataset_of(zoo, (), ("mnist",))


def test_every_baseline_is_a_model_has_a_recipe_or_says_why_it_has_none(zoo: Zoo) -> None:
    models = {card.name for card in zoo.cards()}
    for baseline in baselines("mnist"):
        if baseline.name in models:
            assert zoo.card(baseline.name).family == baseline.family
        elif baseline.recipe:
            recipe = zoo.recipe(str(INDEX.parent / baseline.recipe))
            assert recipe.name == baseline.name == Path(baseline.recipe).stem
            assert recipe.card.family == baseline.family
            assert recipe.data.name == baseline.dataset
            zoo.build(ModelSpec(recipe.model.component, recipe.model.config), training=True)
        else:
            assert baseline.missing
    listed = {b.recipe for b in baselines("mnist")} - {""}
    assert listed == {f"recipes/{path.name}" for path in INDEX.parent.glob("recipes/*.toml")}


def test_the_baselines_are_those_that_the_comparison_promises() -> None:
    titles = " ".join(entry["title"] for entry in tomllib.loads(INDEX.read_text())["baselines"])
    for promised in ("tutorial", "RAE-L2", "Two-stage VAE", "Non-saturating", "DDPM", "Plain conv"):
        assert promised in titles


def test_figures_of_baselines_were_measured_with_the_settings_that_are_told() -> None:
    reports = shipped_reports("mnist")
    departing = [b for b in baselines("mnist") if b.settings]
    assert departing
    for baseline in departing:
        options = reports[baseline.name].subject.options
        assert {name: options[name] for name in baseline.settings} == baseline.settings


def test_reports_of_baselines_are_found_by_the_file_that_was_measured(tmp_path: Path) -> None:
    def measured(subject: str) -> Any:
        found = report("x", "gan", seeing=1, blind=1, speed=1, parameters=1)
        named = msgspec.structs.replace(found.subject, name=subject)
        return msgspec.structs.replace(found, subject=named)

    file = measured("runs/gan-ns-mnist/gan-ns-mnist.safetensors")
    shipped = Shipped({"a": file, "b": measured("genzoo/vae-mlp-mnist")})
    (tmp_path / "baselines-mnist.json").write_bytes(msgspec.json.encode(shipped))
    assert shipped_reports("mnist", tmp_path) == {
        "gan-ns-mnist": shipped.reports["a"],
        "vae-mlp-mnist": shipped.reports["b"],
    }
    assert shipped_reports("emoji", tmp_path) == {}


def test_stability_is_told_by_its_summaries() -> None:
    gan = summary(
        "gan-classic",
        "gan",
        4,
        seeds=5,
        failed_seeds=1,
        reasons={"lopsided": 3, "thin": 2},
        cv=0.254,
        wobble=0.1,
    )
    found = stability(gan)
    assert steadiness.verdict(gan) == "1 of 5 trainings failed, 3 of 4 at other rates"
    why = "classes 20 % off (3), little coverage (2)"
    assert [text for _, text in steadiness.figures(gan)] == [why, "25 %", "–", "10 %"]
    assert steadiness.family_verdict(found, "gan") == steadiness.verdict(gan)
    assert steadiness.family_verdict(found, "vae") == "not measured"
    assert steadiness.family_verdict(None, "gan") == "not measured"
    assert "240 CPU seconds" in steadiness.protocol(found)
    # The row that is called after its family stands for it, whatever the order.
    plain = summary("gan", "gan", 2)
    assert steadiness.family_verdict(stability(gan, plain), "gan") == steadiness.verdict(plain)
