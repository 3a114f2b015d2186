"""An awkward model, really installed, and a small training set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from datasets import ClassLabel, Features, Image
from datasets import Dataset as Table
from PIL import Image as Pictures
from training_cases import N, make_images

import genzoo
from genzoo_core import Dataset
from genzoo_core.images import to_pil
from genzoo_core.zoo import Zoo


@pytest.fixture(scope="session")
def awkward_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution `genzoo-awkward`."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(Path(__file__).parent / "awkward", site / "awkward")
    info = site / "genzoo_awkward-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: genzoo-awkward\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nawkward = awkward\n")
    return site


@pytest.fixture
def zoo(awkward_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """A zoo with the awkward model, in this process and in those that it starts."""
    monkeypatch.syspath_prepend(str(awkward_site))
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{awkward_site}{os.pathsep + path if path else ''}")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return genzoo.open_zoo()


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("GENZOO_DATA", raising=False)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(make_images(), {"label": [i % 3 for i in range(N)]})


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A folder with the dataset "stripes", as on the Hub."""
    folder = tmp_path / "data"
    (folder / "stripes").mkdir(parents=True)
    pictures: list[Pictures.Image] = [to_pil(image) for image in make_images()]
    names = ClassLabel(names=["a", "b", "c"])
    columns = {"image": pictures, "label": [i % 3 for i in range(N)]}
    table = Table.from_dict(columns, Features({"image": Image(), "label": names}))
    table.to_parquet(folder / "stripes" / "train-00000-of-00001.parquet")
    return folder
