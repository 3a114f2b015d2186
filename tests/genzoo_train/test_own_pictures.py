"""`genzoo train FAMILY --data DIR`: a listed model of somebody's own pictures."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from discs import pictures
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import load_file

import genzoo
from genzoo.cli import main
from genzoo_core import Dataset, GenerativeModel, UsageError
from genzoo_core.recipe import CardRecipe, DataRecipe, ModelRecipe, Recipe, StageRecipe
from genzoo_core.specs import ModelSpec
from genzoo_core.templates import Goal
from genzoo_train.fitting import LONGEST, Fitted, fit_recipe
from genzoo_train.wish import enough_time, parse_time


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


FAMILIES = ("flow", "ldm", "ddpm", "gan", "vae", "ae")


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_makes_a_listed_model(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "My discs")
    assert main(["train", family, "--data", str(data), "--steps", "4"]) == 0
    err = capsys.readouterr().err
    name, out = f"{family}-my-discs", tmp_path / "runs" / f"{family}-my-discs"
    for said in ("3×16×16", "2 classes", "to train on; ", "about 0:00", f"run {name} a b -n 4"):
        assert said in err
    zoo = genzoo.open_zoo()
    card = zoo.card(name)
    assert (card.dataset, card.shape, card.conditioners) == ("my-discs", (3, 16, 16), ("label",))
    assert genzoo.generate(name, "a", n=2, seed=1).images.shape == (2, 3, 16, 16)
    with Image.open(out / "pictures.png") as shown:  # two squares of 4×4 pictures
        assert shown.size == (2 * 70 + 8, 70)
    recipe = zoo.recipe(str(out / "recipe.toml"))
    every = [zoo.recipe(str(path)) for path in (tmp_path / "runs").glob("*/recipe.toml")]
    assert sum(stage.steps or 0 for each in every for stage in each.stages) == 4
    assert recipe.data.aside == 0.25  # of some 40 pictures


def test_what_cannot_end_well_is_said_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "discs", 16)
    few = ["train", "flow", "--data", str(data), "--steps", "2"]
    assert main([*few, "--name", "flow-mnist"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("flow-mnist is a model already")
    # Which pictures are set aside is a matter of their bytes: of these sixteen, four are.
    assert "12 to train on; 4 are set aside" in err
    assert "4 set aside are too few to tell which weights are best" in err
    assert "not measured: 4 test images are too few to measure with" in err
    assert "genzoo eval" not in err
    (tmp_path / "taken").touch()
    assert main([*few, "--out", "taken/x"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Error: cannot write taken/x: ")
    assert "is no folder that can be written; choose another --out" in err
    assert "looking at" not in err


def test_the_command_to_go_on_with_draws_whatever_a_class_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "discs")
    (data / "a").rename(data / "{0} a")
    assert main(["train", "ae", "--data", str(data), "--steps", "2"]) == 0
    assert "run ae-discs b '{0} a' -n 4" in capsys.readouterr().err


def test_captions_are_learnt_beside_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "discs")
    for file in data.rglob("*.png"):
        file.with_suffix(".txt").write_text(f"disc {file.stem}")
    assert main(["train", "gan", "--data", str(data), "--steps", "2", "--name", "two"]) == 0
    card = genzoo.open_zoo().card("two")
    assert card.conditioners == ("text", "label")
    assert "genzoo run two -n 16" in capsys.readouterr().err  # a prompt is a text
    assert genzoo.generate("two", "disc 7", conditions={"label": "b"}).images.shape[0] == 1


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    train = ["train", "flow", "--data", data, "--steps", "6", "--threads", "1", "--out"]
    assert main([*train, "whole", "--name", "x"]) == 0
    assert main([*train, "halved", "--name", "x", "--max-steps", "3"]) == 0
    assert main([*train, "halved", "--name", "x", "--resume"]) == 0
    files = [tmp_path / out / "x.safetensors" for out in ("whole", "halved")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_set_has_the_last_word(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    changes = ["--set", "stages.0.steps=3", "--set", "report.sample_every=2"]
    assert main(["train", "gan", "--data", data, "--steps", "9", *changes]) == 0
    recipe = genzoo.open_zoo().recipe("runs/gan-discs/recipe.toml")
    assert (recipe.stages[0].steps, recipe.report.sample_every) == (3, 2)
    assert [file.name for file in (tmp_path / "runs/gan-discs/samples").iterdir()] == [
        "adversarial-0000002.png"
    ]


def test_classes_by_number(tmp_path: Path) -> None:
    files = sorted(pictures(tmp_path / "flat", 36, classes="x").rglob("*.png"))
    cells = [{"bytes": file.read_bytes(), "path": None} for file in files]
    (tmp_path / "discs").mkdir()
    labels = [number % 12 for number in range(36)]
    pq.write_table(pa.table({"img": cells, "fine_label": labels}), tmp_path / "discs/a.parquet")
    assert main(["train", "gan", "--data", "discs", "--steps", "1"]) == 0
    spec = genzoo.open_zoo().open("gan-discs").spec.conditioners["label"]
    assert set(spec.config["classes"]) == {str(number) for number in range(12)}


def test_its_recipe_can_be_trained_by_itself(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert main(["train", "ae", "--data", data, "--steps", "4", "--threads", "1"]) == 0
    recipe = "runs/ae-discs/recipe.toml"
    again = ["train", recipe, "--data", data, "--out", "again", "--threads", "1"]
    assert main(again) == 0
    files = [tmp_path / out / "ae-discs.safetensors" for out in ("runs/ae-discs", "again")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["flow", "--data", "one"], "one holds 1 picture; nothing can be learnt from so few"),
        (["flow", "--data", "damaged"], "1 picture cannot be read: a/bad.png: it is not a picture"),
        (["flow", "--data", "nowhere"], "cannot read nowhere"),
        (["flow"], "no pictures to train on"),
        (["flow", "--data", "one", "--time", "soon"], "'soon' is no time"),
        (["flow", "--data", "one", "--name", "Not A Name"], "is no name of a model"),
        (["flow", "--data", "one", "--column", "label"], "not NAME=COLUMN"),
        (["flow-mnist", "--data", "one", "--size", "16"], "--size is for training a family"),
        (["flw", "--data", "one"], "; did you mean flow?"),
        (["gna", "--data", "one", "--time", "3m"], "; did you mean gan?"),
    ],
)
def test_what_cannot_be_trained_is_said_at_once(
    words: list[str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GENZOO_DATA", raising=False)
    pictures(tmp_path / "one", 1)
    (pictures(tmp_path / "damaged") / "a" / "bad.png").write_bytes(b"no picture")
    assert main(["train", *words]) in (1, 2)
    assert says in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_time_that_is_too_short_is_refused_with_one_that_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "flow", "--data", str(pictures(tmp_path / "discs"))]
    assert main([*command, "--time", "0.001s"]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: the time is too short: 1 step of flow fit")
    assert re.search("at least --time [1-9][0-9]*[sm]; --steps 1 trains", line)
    assert not (tmp_path / "runs").exists()
    assert main([*command, "--steps", "1"]) == 0  # by choice


def test_the_least_time_is_that_of_a_hundred_steps() -> None:
    stages = tuple(StageRecipe(name, steps=10, batch_size=4) for name in "ab")
    fitted = Fitted(replace(recipes()[0], stages=stages), 9.0, 1, 0.1, spent=3.0)
    assert fitted.seconds_of(100) == pytest.approx(3.0 + 5 * 9.0 / 0.9)
    # A fifth more, and the time for measuring where that is taken off.
    assert [enough_time(s) for s in (0.1, 40, 76, 400, 600)] == ["10s", "50s", "2m", "8m", "15m"]


def test_what_a_training_says_fits_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(pictures(tmp_path / "discs"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", told := Terminal())
    name = "of-discs-that-are-drawn-in-two-classes"
    assert main(["train", "ae", "--data", data, "--steps", "4", "--name", name]) == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.getvalue()).replace("\r", "\n").splitlines()
    assert any(re.match(" {12}[a-z]", line) for line in shown)
    assert f"  genzoo push {name} \\\n      YOU/{name}" in "\n".join(map(str.rstrip, shown))
    # A path is never broken.
    assert [line for line in shown if len(line) > 80 and " " in line] == []


def test_a_name_that_is_taken_does_not_lose_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(pictures(tmp_path / "discs"))
    for out in ("first", "second"):
        command = ["train", "ae", "--data", data, "--steps", "2", "--name", "mine", "--out", out]
        assert main(command) == 0
    assert "it is not put into your list" in capsys.readouterr().err
    assert (tmp_path / "second" / "mine.safetensors").exists()


def test_a_codec_is_trained_first_for_latent_diffusion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "ldm", "--data", str(pictures(tmp_path / "discs")), "--steps", "20"]
    assert main([*command, "--seed", "7"]) == 0
    err = capsys.readouterr().err
    assert "first ldm-discs-codec, which ldm-discs needs, in 35% of the time" in err
    zoo = genzoo.open_zoo()
    assert zoo.card("ldm-discs-codec").kind == "codec"
    recipes = [zoo.recipe(f"runs/{name}/recipe.toml") for name in ("ldm-discs-codec", "ldm-discs")]
    assert [recipe.stages[0].steps for recipe in recipes] == [7, 13]
    assert [recipe.seed for recipe in recipes] == [7, 7]
    opened = zoo.open("ldm-discs")
    assert opened.spec.parts["codec"].sha256 == zoo.card("ldm-discs-codec").sha256
    model = opened.module
    assert isinstance(model, GenerativeModel)
    assert model.codec is not None
    assert model.codec.latent_shape == (4, 4, 4)

    # What is there is gone on with, to the same weights, and another one gets another codec.
    before = zoo.card("ldm-discs").sha256
    (tmp_path / "runs" / "ldm-discs" / "recipe.toml").unlink()
    (tmp_path / "runs" / "ldm-discs" / "checkpoint.safetensors").unlink()
    assert main([*command, "--seed", "7", "--resume"]) == 0
    assert genzoo.open_zoo().card("ldm-discs").sha256 == before
    assert main([*command, "--out", "second/ldm"]) == 0
    assert genzoo.open_zoo().card("ldm-discs-codec-2").kind == "codec"


def test_no_model_is_begun_on_a_codec_that_was_cut_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "ldm", "--data", str(pictures(tmp_path / "discs")), "--steps", "20"]
    assert main([*command, "--out", "whole/ldm"]) == 0
    assert main([*command, "--name", "cut", "--max-steps", "1"]) == 0
    assert "cut is begun when its codec is trained; go on with --resume" in capsys.readouterr().err
    assert not Path("runs/cut").exists()
    assert genzoo.open_zoo().card("cut-codec").kind == "codec"
    assert main([*command, "--name", "cut", "--resume"]) == 0
    assert "cut-codec-2" not in capsys.readouterr().err  # the one that it goes on with
    whole, cut = (
        load_file(f) for f in ("whole/ldm/ldm-discs.safetensors", "runs/cut/cut.safetensors")
    )
    assert all(torch.equal(tensor, cut[name]) for name, tensor in whole.items())


def test_a_codec_by_itself(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert main(["train", "codec", "--data", data, "--steps", "4"]) == 0
    assert genzoo.open_zoo().card("codec-discs").shape == (3, 16, 16)
    with Image.open("runs/codec-discs/pictures.png") as shown:
        assert shown.size == (2 * 70 + 8, 70)


def test_a_model_that_was_trained_on_is_listed_as_it_is_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "flow", "--data", str(pictures(tmp_path / "discs")), "--steps", "8"]
    assert main([*command, "--max-steps", "3"]) == 0
    before = genzoo.open_zoo().card("flow-discs").sha256
    capsys.readouterr()
    assert main([*command, "--steps", "20", "--resume"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "going on with the plan in runs/flow-discs/recipe.toml, made by the first" in said
    assert "going on at step 3 of 8" in said
    assert genzoo.open_zoo().card("flow-discs").sha256 != before
    assert genzoo.generate("flow-discs", n=2, seed=1).images.shape == (2, 3, 16, 16)


@pytest.mark.parametrize("family", ["vae", "ae"])
def test_a_training_stopped_before_its_last_stage_goes_on_later(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(pictures(tmp_path / "discs"))
    command = ["train", family, "--data", data, "--steps", "8"]
    assert main([*command, "--max-steps", "1"]) == 0
    assert "no pictures yet" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert genzoo.generate(f"{family}-discs", n=2, seed=1).images.shape == (2, 3, 16, 16)


def test_a_family_that_a_plugin_brings(third_party: Path, tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert "tiny" in genzoo.open_zoo().templates
    assert main(["train", "genzoo-tiny/tiny", "--data", data, "--time", "2s"]) == 0
    assert genzoo.open_zoo().card("tiny-discs").conditioners == ()


def recipes() -> list[Recipe]:
    """Three networks, each of which is said to need 1000 steps."""
    stage = StageRecipe("denoising", steps=1000, batch_size=4)
    return [
        Recipe(
            "x",
            CardRecipe("diffusion", ""),
            DataRecipe("d", (1, 8, 8)),
            ModelRecipe(
                "genzoo/diffusion",
                {
                    "shape": [1, 8, 8],
                    "noiser": {"component": "genzoo/rectified-flow"},
                    "network": {"type": "mlp", "width": width, "blocks": 1, "embedding": 8},
                },
            ),
            (stage,),
        )
        for width in (64, 32, 16)
    ]


@pytest.mark.parametrize(
    ("seconds", "steps", "width", "count"),
    [
        (1e9, None, 64, int(LONGEST * 1000)),  # time for the largest, which is not stretched on
        (1e-9, None, 16, 1),  # none fits: the smallest, cut
        (1.0, 2000, 64, 2000),
        (1e9, 10, 16, 10),
    ],
)
def test_the_largest_network_that_fits_into_the_time(
    seconds: float, steps: int | None, width: int, count: int
) -> None:
    dataset = Dataset(torch.zeros(8, 1, 8, 8, dtype=torch.uint8), {})
    fitted = fit_recipe(
        genzoo.open_zoo(),
        recipes(),
        dataset,
        seconds=seconds,
        steps=steps,
        device="cpu",
        note=lambda _: None,
    )
    assert fitted.recipe.model.config["network"]["width"] == width
    assert fitted.recipe.stages[0].steps == count


@pytest.mark.parametrize(
    "shape",
    [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 36, 36), (3, 48, 96), (3, 64, 64), (3, 16, 64)],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_templates_for_pictures_of_any_shape(family: str, shape: tuple[int, int, int]) -> None:
    zoo = genzoo.open_zoo()
    found = zoo.template(family)(Goal("x", DataRecipe("d", shape), pictures=1000))
    sizes = []
    for recipe in found:
        assert recipe.data.shape == shape
        module = zoo.build(ModelSpec(recipe.model.component, recipe.model.config)).module
        assert isinstance(module, GenerativeModel)
        assert tuple(module.sample_shape) == shape
        sizes.append(sum(parameter.numel() for parameter in module.parameters()))
    assert sizes == sorted(set(sizes), reverse=True)


def test_a_flow_that_is_narrower_than_its_pictures_predicts_them() -> None:
    # A place of the first layer is 4×4 pixels in three colours, 48 numbers, for a width of at most
    # 48; or 2×2 pixels, 12 numbers, for at least 24; or one of a latent.
    template = genzoo.open_zoo().template
    goal = Goal("x", DataRecipe("d", (3, 64, 64)), pictures=1000)
    small = replace(goal, data=DataRecipe("d", (3, 32, 32)))
    latents = replace(goal, latent_shape=(4, 16, 16))
    for family, wanted, prediction in (
        ("flow", goal, "x0"),
        ("flow", small, "flow"),
        ("ldm", latents, "flow"),
    ):
        for recipe in template(family)(wanted):
            noiser = recipe.model.config["noiser"]
            assert noiser["config"].get("prediction", "flow") == prediction


@pytest.mark.parametrize("family", FAMILIES)
def test_a_gpu_gets_larger_networks(family: str) -> None:
    template = genzoo.open_zoo().template(family)
    widths = [
        template(Goal("x", DataRecipe("d", (1, 28, 28)), pictures=1000, device=device))[0]
        .model.config["network"]["width"]
        for device in ("cpu", "cuda")
    ]  # fmt: skip
    assert widths[0] < widths[1]


def test_times_as_people_write_them() -> None:
    assert [parse_time(t) for t in ("90s", "45m", "1.5h", " 2 H ")] == [90, 2700, 5400, 7200]
    for wrong in ("", "0m", "45", "-1h", "m", "1d", "1e9s"):
        with pytest.raises(UsageError, match="is no time"):
            parse_time(wrong)
