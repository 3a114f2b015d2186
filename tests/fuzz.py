"""Feed genzoo mutations of what strangers send, and see that nothing but an answer comes back.

    python tests/fuzz.py --count 1000000 --state fuzz.json    # in sittings: Ctrl-C, and go on
    python tests/fuzz.py --kind records --count 20000
    python tests/fuzz.py --kind records --only 4711           # one again, with its traceback

Much of the time goes into small files: TMPDIR=/dev/shm, or another folder in memory, helps.

Each example either works or is refused in one short line. Anything else is a finding: another
exception, an "unexpected failure", a warning, output of a library, a crash, much memory or time.
Example K of a kind depends on the seed, the kind and K alone.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from fuzzing.judging import FindingError, check_message, place_of

from genzoo.text import printable
from genzoo_core.atomic import write_atomically
from genzoo_core.errors import GenzooError

SHARES = {
    "manifests": 20,
    "installations": 2,
    "models": 18,
    "records": 12,
    "pictures": 20,
    "arrays": 12,
    "recipes": 10,
    "settings": 2,
    "listings": 2,
    "prompts": 2,
    "datasets": 1.5,
    "trainings": 0.4,
    "caches": 0.1,
}
"""Percent of all examples that are of each kind, by what one of them costs."""

BLOCK = 5000
"""Examples of one process."""
SECONDS = 10
"""Seconds of CPU that an example may take."""
SILENCE = 120
"""Seconds without an end of an example until its process counts as hanging."""
MEMORY = 4 * 2**30
"""Bytes that a process may take beside what it has when it begins."""
GROWTH = 300 * 2**10
"""Kibibytes that an example may take; pictures may have 64 million pixels and have a bound of
their own."""

PROGRESS = struct.Struct("<QQQ")
"""The example that is under way, and how many before it worked and were refused."""

Example = Callable[[Random], None]


class TooLong(BaseException):
    """An example takes more than `SECONDS`."""


def main() -> int:
    """Run what the command line asks for; 1 where there are findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="examples of all kinds together")
    parser.add_argument("--kind", help=f"of this kind alone: {', '.join(SHARES)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, help="JSON file: how far each kind is, and findings")
    parser.add_argument("--only", type=int, metavar="K", help="this example of --kind alone")
    parser.add_argument("--block", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # a finding may show anything
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no process is left behind
    if given.kind and find_spec(f"fuzzing.kinds.{given.kind}") is None:
        parser.error(f"no kind {given.kind}")
    if given.block:
        run_block(given.kind, given.seed, *given.block)
        sys.stdout.flush()
        os._exit(0)  # how threads of libraries end with the process is not the matter
    if given.only is not None:
        if given.kind is None:
            parser.error("--only needs --kind")
        return run_only(given.kind, given.seed, given.only)
    return run_all(given.kind, given.seed, given.count, given.state)


def run_all(kind: str | None, seed: int, count: int, file: Path | None) -> int:
    """Run examples in blocks, each in a process of its own, and say what came of them."""
    state: dict[str, Any] = {"seed": seed, "kinds": {}}
    if file is not None and file.exists():
        state = json.loads(file.read_text(encoding="utf-8"))
        if state["seed"] != seed:
            raise SystemExit(f"{file} is of seed {state['seed']}; say --seed {state['seed']}")
    whole = sum(SHARES.values())
    counts = {name: max(1, round(count * share / whole)) for name, share in SHARES.items()}
    for name, target in {kind: count}.items() if kind else counts.items():
        fresh = {"next": 0, "worked": 0, "refused": 0, "seconds": 0.0, "findings": {}}
        of_kind = state["kinds"].setdefault(name, fresh)
        while of_kind["next"] < target:
            begin = time.monotonic()
            stop = min(of_kind["next"] + BLOCK, target)
            found = start_block(name, seed, of_kind["next"], stop)
            of_kind["seconds"] += time.monotonic() - begin
            for key in ("next", "worked", "refused"):
                of_kind[key] = found[key] + (0 if key == "next" else of_kind[key])
            for finding in found["findings"]:
                add(of_kind["findings"], finding)
            if file is not None:
                write_atomically(file, json.dumps(state, indent=1).encode())
        say(name, of_kind)
    return int(any(of_kind["findings"] for of_kind in state["kinds"].values()))


def add(findings: dict[str, Any], finding: dict[str, Any]) -> None:
    """Put a finding to those of the same exception at the same place."""
    same = findings.setdefault(finding["what"], {**finding, "count": 0, "k": []})
    same["count"] += 1
    same["k"] = [*same["k"], finding["k"]][:5]


def say(kind: str, state: dict[str, Any]) -> None:
    """Print how it stands with a kind."""
    rate = state["next"] / max(state["seconds"], 1e-9)
    shown = f"{state['worked']} worked, {state['refused']} refused, {rate:.0f} a second"
    print(f"{kind}: {state['next']} examples, {shown}", flush=True)  # noqa: T201
    for what, finding in state["findings"].items():
        times = f"{finding['count']} times, as --only {', '.join(map(str, finding['k']))}"
        print(f"  FOUND {what}: {times}\n    {printable(finding['message'])[:300]}", flush=True)  # noqa: T201


def start_block(kind: str, seed: int, start: int, stop: int) -> dict[str, Any]:
    """Run a block in a process of its own; where that dies, what it died of is a finding."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        words = ["--kind", kind, "--seed", str(seed), "--block", str(start), str(stop)]
        Path(work, "progress").touch()
        with Path(work, "out").open("wb") as out, Path(work, "err").open("w+b") as err:
            child = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=work,
                env=environment(Path(work)),
            )
            try:
                silent = not answers(child, Path(work, "progress"))
            finally:
                child.kill()
                child.wait()
        findings = [json.loads(line) for line in Path(work, "out").read_text().splitlines()]
        progress = Path(work, "progress").read_bytes()
        said = Path(work, "err").read_text(errors="replace")
    if not progress:
        raise SystemExit(f"{kind} cannot begin:\n{said[-3000:]}")
    k, worked, refused = PROGRESS.unpack(progress)
    if child.returncode:
        what = f"silence of {SILENCE} s" if silent else f"end of the process ({child.returncode})"
        findings.append({"k": k, "what": what, "message": said[-1500:]})
    return {"next": k + bool(child.returncode), "worked": worked, "refused": refused,
            "findings": findings}  # fmt: skip


def environment(work: Path) -> dict[str, str]:
    """This process's environment without what would steer genzoo, and folders of its own."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("GENZOO_", "HF_"))}
    ours = {"GENZOO_CACHE": "cache", "GENZOO_CONFIG": "config", "GENZOO_MODELS": "models"}
    homes = {**ours, "HF_HOME": "hub"}
    own = {name: str(work / folder) for name, folder in homes.items()}
    # Nothing is fetched, and no thread is started that a small input cannot use.
    return {**plain, **own, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}


def answers(child: subprocess.Popen[bytes], progress: Path) -> bool:
    """Wait for a process to end; whether it did, and was never silent for long."""
    last, since = b"", time.monotonic()
    while True:
        try:
            child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            now = progress.read_bytes()
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > SILENCE:
                return False
        else:
            return True


def run_block(kind: str, seed: int, start: int, stop: int) -> None:
    """In a process of its own: run examples under limits, and print findings as JSON."""
    faulthandler.enable()
    module, example = prepare(kind)
    limit_memory()
    worked = refused = 0
    growth = getattr(module, "GROWTH", GROWTH)
    with Path("../progress").open("wb", buffering=0) as progress:
        for k in range(start, stop):
            os.pwrite(progress.fileno(), PROGRESS.pack(k, worked, refused), 0)
            try:
                if judged(example, Random(f"{seed} {kind} {k}"), growth) is None:
                    worked += 1
                else:
                    refused += 1
            except FindingError as finding:
                cause = finding.__cause__
                head = str(finding).partition(":")[0][:40]
                kind_of = type(cause).__name__ if cause else re.sub(r"\d+", "N", head)
                what = f"{finding.place} {kind_of}".strip()
                found = {"k": k, "what": what, "message": str(finding)[:1000]}
                print(json.dumps(found), flush=True)  # noqa: T201
        os.pwrite(progress.fileno(), PROGRESS.pack(stop, worked, refused), 0)


def run_only(kind: str, seed: int, k: int) -> int:
    """Run one example in this process, and leave its files to be looked at."""
    work = Path(tempfile.mkdtemp(prefix="fuzz-"))
    os.environ |= environment(work)
    print(f"{kind} {k} of seed {seed} in {work}", flush=True)  # noqa: T201
    os.chdir(work)
    module, example = prepare(kind)
    limit_memory()
    refusal = judged(example, Random(f"{seed} {kind} {k}"), getattr(module, "GROWTH", GROWTH))
    print(f"refused: {refusal}" if refusal else "worked")  # noqa: T201
    return 0


def prepare(kind: str) -> tuple[Any, Example]:
    """Make the sound material of a kind in a new folder `it`, which becomes the current one."""
    os.mkdir("it")
    os.chdir("it")
    module = import_module(f"fuzzing.kinds.{kind}")
    example: Example = module.prepare()
    return module, example


def limit_memory() -> None:
    """Let this process take little more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def judged(example: Example, chance: Random, growth: int) -> GenzooError | None:
    """With what an example was refused; None where it worked.

    Raises:
        FindingError: It did neither, or something else beside it.
    """
    before = start_of_peak()
    said = os.fstat(2).st_size
    refusal = None
    with warnings.catch_warnings(record=True) as warned, time_limit():
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # as by default: no user sees it
        try:
            example(chance)
        except GenzooError as error:
            refusal = error
            check_message(str(error), place_of(error))
        except FindingError:
            raise
        except TooLong as error:
            raise FindingError(
                f"over {SECONDS} s of CPU, or {6 * SECONDS} s", place_of(error)
            ) from error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            text = "".join(traceback.format_exception_only(error)).strip()
            raise FindingError(text, place_of(error)) from error
    for warning in warned:
        if not issubclass(warning.category, DeprecationWarning | PendingDeprecationWarning):
            place = "/".join(Path(warning.filename).parts[-2:])
            text = f"{warning.category.__name__}: {warning.message}"
            raise FindingError(text, f"{place}:{warning.lineno}")
    grown = peak() - before
    if grown > growth:
        raise FindingError(f"{grown // 1024} MiB more", "memory")
    if os.fstat(2).st_size > said:
        # What libraries write themselves is theirs to word, but must not steer a terminal.
        text = os.pread(2, 10_000, said).decode("utf-8", "replace")
        if re.search("Traceback|[\x00-\x08\x0b-\x1f\x7f]", text):
            raise FindingError(text[-1000:], "stderr")
    return refusal


def start_of_peak() -> int:
    """Forget how much memory this process had at most; how much it has, in kibibytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most memory that this process had since `start_of_peak`, in kibibytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise `TooLong` after `SECONDS` of CPU time, which a busy machine does not shorten, or
    after six times as many of waiting."""

    def raise_it(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong

    timers = {signal.ITIMER_PROF: SECONDS, signal.ITIMER_REAL: 6 * SECONDS}
    signal.signal(signal.SIGPROF, raise_it)
    signal.signal(signal.SIGALRM, raise_it)
    for timer, seconds in timers.items():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)


if __name__ == "__main__":
    sys.exit(main())
