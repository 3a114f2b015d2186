"""What serving costs: pictures of 16 clients beside those of `genzoo.generate`, and latency.

python benchmarks/serving.py [--pictures 1024] [--rounds 3] [--requests 10000]

All figures are ratios within one run, whose parts alternate, so that whatever else the machine does
falls on all alike. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch

import genzoo
from genzoo_core import GenerativeModel
from genzoo_core.conditioner import conditioners_of
from genzoo_core.rng import SampleRng

CLIENTS = 16
FIXED = """
import base64, io, sys
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from PIL import Image
import uvicorn
out = io.BytesIO()
Image.new("L", (28, 28)).save(out, "PNG")
class Body(BaseModel):
    model: str
    prompt: str
    seed: int
app = FastAPI()
@app.post("/v1/images/generations")
async def answer(body: Body) -> JSONResponse:
    data = [{"b64_json": base64.b64encode(out.getvalue()).decode(), "seed": body.seed}]
    return JSONResponse({"created": 0, "data": data})
config = uvicorn.Config(app, port=0, log_level="info", access_log=False)
uvicorn.Server(config).run()
"""


class Server:
    """A process that serves, until the block ends."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command], stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return
        raise SystemExit("the server did not start")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def memory(self) -> float:
        """MiB that it has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024


class Client:
    """A connection that stays open."""

    def __init__(self, server: Server, model: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self._model = model

    def ask(self, seed: int) -> None:
        """One picture."""
        body = json.dumps({"model": self._model, "prompt": str(seed % 10), "seed": seed})
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/v1/images/generations", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(text.decode())


def rate(server: Server, model: str, pictures: int) -> float:
    """Pictures per second for 16 clients that ask for one after the other."""
    clients = [Client(server, model) for _ in range(CLIENTS)]

    def work(first: int) -> None:
        for seed in range(first, pictures, CLIENTS):
            clients[first].ask(seed)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return pictures / seconds(lambda: list(pool.map(work, range(CLIENTS))))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def throughput(pictures: int, rounds: int) -> dict[str, float]:
    """`flow-mnist` beside generating at once and beside batches of one; `gan-mnist` beside none."""
    serve = ["-m", "genzoo", "serve", "flow-mnist", "gan-mnist", "--port", "0"]
    opened = genzoo.open_zoo().open("flow-mnist")
    prompts = [str(label) for label in range(10)]
    each = -(-pictures // len(prompts))
    ratios: dict[str, list[float]] = {"generate": [], "unbatched": [], "fixed": []}
    with ExitStack() as stack:
        batched = stack.enter_context(Server(*serve))
        alone = stack.enter_context(Server(*serve, "--batch", "1"))
        fixed = stack.enter_context(Server("-c", FIXED))
        for server in (batched, alone, fixed):
            rate(server, "gan-mnist", 10 * CLIENTS)
        for server in (batched, alone):
            rate(server, "flow-mnist", CLIENTS)
        genzoo.generate(opened, prompts[0])
        for _ in range(rounds):
            few = max(CLIENTS, pictures // 8)
            at_once = (
                len(prompts) * each / seconds(lambda: genzoo.generate(opened, prompts, n=each))
            )
            served = rate(batched, "flow-mnist", pictures)
            ratios["generate"].append(served / at_once)
            ratios["unbatched"].append(
                rate(batched, "flow-mnist", few) / rate(alone, "flow-mnist", few)
            )
            plain = rate(fixed, "gan-mnist", pictures)
            ratios["fixed"].append(rate(batched, "gan-mnist", pictures) / plain)
    return {name: statistics.median(values) for name, values in ratios.items()}


def sampled(model: GenerativeModel[Any], seed: int) -> None:
    """One picture by the bare model's call."""
    rng = SampleRng([seed])
    conditions = {
        name: conditioner.prepare([conditioner.parse(str(seed % 10))], rng)
        for name, conditioner in conditioners_of(model).items()
    }
    with torch.inference_mode():
        model.sample(rng, conditions, model.Options())


def latency(rounds: int) -> tuple[float, float]:
    """Milliseconds of one picture: the bare model's call, and over HTTP with nobody else there."""
    model = genzoo.open_zoo().open("flow-mnist").module
    assert isinstance(model, GenerativeModel)
    torch.set_num_threads(1)  # as the server has for a model of this size
    bare: list[float] = []
    served: list[float] = []
    with Server("-m", "genzoo", "serve", "flow-mnist", "--port", "0") as server:
        client = Client(server, "flow-mnist")
        for seed in range(20 * rounds):
            call = seconds(partial(sampled, model, seed))
            asked = seconds(partial(client.ask, seed))
            if seed >= 5:
                bare.append(1000 * call)
                served.append(1000 * asked)
    return statistics.median(bare), statistics.median(served)


def memory(requests: int) -> tuple[float, float]:
    """MiB after 100 requests, and after many."""
    with Server("-m", "genzoo", "serve", "gan-mnist", "--port", "0") as server:
        rate(server, "gan-mnist", 100)
        before = server.memory()
        rate(server, "gan-mnist", requests)
        return before, server.memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=10_000)
    arguments = parser.parse_args()
    bare, served = latency(arguments.rounds)
    ratios = throughput(arguments.pictures, arguments.rounds)
    before, after = memory(arguments.requests)
    longest = 1.3 * bare + 5
    rows = [
        ("flow-mnist, 16 clients / generate", ratios["generate"], ratios["generate"] >= 0.8, 0.8),
        ("flow-mnist, batches / --batch 1", ratios["unbatched"], ratios["unbatched"] >= 2.5, 2.5),
        ("gan-mnist, 16 clients / a fixed PNG", ratios["fixed"], ratios["fixed"] >= 0.5, 0.5),
        ("one picture / 1.3 × the call + 5 ms", served / longest, served <= longest, 1),
        ("memory after many requests / 100", after / before, after <= 1.05 * before, 1.05),
    ]
    for name, value, met, bar in rows:
        print(f"{name:40} {value:6.2f}   bar {bar:<5} {'met' if met else 'MISSED'}")
    sys.exit(not all(met for _, _, met, _ in rows))


if __name__ == "__main__":
    main()
