"""What a whole training would end in is said before its first step."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file
from training_cases import make_images, recipe

from genzoo_core import (
    ConfigError,
    DataError,
    Dataset,
    GenzooError,
    ModelSpec,
    Recipe,
    TrainingError,
)
from genzoo_core.zoo import Zoo
from genzoo_train.api import DivergedError
from genzoo_train.export import check_rounding
from genzoo_train.reporting import LineReporter
from genzoo_train.training import train

IMAGES = make_images()
MLP = {"type": "mlp", "hidden": 8}
FLOW = {
    "noiser": {"component": "genzoo/rectified-flow"},
    "network": {"type": "mlp", "width": 8, "blocks": 1, "embedding": 8},
}
UNET = {"type": "unet", "width": 8, "multipliers": [1], "blocks": 1, "patch": 1, "embedding": 8}
TEXT = {"component": "genzoo/text", "column": "text", "config": {"tokens": 0}}
STAGES = {
    "genzoo/vae": "elbo",
    "genzoo/autoencoder": "reconstruction",
    "genzoo/diffusion": "denoising",
    "genzoo/spatial-codec": "reconstruction",
}


def small(component: str, config: dict[str, Any] | None = None, **model: Any) -> Recipe:
    """A training of four steps on images of 1×8×8."""
    config = {"shape": [1, 8, 8], **(config or {})}
    return msgspec.convert(
        {
            "name": "small",
            "card": {"family": "vae", "summary": "A test."},
            "data": {"name": "few", "shape": [1, 8, 8]},
            "model": {"component": component, "config": config, **model},
            "stages": [{"name": STAGES[component], "steps": 4, "batch_size": 16}],
        },
        Recipe,
    )


def labelled(*classes: str) -> dict[str, Any]:
    config = {"classes": classes}
    label = {"component": "genzoo/class-labels", "column": "label", "config": config}
    return {"conditioners": {"label": label}}


def refusal(zoo: Zoo, given: Recipe, dataset: Dataset, out: Path) -> GenzooError:
    """What a training is refused with, of which nothing is left but the lock of its folder."""
    with pytest.raises(GenzooError) as caught:
        train(zoo, given, dataset, out)
    assert {path.name for path in out.rglob("*")} <= {".lock"}
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("family", ["genzoo/vae", "genzoo/autoencoder"])
@pytest.mark.parametrize(
    ("labels", "components", "named"),
    [
        ([0, 0, 1, 1], 1, "2 images or more, and these classes have fewer: rare (0)"),
        ([0, 0, 1, 1, 2], 1, "2 images or more, and these classes have fewer: rare (1)"),
        ([0, 0, 0, 1, 1, 2], 3, "3 images or more, and these classes have fewer: light (2), rare"),
    ],
)
def test_a_class_with_too_few_images_for_its_mixture(
    labels: list[int], components: int, named: str, family: str, zoo: Zoo, tmp_path: Path
) -> None:
    config = {"latent": 2, "network": MLP, "components": components}
    given = small(family, config, **labelled("dark", "light", "rare"))
    error = refusal(zoo, given, Dataset(IMAGES[: len(labels)], {"label": labels}), tmp_path / "run")
    assert isinstance(error, DataError)
    assert named in error.message


def test_many_classes_without_images_are_counted(zoo: Zoo, tmp_path: Path) -> None:
    config = {"latent": 2, "network": MLP, "components": 1}
    given = small("genzoo/vae", config, **labelled(*(f"class {i}" for i in range(100))))
    error = refusal(zoo, given, Dataset(IMAGES[:4], {"label": [0, 0, 1, 1]}), tmp_path / "run")
    assert "class 2 (0), class 3 (0), class 4 (0), class 5 (0), class 6 (0) and 93 m" in str(error)


@pytest.mark.parametrize("images", [1, 4])
def test_too_few_images_for_the_only_mixture(images: int, zoo: Zoo, tmp_path: Path) -> None:
    given = small("genzoo/vae", {"latent": 2, "network": MLP, "components": 5})
    error = refusal(zoo, given, Dataset(IMAGES[:images]), tmp_path / "run")
    assert f"fitted to 5 images or more, and there are {images}" in str(error)


def test_enough_images_of_each_class_are_fitted(zoo: Zoo, tmp_path: Path) -> None:
    config = {"latent": 2, "network": MLP, "components": 2}
    given = small("genzoo/vae", config, **labelled("dark", "light"))
    weights = train(zoo, given, Dataset(IMAGES[:4], {"label": [0, 0, 1, 1]}), tmp_path / "run")
    assert load_file(weights)["density.fitted"]


@pytest.mark.parametrize("component", ["genzoo/autoencoder", "genzoo/vae", "genzoo/spatial-codec"])
def test_what_fits_nothing_trains_on_a_single_image(
    component: str, zoo: Zoo, tmp_path: Path
) -> None:
    codec = component == "genzoo/spatial-codec"
    config = {"width": 8} if codec else {"latent": 2, "network": MLP}
    given = small(component, config, kind="codec" if codec else "model")
    tensors = load_file(train(zoo, given, Dataset(IMAGES[:1]), tmp_path / "run"))
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_a_class_without_images_is_told_where_nothing_is_fitted(
    zoo: Zoo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = small("genzoo/diffusion", FLOW, **labelled("dark", "light", "rare"))
    dataset = Dataset(IMAGES[:4], {"label": [0, 0, 1, 1]})
    assert train(zoo, given, dataset, tmp_path / "run", reporter=LineReporter()).exists()
    told = capsys.readouterr().err
    assert "no images of label rare: the model will not know what that is\n" in told


def test_images_of_another_shape_than_a_convolutional_model_draws(zoo: Zoo, tmp_path: Path) -> None:
    given = small("genzoo/diffusion", FLOW | {"network": UNET, "shape": [1, 16, 16]})
    error = refusal(zoo, given, Dataset(IMAGES), tmp_path / "run")
    assert isinstance(error, ConfigError)
    assert "on images of 1×8×8, but its model makes pictures of 1×16×16" in str(error)


def test_images_of_another_shape_than_a_convolutional_codec_makes_latents_of(
    zoo: Zoo, tmp_path: Path
) -> None:
    config = {"width": 8, "shape": [1, 16, 16]}
    given = small("genzoo/spatial-codec", config, kind="codec")
    error = refusal(zoo, given, Dataset(IMAGES), tmp_path / "run")
    assert "1×8×8, which the model's SpatialCodec makes latents of 4×2×2 of, not of 4×4×4" in str(
        error
    )


def test_a_codec_for_pictures_of_another_shape(zoo: Zoo, tmp_path: Path) -> None:
    parts = {"codec": {"model": "genzoo/codec-mnist"}}
    given = small("genzoo/diffusion", FLOW | {"network": UNET, "on": "latents"}, parts=parts)
    error = refusal(zoo, given, Dataset(IMAGES), tmp_path / "run")
    assert "not of 4×7×7; give the data, the model and its codec one shape" in str(error)


@pytest.mark.parametrize("typical", [0, 2])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a dog", None, "a cat"], "column 'text' of few is null in row 1"),
        (["a dog", "a cat", float("nan")], "column 'text' of few is null in row 2"),
        (["a dog", "a cat"], "column 'text' of few has 2 rows for 3 images"),
    ],
)
def test_a_caption_that_is_null_is_named_by_its_row(
    texts: list[object], message: str, typical: int, zoo: Zoo, tmp_path: Path
) -> None:
    text = TEXT | {"typical": typical}
    parts = {"text": {"model": "genzoo/text-minilm"}}
    given = small("genzoo/diffusion", FLOW, conditioners={"text": text}, parts=parts)
    error = refusal(zoo, given, Dataset(IMAGES[:3], {"text": texts}), tmp_path / "run")
    assert isinstance(error, DataError)
    assert message in error.message


@pytest.mark.parametrize("values", [[["a"], ["b"], ["c"]], ["a", 1, "b"]])
def test_typical_values_that_cannot_be_sorted(
    values: list[object], zoo: Zoo, tmp_path: Path
) -> None:
    parts = {"text": {"model": "genzoo/text-minilm"}}
    text = TEXT | {"typical": 2}
    given = small("genzoo/diffusion", FLOW, conditioners={"text": text}, parts=parts)
    error = refusal(zoo, given, Dataset(IMAGES[:3], {"text": values}), tmp_path / "run")
    assert "column 'text' of few holds values that cannot be sorted" in str(error)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([0, 1, 1, None], "column 'label' of few is null in row 3"),
        ([0, 1, 1, 2], "column 'label' of few, row 3: no class '2'; there are dark (0), light (1)"),
        ([0, 7, 1, 8], "column 'label' of few, row 1: no class '7'"),
        (["dark", "light", "drak", "x"], "column 'label' of few, row 2: no class 'drak'"),
        ([0, 1, [1], 1], "column 'label' of few, row 2: no class '[1]'"),
        ([0, 1, 1.0, 1], "column 'label' of few, row 2: no class '1.0'"),
    ],
)
def test_a_label_that_is_none_is_named_by_its_row(
    column: list[object], message: str, zoo: Zoo, tmp_path: Path
) -> None:
    given = small("genzoo/diffusion", FLOW, **labelled("dark", "light"))
    error = refusal(zoo, given, Dataset(IMAGES[:4], {"label": column}), tmp_path / "run")
    assert isinstance(error, DataError)
    assert message in error.message


def test_a_batch_larger_than_the_data(zoo: Zoo, tmp_path: Path) -> None:
    given = small("genzoo/vae", {"latent": 2, "network": MLP})
    stage = given.stages[0]
    large = msgspec.structs.replace(stage, batch_size=129)
    error = refusal(
        zoo, msgspec.structs.replace(given, stages=(large,)), Dataset(IMAGES), tmp_path / "run"
    )
    assert "takes 129 images in a step, and the data have 40; try --set stages.0.batch_size=40" in (
        str(error)
    )
    # A small one that is not full repeats some, as from one epoch to the next.
    usual = msgspec.structs.replace(stage, batch_size=128)
    given = msgspec.structs.replace(given, stages=(usual,))
    assert train(zoo, given, Dataset(IMAGES[:3]), tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("data", "40 images are too few; bring more"),
        ("checking", "genzoo-awkward/awkward refuses these data: IndexError: no such picture"),
        ("loss", "stage 'game' of genzoo-awkward/awkward fails on these data: IndexError: no su"),
    ],
)
def test_a_model_of_a_stranger_is_asked_and_tried_first(
    fault: str, message: str, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    assert message in str(refusal(zoo, recipe(fault), dataset, tmp_path / "run"))


def test_what_a_model_raises_at_the_end_is_one_line(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    message = "^genzoo-awkward/awkward cannot be fitted: IndexError: no such picture; `genz"
    with pytest.raises(TrainingError, match=message):
        train(zoo, recipe("finalizing"), dataset, tmp_path / "run")


def test_weights_that_do_not_fit_their_dtype(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    given = recipe("huge", weights_dtype="float16")
    assert "flow.bias does not fit into" in str(refusal(zoo, given, dataset, tmp_path / "run"))


def test_a_header_that_is_too_long_for_a_model_file(zoo: Zoo, tmp_path: Path) -> None:
    given = small("genzoo/vae", {"latent": 2, "network": MLP})
    card = msgspec.structs.replace(given.card, notes="x" * 2_000_000)
    given = msgspec.structs.replace(given, card=card)
    error = refusal(zoo, given, Dataset(IMAGES), tmp_path / "run")
    assert "run/small.safetensors cannot be written and read: a header of 2,0" in str(error)


def test_a_disk_without_room_for_the_weights(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
    try:
        error = refusal(zoo, recipe(), dataset, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "run/mine.safetensors cannot be written and read: cannot write it: File too l" in str(
        error
    )
    assert error.hint == "choose another --out"


@pytest.mark.parametrize("name", ["mine.safetensors", "card.toml", "log.jsonl"])
def test_a_folder_where_a_file_is_to_be(
    name: str, zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "run" / name).mkdir(parents=True)
    with pytest.raises(TrainingError, match=f"run/{name} is a folder, not a file"):
        train(zoo, recipe(), dataset, tmp_path / "run", resume=True)


def test_a_model_that_is_called_as_the_checkpoint(
    zoo: Zoo, dataset: Dataset, tmp_path: Path
) -> None:
    error = refusal(zoo, recipe(name="checkpoint"), dataset, tmp_path / "run")
    assert str(error) == "no model can be called checkpoint; try --set name=…"


def test_an_out_that_cannot_be_made(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"cannot write in .*/file/run: Not a directory"):
        train(zoo, recipe(), dataset, tmp_path / "file" / "run")


def test_looking_ahead_leaves_no_trace(zoo: Zoo, dataset: Dataset, tmp_path: Path) -> None:
    tensors = load_file(train(zoo, recipe(), dataset, tmp_path / "run", max_steps=1))
    # The running statistics have seen the batch of one step, once in each of two phases.
    assert tensors["encoder.1.num_batches_tracked"] == 2


def test_a_weight_that_is_no_number_any_more_is_not_blamed_on_its_dtype(zoo: Zoo) -> None:
    given = recipe()
    built = zoo.build(ModelSpec(given.model.component, given.model.config), training=True)
    bias = built.module.get_submodule("flow").get_parameter("bias")
    for value, said in ((float("nan"), "nan"), (float("-inf"), "-inf")):
        torch.nn.init.constant_(bias, value)
        with pytest.raises(DivergedError, match=f"flow.bias became {said}; lower the learning"):
            check_rounding(built, given)
