"""What all tests share: a third party's distribution, and genzoo's own wheel, really installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from workshop import Workshop

# Two threads are slower than one on nets this small, and far slower on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test may see, or change, the list of models and the settings of whoever runs it.
os.environ["GENZOO_MODELS"] = os.path.join(os.devnull, "models")
os.environ["GENZOO_CONFIG"] = os.path.join(os.devnull, "config")
for _name in ("MODEL", "OUTPUT", "DEVICE", "SCALE", "PARAMETERS", "XMP"):
    os.environ.pop(f"GENZOO_{_name}", None)

# A shell that runs the suite in the background has it ignore Ctrl-C, and so would the processes
# that tests start to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
THIRD_PARTY = Path(__file__).parent / "third_party"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(autouse=True)
def imports_of_its_own(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forgets what a test imported from its own folder: another test has packages of that name."""
    own = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if own is None:
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_relative_to(own):
            del sys.modules[name]


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of genzoo, built once for all processes of the suite."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with FileLock(folder / "wheel.lock"):
        if not list(folder.glob("wheel/*.whl")):
            build = [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "wheel"]
            subprocess.run([*build, str(ROOT)], cwd=folder, check=True)
    (built,) = folder.glob("wheel/*.whl")
    return built


@pytest.fixture(scope="session")
def workshop(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A new virtual environment with the wheel, and with the libraries of this one."""
    folder = tmp_path_factory.mktemp("workshop")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    # The libraries come after what is installed here: this wheel hides another genzoo there.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    scripts = folder / "venv" / "bin"
    install = [*PIP, "--python", str(scripts / "python"), "install", "-q", "--no-deps"]
    subprocess.run([*install, str(wheel)], check=True)
    pip = scripts / "pip"
    pip.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n')
    pip.chmod(0o755)
    return Workshop(scripts, folder)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds "mnist", small."""
    from digits import write_digits

    folder = tmp_path_factory.mktemp("data")
    write_digits(folder)
    return folder
