"""What all tests share: a third party's distribution, really installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Two threads are slower than one on nets this small, and far slower on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that runs the suite in the background has it ignore Ctrl-C, and so would the processes
# that tests start to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

THIRD_PARTY = Path(__file__).parent / "third_party"


@pytest.fixture(scope="session")
def third_party_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution `genzoo-tiny`, built and installed by pip."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(THIRD_PARTY)], check=True)
    return site


@pytest.fixture
def third_party(third_party_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`genzoo-tiny` is installed, for this process and for those that it starts."""
    monkeypatch.syspath_prepend(str(third_party_site))
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{third_party_site}{os.pathsep + path if path else ''}")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return third_party_site
