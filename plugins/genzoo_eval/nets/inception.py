"""Inception's pooled features, for figures that others have published."""

from __future__ import annotations

import hashlib
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Encoder, Posterior
from genzoo_core.errors import HubError, PluginError, WeightsError
from genzoo_core.images import to_uint8
from genzoo_eval.metrics.libraries import mend_torchvision

NAME = "inception"
WEIGHTS = "GENZOO_INCEPTION"
"""Variable that names a file with the weights, where they need not be fetched."""


class Inception(Encoder):
    """The 2048 pooled features of the Inception of the Fréchet inception distance.

    Heusel et al. 2017; the network and its resizing are torch-fidelity's, which gives the figures
    of the original implementation. Grey images are shown to it as colours of equal parts.

    Args:
        state: The network's weights, by torch-fidelity's names.

    Raises:
        WeightsError: They are not this network's.
    """

    latent_shape = (2048,)

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.network = _build()
        try:
            self.network.load_state_dict(state)
        except (RuntimeError, AttributeError, TypeError) as error:
            raise WeightsError(
                f"these are not Inception's weights: {str(error).splitlines()[0]}"
            ) from error

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """Features `[B, 2048]` of images `[B, 1 or 3, H, W]` in [-1, 1]."""
        levels = to_uint8(x)
        colours = levels.expand(-1, 3, -1, -1) if levels.shape[1] == 1 else levels
        return Posterior(self.network(colours)[0])


def open_inception() -> tuple[Inception, str]:
    """The network, and the sha256 of its weights file.

    They are read from the file that `GENZOO_INCEPTION` names, or fetched by torch-fidelity's
    address. Nothing but tensors is unpickled.

    Raises:
        PluginError: torch-fidelity is not installed.
        HubError: The weights cannot be fetched.
        WeightsError: The file cannot be read, or holds something else.
    """
    if find_spec("torch_fidelity") is None:
        raise PluginError(
            "inception features need torch-fidelity, which is not installed",
            "`pip install torch-fidelity`",
        )
    given = os.environ.get(WEIGHTS)
    path = Path(given) if given else _fetch()
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged pickle raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} cannot be read as Inception's weights: {reason}") from error
    return Inception(state).eval(), digest


def _fetch() -> Path:
    mend_torchvision()
    from torch.hub import download_url_to_file, get_dir
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    path = Path(get_dir()) / "checkpoints" / Path(URL_INCEPTION_V3).name
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = path.stem.rpartition("-")[2]
        download_url_to_file(URL_INCEPTION_V3, str(path), hash_prefix=prefix, progress=False)
    except Exception as error:
        raise HubError(
            f"Inception's weights cannot be fetched: {error}",
            f"put {path.name} on this machine and name it in {WEIGHTS}",
        ) from error
    return path


def _build() -> nn.Module:
    """torch-fidelity's network without its weights.

    Its constructor unpickles a file without restraint, so it is given one that is empty.
    """
    mend_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Network(FeatureExtractorInceptionV3):  # type: ignore[misc]
        loading = False

        def load_state_dict(self, state: dict[str, Tensor], *rest: Any, **more: Any) -> Any:
            return super().load_state_dict(state, *rest, **more) if self.loading else None

    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.pth"
        torch.save({}, empty)
        network = Network(NAME, ["2048"], feature_extractor_weights_path=str(empty))
    network.loading = True
    return network
