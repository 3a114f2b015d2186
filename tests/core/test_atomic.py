"""A file appears whole or not at all, and a failed write leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genzoo_core.atomic import becoming, becoming_folder, beside, write_atomically


def test_a_file_is_replaced_unless_that_is_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old", replace=False)
    write_atomically(path, b"new")
    with pytest.raises(FileExistsError):
        write_atomically(path, b"newest", replace=False)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def write_half(path: Path) -> None:
    with becoming(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, path.suffix)
        temporary.write_bytes(b"half")
        raise ZeroDivisionError


def test_what_fails_in_the_block_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_the_system_ends_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path; "
        "from genzoo_core.atomic import write_atomically; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "write_atomically(Path(sys.argv[1]), bytes(5000))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert "File too large" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "gone" / "a.txt", b"")


HOLD = """
import sys, time
from pathlib import Path
from genzoo_core.atomic import becoming, becoming_folder
path = Path(sys.argv[1])
with (becoming if path.suffix else becoming_folder)(path) as temporary:
    (temporary if path.suffix else temporary / "0.txt").write_text("half")
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("name", ["a.txt", "new", "there"])
def test_what_a_killed_process_left_is_removed_and_a_living_one_goes_on(
    tmp_path: Path, name: str
) -> None:
    if name == "there":
        (tmp_path / name).mkdir()
    work = [sys.executable, "-c", HOLD, str(tmp_path / name)]
    killed, living = (subprocess.Popen(work, stdout=subprocess.PIPE) for _ in range(2))
    try:
        for process in (killed, living):
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
        place = tmp_path / name if name == "there" else tmp_path
        assert len([path for path in place.iterdir() if path.name[:8] == ".genzoo-"]) == 4
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with beside(place / "other") as temporary:
            others = [path for path in place.iterdir() if path.name[:8] == ".genzoo-"]
            assert len([path for path in others if not path.match(f"{temporary.name}*")]) == 2
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate()
    write_atomically(place / "b.txt", b"")
    assert [path.name for path in place.iterdir() if path.name != name] == ["b.txt"]


def test_a_link_among_the_leftovers_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a").touch()
    (tmp_path / ".genzoo-0123456789ab").symlink_to("precious")
    (tmp_path / ".genzoo-mine").touch()
    write_atomically(tmp_path / "b.txt", b"")
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert names == [".genzoo-mine", "b.txt", "precious", "precious/a"]


def fill(path: Path, *, replace: bool = False, meanwhile: str = "") -> None:
    """Make a folder of two files; `meanwhile`, another makes a file of that name in its place."""
    with becoming_folder(path, replace=replace) as folder:
        for name in "ab":
            (folder / name).write_text("new")
        if meanwhile:
            path.mkdir(exist_ok=True)
            (path / meanwhile).write_text("old")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_folder_that_appears_meanwhile_is_not_filled_over(
    tmp_path: Path, name: str, there: bool
) -> None:
    path = tmp_path / "folder"
    if there:
        path.mkdir()
    with pytest.raises(FileExistsError):
        fill(path, meanwhile=name)
    assert {file.name: file.read_text() for file in path.iterdir()} == {name: "old"}
    fill(path, replace=True)
    assert {file.name for file in path.iterdir()} == {"a", "b", name}
    assert (path / "a").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_in_place_of_a_folder_stays(tmp_path: Path) -> None:
    def work() -> None:
        with becoming_folder(tmp_path / "a") as folder:
            (folder / "0").touch()
            (tmp_path / "a").write_text("old")

    with pytest.raises(FileExistsError):
        work()
    assert (tmp_path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def work() -> None:
        with becoming_folder(tmp_path / "a") as folder:
            (folder / "0").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert list(tmp_path.iterdir()) == []


FILL = """
import sys
from pathlib import Path
from genzoo_core.atomic import becoming, becoming_folder
path, own = Path(sys.argv[1]), sys.argv[2]
with (becoming(path, replace=False) if path.suffix else becoming_folder(path)) as temporary:
    for number in range(50) if not path.suffix else ():
        (temporary / f"{number}").write_text(own)
    if path.suffix:
        temporary.write_text(own)
    print("begun", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("name", ["a.txt", "new", "there"])
def test_of_several_processes_that_make_the_same_one_does(tmp_path: Path, name: str) -> None:
    if name == "there":
        (tmp_path / name).mkdir()
    pipe = subprocess.PIPE
    several = [
        subprocess.Popen(
            [sys.executable, "-c", FILL, str(tmp_path / name), str(number)],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        for number in range(4)
    ]
    for process in several:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
    for process in several:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    errors = [process.communicate()[1].decode() for process in several]
    winners = [number for number, process in enumerate(several) if process.returncode == 0]
    assert len(winners) == 1
    assert sum("FileExistsError" in error for error in errors) == 3
    made = tmp_path / name
    files = [made] if made.is_file() else list(made.iterdir())
    assert {file.read_text() for file in files} == {str(winners[0])}
    assert list(tmp_path.iterdir()) == [made]
