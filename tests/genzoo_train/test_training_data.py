"""Datasets as they lie on a disk, and what is wrong with some of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from PIL import Image
from training_cases import N, make_images

import genzoo
from genzoo_core import DataError, Dataset
from genzoo_core.images import to_pil
from genzoo_core.recipe import DataRecipe

STRIPES = DataRecipe("stripes", (1, 8, 8))


def read(folder: Path | None, recipe: DataRecipe = STRIPES) -> Dataset:
    return genzoo.open_zoo().dataset(recipe, folder)


def test_a_parquet_folder_is_read_as_one_uint8_tensor(data_folder: Path) -> None:
    dataset = read(data_folder)
    assert torch.equal(dataset.images, make_images())
    assert dict(dataset.columns) == {"label": ["abc"[i % 3] for i in range(N)]}


def test_the_folder_of_the_dataset_itself_will_do(data_folder: Path) -> None:
    assert len(read(data_folder / "stripes").images) == N


def test_the_layout_of_the_hub_will_do(data_folder: Path) -> None:
    stripes = data_folder / "stripes"
    (stripes / "data").mkdir()
    (stripes / "train-00000-of-00001.parquet").rename(stripes / "data" / "train-00000.parquet")
    assert len(read(data_folder).images) == N


def test_a_folder_of_images_gives_labels_by_folder(tmp_path: Path) -> None:
    for name, indices in (("c", (0, 1)), ("b", (2,))):
        (tmp_path / name).mkdir()
        for index in indices:
            to_pil(make_images()[index]).save(tmp_path / name / f"{index}.png")
    dataset = read(tmp_path)
    assert torch.equal(dataset.images, make_images()[[2, 0, 1]])
    assert list(dataset.columns["label"]) == ["b", "c", "c"]


def test_a_folder_of_images_with_splits(tmp_path: Path) -> None:
    for split, index in (("train", 0), ("test", 1)):
        (tmp_path / "stripes" / split).mkdir(parents=True)
        to_pil(make_images()[index]).save(tmp_path / "stripes" / split / "it.png")
    assert torch.equal(read(tmp_path).images, make_images()[:1])


def test_transparent_pictures_are_laid_on_the_recipes_background(tmp_path: Path) -> None:
    Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    recipe = DataRecipe("stripes", (3, 8, 8), background=40)
    assert read(tmp_path, recipe).images.unique().tolist() == [40]


def test_a_folder_given_by_mistake_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"holds neither train-\*\.parquet nor images; give a f"):
        read(tmp_path)
    (tmp_path / "home" / "me" / "holidays").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "home" / "me" / "holidays" / "beach.png")
    assert list(read(tmp_path).columns["label"]) == ["home"]
    assert f"stripes: 1 pictures of {tmp_path}, which is not called so" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    missing = r"there is no folder .*/missing; give a folder with p"
    with pytest.raises(DataError, match=missing) as caught:
        read(tmp_path / "missing")
    assert caught.value.exit_code == 2


def test_no_folder_and_no_hub(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data for stripes; give a folder that holds stripes: "):
        read(None)


def test_a_column_that_is_not_there(data_folder: Path) -> None:
    recipe = DataRecipe("stripes", (1, 8, 8), image="picture")
    with pytest.raises(DataError, match="no column 'picture'; its columns are image, label"):
        read(data_folder, recipe)


@pytest.mark.parametrize("keep", [0, 7, 500])
def test_a_truncated_parquet_file(keep: int, data_folder: Path) -> None:
    (file,) = (data_folder / "stripes").iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match="data cannot be read: "):
        read(data_folder)


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    for index in range(3):
        to_pil(make_images()[index]).save(tmp_path / f"{index}.png")
    file = tmp_path / "1.png"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(DataError, match=r"1\.png is a damaged picture"):
        read(tmp_path)


READ = """
import sys
from pathlib import Path
import genzoo
from genzoo_core import GenzooError
from genzoo_core.recipe import DataRecipe
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
try:
    recipe = DataRecipe("stripes", (1, 8, 8), hub="acme/stripes")
    print(len(genzoo.open_zoo().dataset(recipe, folder).images))
except GenzooError as error:
    print(type(error).__name__, error)
"""


def read_in_a_process(tmp_path: Path, endpoint: str, *words: str) -> str:
    """What `READ` prints where the Hub is at `endpoint`."""
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", READ, *words]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_reading_a_folder_asks_no_network_and_keeps_no_copy(
    data_folder: Path, tmp_path: Path
) -> None:
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        assert read_in_a_process(tmp_path, endpoint, str(data_folder)) == str(N)
        assert asked == []
        # The same server is asked where there is no folder, and its 404 is passed on.
        answer = read_in_a_process(tmp_path, endpoint)
        assert asked
    finally:
        server.shutdown()
        server.server_close()
    assert answer.startswith("DataError the Hub does not give acme/stripes: ")
    assert answer.endswith("give a folder that holds stripes: --data DIR, or GENZOO_DATA")
    assert not list((tmp_path / "hf").rglob("*.arrow"))


def test_a_hub_that_cannot_be_reached_is_one_clear_line(tmp_path: Path) -> None:
    answer = read_in_a_process(tmp_path, "http://127.0.0.1:9")
    assert answer.startswith("DataError the Hub does not ")
    assert answer.endswith("give a folder that holds stripes: --data DIR, or GENZOO_DATA")
