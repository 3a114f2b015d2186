"""Whether a model obeys a text: models that do and that do not, on a dataset of figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import figures
import numpy as np
import pytest
import torch
from albums import DUAL, SELF_SUPERVISED, album, album_site, album_zoo
from torch import Tensor

from genzoo.cli import main
from genzoo_core import UsageError
from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate, evaluate_images
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.keys import KEYS
from genzoo_eval.real import scarce
from genzoo_eval.reference import Reference, read_reference
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_text import lines
from genzoo_eval.settings import Settings
from genzoo_eval.text.adherence import caption_figures, each_of
from genzoo_eval.text.captions import Captions, of_rarer_kinds, read_captions
from genzoo_eval.text.guidance import scales
from genzoo_eval.text.judge import Judge, judge_of

__all__ = ["album", "album_site", "album_zoo"]

SETS = ("seen", "held_out")
RECALLS = [f"r{k}_{name}" for name in SETS for k in (1, 10)]
HELD = len(figures.HELD_OUT)


@dataclass(frozen=True)
class Seen:
    """What the judge and the nets know of the figures."""

    reference: Reference
    captions: Captions
    judge: Judge

    def figures(self, model: Drawer, n: int) -> dict[tuple[str, str], Figure]:
        found, _ = caption_figures(
            model, self.reference, self.captions, self.judge, Settings(n), lambda _: None
        )
        return {(figure.key, figure.net): figure for figure in found}


@dataclass(frozen=True)
class Drawer:
    """Draws, for each caption, pictures of the captions that a mapping gives; all of both styles
    in turn."""

    drawn: Mapping[str, str]

    def takes(self, name: str) -> bool:
        return False

    def of_captions(
        self,
        captions: Sequence[str],
        each: int,
        seed: int,
        conditions: Mapping[str, str] | None = None,
    ) -> Tensor:
        pairs = [(self.drawn[c], figures.STYLES[i % 2]) for c in captions for i in range(each)]
        return torch.stack([figures.picture(*pair) for pair in pairs])


@pytest.fixture
def seen(album: Path, album_zoo: Zoo) -> Seen:
    nets = load_nets(album_zoo, "figures")
    judge = judge_of(nets)
    assert judge is not None
    reference = read_reference(album_zoo, "figures", album, nets, 64)
    return Seen(reference, read_captions(album_zoo, "figures", album, judge.column), judge)


def measured(report: Report, key: str, net: str = "") -> Figure:
    figure = report.figure(key, net)
    assert figure is not None, f"no figure {key}"
    return figure


def test_what_was_learnt_from_seen_captions_holds_for_held_out_ones(seen: Seen) -> None:
    """The judge composes: "red" and "disc" were never together, and it finds "red disc"."""
    held = seen.captions.held_out
    assert set(held.captions) == set(figures.HELD_OUT)
    similarities = seen.judge.similarities(held.images, held.captions)
    found = (similarities.argmax(1) == held.owners).float().mean().item()
    assert found > 0.6  # chance is 1/16


def test_an_oracle_has_the_recall_of_real_pictures_exactly(seen: Seen) -> None:
    found = seen.figures(Drawer({text: text for text in figures.CAPTIONS}), 4 * HELD)
    for key in RECALLS:
        figure = found[key, DUAL]
        assert figure.value == figure.floor
        assert figure.n == 2 * HELD
    assert found["r1_seen", DUAL].value > 0.9


def test_recall_of_rarer_kinds_leaves_out_the_largest(seen: Seen) -> None:
    # Of the figures, one category has no more than another: the first in the data is left out.
    data = seen.captions.train
    largest = data.columns["category"][0]
    rarer = of_rarer_kinds(seen.captions, "text")
    assert rarer is not None
    assert rarer.tolist() == [text.split()[1] != largest for text in seen.captions.seen.captions]
    truth = {text: text for text in figures.CAPTIONS}
    wrong = {text: "red disc" if text.split()[1] == largest else text for text in figures.CAPTIONS}
    found = seen.figures(Drawer(wrong), 4 * HELD)["r10_rarer", DUAL]
    assert found.value == seen.figures(Drawer(truth), 4 * HELD)["r10_rarer", DUAL].value
    assert found.value == found.floor
    assert found.n == 2 * int(rarer.sum())


def test_one_picture_for_every_prompt_has_the_recall_of_chance_exactly(seen: Seen) -> None:
    found = seen.figures(Drawer(dict.fromkeys(figures.CAPTIONS, "red disc")), 2 * HELD)
    for name in SETS:
        assert found[f"r1_{name}", DUAL].value == pytest.approx(1 / HELD)
        assert found[f"r10_{name}", DUAL].value == pytest.approx(10 / HELD)


def test_repeating_other_pictures_is_told_from_composing(seen: Seen) -> None:
    oracle = seen.figures(Drawer({text: text for text in figures.CAPTIONS}), 4 * HELD)
    trained = [text for text in figures.CAPTIONS if text not in figures.HELD_OUT]
    near = {
        text: next(other for other in trained if other.split()[0] == text.split()[0])
        if text in figures.HELD_OUT
        else text
        for text in figures.CAPTIONS
    }
    copier = seen.figures(Drawer(near), 4 * HELD)
    for net in ("", DUAL, SELF_SUPERVISED):
        assert oracle["composed", net].value == 1.0
        assert copier["composed", net].value == 0.0
        assert oracle["copied_held_out", net].value < 0.1
        assert copier["copied_held_out", net].value == 1.0
        assert oracle["copied_seen", net].value == copier["copied_seen", net].value == 1.0
        assert oracle["nearer_seen", net].value == copier["nearer_held_out", net].value == 1.0
        # It draws the very test pictures: each is nearer than half of them, ties counting half.
        assert oracle["nearer_held_out", net].value == pytest.approx(0.5, abs=0.02)
    # In pixels, the other style of a real picture differs by a frame of 44 pixels, and the same
    # figure in the nearest other colour by less: what composes so well that it draws in one style
    # what is real in the other is not told from a copy.
    assert oracle["composed", ""].floor == 0.0


def test_about_as_many_pictures_are_made_as_were_asked_for(seen: Seen) -> None:
    assert [each_of(n, seen.captions) for n in (1, 2 * HELD, 100, 10_000)] == [1, 1, 3, 8]


def test_a_model_is_asked_for_captions_and_styles(album: Path, album_zoo: Zoo) -> None:
    report = evaluate(album_zoo, "album", album, Settings(n=64, costs=False))
    assert {figure.key for figure in report.figures} <= set(KEYS)
    for key in RECALLS:
        figure = measured(report, key, DUAL)
        assert figure.floor is not None
        assert figure.value > 0.7 * figure.floor
    assert measured(report, "style").value > 0.9
    assert sum(report.tables["styles_seen"]) == pytest.approx(1)
    assert 0.2 < report.tables["styles_seen"][0] < 0.8
    text = "\n".join(lines(report))
    assert "R@10, held-out captions" in text
    assert "real " in text


def test_a_model_that_does_not_listen_has_the_recall_of_chance(album: Path, album_zoo: Zoo) -> None:
    settings = Settings(n=96, options={"guidance": 0.0}, costs=False)
    report = evaluate(album_zoo, "album", album, settings)
    for name in SETS:
        for k in (1, 10):
            figure = measured(report, f"r{k}_{name}", DUAL)
            chance = k / HELD
            assert figure.n == 3 * HELD
            error = (chance * (1 - chance) / figure.n) ** 0.5
            assert abs(figure.value - chance) < 4 * error
    # It draws a style by chance too: 32 pictures.
    assert abs(measured(report, "style").value - 0.5) < 4 * 0.5 / 32**0.5


def test_a_style_that_is_set_is_not_asked_about(album: Path, album_zoo: Zoo) -> None:
    settings = Settings(n=64, options={"style": "framed"}, costs=False)
    report = evaluate(album_zoo, "album", album, settings)
    assert report.figure("style") is None
    assert "styles_seen" not in report.tables


def test_a_model_is_not_asked_for_captions_where_no_net_reads_them(
    album: Path, album_zoo: Zoo
) -> None:
    settings = Settings(n=64, nets=(SELF_SUPERVISED,), costs=False)
    report = evaluate(album_zoo, "album", album, settings)
    assert not {figure.key for figure in report.figures} & {*RECALLS, "composed", "style"}


def test_few_test_images_change_places_with_the_training_images(
    album_zoo: Zoo, tmp_path: Path
) -> None:
    figures.write(tmp_path / "figures", figures.HELD_OUT[:5])
    told = figures.figures("train", figures.HELD_OUT[:5]).images
    file = tmp_path / "trained.npz"
    np.savez(file, images=told.repeat(2, 1, 1, 1).permute(0, 2, 3, 1).numpy())
    settings = Settings(n=200)
    report = evaluate_images(album_zoo, file, "figures", tmp_path, settings)
    for net in (DUAL, SELF_SUPERVISED):
        figure = measured(report, "fd", net)
        # 20 draws of 10 training images lie about as far from all of them as the 10 test images.
        assert figure.floor is not None
        assert figure.spread is not None
        assert figure.spread > 0
        assert 0.5 < figure.value / figure.floor < 1.5
        assert figure.n == 200
        assert measured(report, "precision", net).value == 1.0
        assert measured(report, "memorised", net).value == 1.0
        assert report.figure("fd_infinity", net) is None


@pytest.mark.parametrize(
    ("test", "train", "few"),
    [(354, 7218, True), (10_000, 60_000, False), (999, 9_990, False), (1000, 60_000, False)],
)
def test_test_images_are_scarce_beside_many_training_images(
    test: int, train: int, few: bool
) -> None:
    assert scarce(test, train) is few


def printed(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints."""
    capfd.readouterr()
    code = main(list(words))
    out, err = capfd.readouterr()
    assert code == 0, err
    return out


def test_the_effect_of_guidance_is_a_curve(
    album: Path, album_zoo: Zoo, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("eval", "album", "-n", "64", "--data", str(album), "--guidance-curve", "0,1")
    rows = [line.rsplit(maxsplit=4) for line in printed(capfd, *words).splitlines()]
    assert f"R@10, held-out captions ({DUAL})" in [row[0] for row in rows]
    reports = json.loads(printed(capfd, *words, "--json"))
    assert [report["subject"]["options"]["guidance"] for report in reports] == [0.0, 1.0]
    values = [
        next(f["value"] for f in report["figures"] if f["key"] == "r10_held_out")
        for report in reports
    ]
    assert values[0] < values[1]


def test_models_that_read_text_are_compared_by_recall(
    album: Path, album_zoo: Zoo, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    words = ("compare", "--data", str(album / "figures"), "-n", "64", "-o", str(page))
    assert "held-out captions" in printed(capfd, *words, "--markdown", "-")
    assert "share of pictures whose held-out caption" in page.read_text()


@pytest.mark.parametrize("text", ["", "a", "1,", "1,1.0"])
def test_what_is_no_curve_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--guidance-curve"):
        scales(text)
