"""Many clients at once: what they share, and that nobody's pictures depend on the others."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import WAIT, Server, apart, made_by_run, pixels, wait_until

MIXED: list[dict[str, Any]] = [
    {"model": "gan-mnist", "prompt": "7", "n": 2},
    {"model": "flow-mnist", "prompt": "3", "steps": 4},
    {"model": "flow-mnist", "prompt": "8", "steps": 4, "n": 3},
    {"model": "flow-mnist", "prompt": "1", "steps": 5, "guidance": 2.0},
    {"model": "vae-mnist", "prompt": "5"},
    {"model": "vae-mnist", "n": 5},
    {"model": "flow-emoji", "prompt": "a red heart", "steps": 2},
    {"model": "flow-emoji", "prompt": "a cat", "steps": 2, "negative_prompt": "a dog"},
]
"""What clients ask for; some of it can share a batch."""


def at_once(*tasks: Callable[[], None]) -> None:
    """Run each in a thread of its own; what one raises is raised."""
    raised: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5 * WAIT)
    if raised:
        raise raised[0]


def run_alone(folder: Path, fields: dict[str, Any], seed: int) -> list[Any]:
    """What `genzoo run` makes of a request."""
    names = {"negative_prompt": "negative"}
    options = [f"--{names.get(key, key)}={value}" for key, value in fields.items()
               if key not in ("model", "prompt", "n")]  # fmt: skip
    prompts = [fields["prompt"]] if "prompt" in fields else []
    count = f"-n{fields.get('n', 1)}"
    return made_by_run(folder, fields["model"], *prompts, count, f"--seed={seed}", *options)


def check_mixed_clients(server: Server, folder: Path, seconds: float, seeds: int) -> None:
    """Sixteen clients ask until the time is over, at least twice; all is as the command line's."""
    made: dict[tuple[int, int], list[list[str]]] = defaultdict(list)

    def client(number: int) -> None:
        end, turn = time.monotonic() + seconds, 0
        while turn < 2 or time.monotonic() < end:
            which, seed = (number + turn) % len(MIXED), 1000 * (turn % seeds) + number % 2
            answer = server.generate(**MIXED[which], seed=seed)
            made[which, seed].append([datum["b64_json"] for datum in answer["data"]])
            turn += 1

    at_once(*(lambda number=number: client(number) for number in range(16)))
    for (which, seed), answers in made.items():
        alone = run_alone(folder, MIXED[which], seed)
        for answer in answers:
            assert len(answer) == len(alone)
            for mine, other in zip(answer, alone, strict=True):
                assert apart(pixels(mine), other) <= 1


def test_mixed_clients_get_what_run_makes(server: Server, tmp_path: Path) -> None:
    check_mixed_clients(server, tmp_path, 0, 1)


@pytest.mark.long
def test_mixed_clients_for_a_minute(server: Server, tmp_path: Path) -> None:
    check_mixed_clients(server, tmp_path, 60, 8)


def test_requests_share_batches(server: Server) -> None:
    fields: dict[str, Any] = {"model": "flow-mnist", "steps": 20}
    server.generate(**fields)
    batches = server.metric("genzoo_batch_size_count", model="flow-mnist")
    pictures = server.metric("genzoo_pictures_total", model="flow-mnist")
    ask = [lambda p=p: server.generate(**fields, prompt=str(p % 10), seed=p) for p in range(24)]
    at_once(*ask)  # type: ignore[arg-type]
    assert server.metric("genzoo_pictures_total", model="flow-mnist") == pictures + 24
    assert server.metric("genzoo_batch_size_count", model="flow-mnist") < batches + 12
    assert server.metric("genzoo_batch_size_sum", model="flow-mnist") >= pictures + 24


def test_batching_can_be_left_out() -> None:
    with Server("flow-mnist", "--batch", "1") as server:
        ask = [lambda: server.generate(steps=3, n=2)] * 6
        at_once(*ask)  # type: ignore[list-item]
        assert server.metric("genzoo_batch_size_count") == 12
        assert server.metric("genzoo_batch_size_sum") == 12


def test_a_large_request_starves_no_small_one() -> None:
    with Server("flow-mnist", "gan-mnist", "--batch", "4") as server:
        server.generate(model="gan-mnist")
        server.generate(model="flow-mnist", steps=1)
        with server.connection() as large:
            fields = {"model": "flow-mnist", "prompt": "1", "n": 1000, "steps": 50}
            large.sendall(server.raw(fields))
            wait_until(lambda: server.metric("genzoo_pictures_total", model="flow-mnist") > 1)
            server.generate(model="flow-mnist", prompt="2", steps=50)  # shares its batches
            server.generate(model="flow-mnist", prompt="2", steps=2)  # has one of its own
            server.generate(model="gan-mnist", prompt="2")  # is of another model
            assert server.metric("genzoo_queue") == 1
            assert server.metric("genzoo_pictures_total", model="flow-mnist") < 1000


def test_models_used_least_recently_are_closed() -> None:
    with Server("gan-mnist", "vae-mnist", "flow-mnist", "--keep", "1M") as server:
        for model in ("gan-mnist", "vae-mnist", "flow-mnist", "gan-mnist"):
            assert server.generate(model=model, prompt="7", seed=1)["data"]
        wait_until(lambda: server.metric("genzoo_open_models") == 1)
    with Server("gan-mnist", "vae-mnist", "--keep", "1G") as server:
        for model in ("gan-mnist", "vae-mnist"):
            server.generate(model=model, prompt="7")
        assert server.metric("genzoo_open_models") == 2


def test_a_latent_is_what_encode_gives(server: Server, tmp_path: Path) -> None:
    import numpy as np
    from serving import png

    from genzoo.cli import main

    (tmp_path / "in.png").write_bytes(png((28, 28), 90, "L"))
    out = tmp_path / "z.npz"
    assert main(["encode", "vae-mnist", str(tmp_path / "in.png"), "-o", str(out)]) == 0
    body = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nvae-mnist\r\n--x\r\n'
    body += b'Content-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    body += (tmp_path / "in.png").read_bytes() + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    status, _, answer = server.send("POST", "/v1/images/encodings", body, content_type=kind)
    assert status == 200
    found = json.loads(answer)
    with np.load(out) as stored:
        names = list(stored)
        mean = stored["mean"] if "mean" in names else stored["latents"]
    assert np.allclose(np.array(found["mean"]).ravel(), mean.ravel(), atol=1e-4), names
    assert found["shape"] == list(np.shape(found["mean"]))
