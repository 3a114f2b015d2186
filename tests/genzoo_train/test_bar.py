"""The bar of a training on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

SCRIPT = """
from genzoo_core.training import Progress
from genzoo_train.reporting import BarReporter
reporter = BarReporter()
reporter.stage("adversarial", Progress(0, 161))
values = {"loss": 7.005, "loss/discriminator": 0.2861, "loss/generator": 6.719, "D(real)": 8.6}
reporter.figures(Progress(49, 161), values | {"images/s": 284.4, "s/step": 0.2})
reporter.close()
"""


def shown(columns: int) -> str:
    """The last line that the script draws on a terminal of so many columns."""
    own, child = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=child, env=environment) as process:
        os.close(child)
        text = b""
        while select.select([own], [], [], 60)[0]:
            try:
                text += os.read(own, 4096)
            except OSError:  # the other end is closed
                break
    os.close(own)
    assert process.returncode == 0
    return text.decode().rsplit("adversarial", 1)[1]


@pytest.mark.parametrize(
    ("columns", "figures"),
    [
        (80, "loss 7.005  284 images/s"),
        (110, "loss 7.005  loss/discriminator 0.2861  284 images/s"),
    ],
)
def test_figures_leave_room_for_the_bar_and_the_time(columns: int, figures: str) -> None:
    line = shown(columns)
    assert "━" in line
    assert "49/161" in line
    assert "-:--:--" in line or "0:" in line
    assert figures in line.replace("\x1b[0m", "")
    assert "…" not in line
