"""Names of devices: those that are here are found, and others are told which those are."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from genzoo_core.devices import find_device
from genzoo_core.errors import UsageError

HERE = [
    *(["cuda"] if torch.cuda.is_available() else []),
    *(["mps"] if torch.backends.mps.is_available() else []),
    "cpu",
]


def test_auto_is_the_first_of_cuda_mps_and_cpu_that_is_here() -> None:
    assert find_device("auto") == HERE[0]


@pytest.mark.parametrize("device", [*HERE, "cpu:0"])
def test_what_is_here_is_found_as_it_is_called(device: str) -> None:
    assert find_device(device) == device


@pytest.mark.parametrize(
    "device", ["", "gpu", "CPU", "cda", "cuda:77", "cuda:", "cuda:-1", "cpu:x", "meta", "tpu", "😀"]
)
def test_what_is_not_here_is_told_what_is(device: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_device(device)
    assert caught.value.message == f"no device {device!r}"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"this machine has {', '.join(HERE)}")


def test_the_cpu_needs_no_torch() -> None:
    code = (
        "import sys\nfrom genzoo_core.devices import find_device\n"
        "assert find_device('cpu') == 'cpu'\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
