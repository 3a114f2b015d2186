"""Inception's pooled features, for figures that others have published."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Encoder, Posterior
from genzoo_core.errors import PluginError, UsageError, WeightsError
from genzoo_core.images import to_uint8
from genzoo_core.libraries import mend_torchvision

NAME = "inception"
WEIGHTS = "GENZOO_INCEPTION"
"""Variable that names a safetensors file with the weights, by torch-fidelity's names."""


class Inception(Encoder):
    """The 2048 pooled features of the Inception of the Fréchet inception distance.

    Heusel et al. 2017; the network and its resizing are torch-fidelity's, which gives the figures
    of the original implementation. Grey images have three equal channels here.

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

    They are read from the safetensors file that `GENZOO_INCEPTION` names. What is published is a
    pickle, which genzoo does not load: whoever trusts it converts it once.

    Raises:
        PluginError: torch-fidelity is not installed.
        UsageError: `GENZOO_INCEPTION` names no file.
        WeightsError: The file is no safetensors file, or holds something else.
    """
    if find_spec("torch_fidelity") is None:
        raise PluginError(
            "inception features need torch-fidelity, which is not installed",
            "`pip install torch-fidelity`",
        )
    file = os.environ.get(WEIGHTS)
    if not file or not Path(file).is_file():
        fault = f"{WEIGHTS} names no file: {file}" if file else f"{WEIGHTS} is not set"
        raise UsageError(
            f"{fault}; it names Inception's weights", "docs/measuring.md says how to get them"
        )
    data = Path(file).read_bytes()
    try:
        state = load(data)
    except SafetensorError as error:
        raise WeightsError(
            f"{file} is no safetensors file: {error}",
            "pickle is never loaded; docs/measuring.md says how to convert one that you trust",
        ) from error
    return Inception(state).eval(), hashlib.sha256(data).hexdigest()


def _build() -> nn.Module:
    """torch-fidelity's network without its weights, which its constructor would fetch and
    unpickle."""
    mend_torchvision()
    from torch_fidelity import feature_extractor_inceptionv3 as peer

    class Network(peer.FeatureExtractorInceptionV3):  # type: ignore[misc]
        loading = False

        def load_state_dict(self, state: dict[str, Tensor], *rest: Any, **more: Any) -> Any:
            return super().load_state_dict(state, *rest, **more) if self.loading else None

    with patch.object(peer, "load_state_dict_from_url", lambda *_, **__: {}):
        network = Network(NAME, ["2048"])
    network.loading = True
    return network
