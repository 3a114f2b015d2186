"""Inception's features, with weights as they come from a random start."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genzoo_core import WeightsError

pytestmark = pytest.mark.skipif(
    find_spec("torch_fidelity") is None, reason="torch-fidelity is not installed"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of torch-fidelity's network."""
    from genzoo_eval.nets.inception import _build

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("inception") / "weights.safetensors"
    save_file(_build().state_dict(), file)
    return file


def test_features_are_those_of_the_peer(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genzoo_eval.nets.inception import open_inception

    monkeypatch.setenv("GENZOO_INCEPTION", str(weights))
    net, digest = open_inception()
    # After ours, which makes it importable beside any build of torch.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    assert len(digest) == 64
    pixels = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    torch.save(load_file(weights), pickled := tmp_path / "weights.pth")  # the peer's own form
    peer = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=pickled)
    expected = peer(pixels.expand(-1, 3, -1, -1))[0]
    with torch.no_grad():
        found = net.encode(pixels.float() / 127.5 - 1).mean
    assert found.shape == (2, 2048)
    assert torch.allclose(found, expected, atol=1e-5)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genzoo_eval.nets.inception import open_inception

    mark = tmp_path / "unpickled"
    for name, content in (("trap", Trap(mark)), ("tensors", {"conv.weight": torch.zeros(3)})):
        torch.save(content, file := tmp_path / f"{name}.pth")
        monkeypatch.setenv("GENZOO_INCEPTION", str(file))
        with pytest.raises(WeightsError, match="pickle is never loaded"):
            open_inception()
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_what_is_no_safetensors_file_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genzoo_eval.nets.inception import open_inception

    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    monkeypatch.setenv("GENZOO_INCEPTION", str(file))
    with pytest.raises(WeightsError, match="no safetensors file"):
        open_inception()


def test_weights_of_another_net_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genzoo_eval.nets.inception import open_inception

    file = tmp_path / "x.safetensors"
    save_file({"conv.weight": torch.zeros(3)}, file)
    monkeypatch.setenv("GENZOO_INCEPTION", str(file))
    with pytest.raises(WeightsError, match="not Inception's"):
        open_inception()


@pytest.mark.parametrize("given", [None, "nowhere.safetensors"])
def test_without_weights_it_is_said_what_to_do(given: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "GENZOO_INCEPTION"}
    if given is not None:
        environment["GENZOO_INCEPTION"] = given
    done = subprocess.run(
        [sys.executable, "-m", "genzoo", "eval", "gan-mnist", "--net", "inception"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "GENZOO_INCEPTION" in done.stderr
    assert done.stderr.count("\n") == 1
