"""Inception's features, with weights as they come from a random start."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from genzoo_core import WeightsError

pytestmark = pytest.mark.skipif(
    find_spec("torch_fidelity") is None, reason="torch-fidelity is not installed"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of torch-fidelity's network, saved as it saves its own."""
    from genzoo_eval.nets.inception import _build

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(_build().state_dict(), file)
    return file


def test_features_are_those_of_the_peer(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genzoo_eval.nets.inception import open_inception

    monkeypatch.setenv("GENZOO_INCEPTION", str(weights))
    net, digest = open_inception()
    # After ours, which makes it importable beside any build of torch.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    assert len(digest) == 64
    pixels = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    peer = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=weights)
    expected = peer(pixels.expand(-1, 3, -1, -1))[0]
    with torch.no_grad():
        found = net.encode(pixels.float() / 127.5 - 1).mean
    assert found.shape == (2, 2048)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"cos\nsystem\n(S'true'\ntR."])
def test_what_is_no_weights_file_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genzoo_eval.nets.inception import open_inception

    file = tmp_path / "x.pth"
    file.write_bytes(content)
    monkeypatch.setenv("GENZOO_INCEPTION", str(file))
    with pytest.raises(WeightsError, match="cannot be read"):
        open_inception()


def test_weights_of_another_net_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genzoo_eval.nets.inception import open_inception

    file = tmp_path / "x.pth"
    torch.save({"conv.weight": torch.zeros(3)}, file)
    monkeypatch.setenv("GENZOO_INCEPTION", str(file))
    with pytest.raises(WeightsError, match="not Inception's"):
        open_inception()


def test_without_a_network_it_is_said_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "TORCH_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    environment.pop("GENZOO_INCEPTION", None)
    done = subprocess.run(
        [sys.executable, "-m", "genzoo", "eval", "gan-mnist", "--net", "inception"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 1
    assert "GENZOO_INCEPTION" in done.stderr
    assert done.stderr.count("\n") == 1
