"""A Hub, or whoever stands in its place, that sends other things than it promised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hostile_hub import COMMIT, ENOUGH, HostileHub
from hub_machine import Machine

REFERENCE = "hf://someone/digits"
MODEL = "model.safetensors"
CONFIG = json.dumps({"format": "genzoo", "file": MODEL}).encode()
DATA = bytes(1000)
AT_ONCE = 50_000_000
"""Bytes that a server gets rid of before it notices that nobody reads on."""

Start = Callable[..., HostileHub]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Hub with this fault, whose repository holds these files."""
    with ExitStack() as stack:

        def start(fault: str = "", **files: bytes) -> HostileHub:
            return stack.enter_context(HostileHub(files or {MODEL: DATA}, fault))

        yield start


def refused(machine: Machine, hub: HostileHub, *words: str, **environment: str) -> str:
    """Why a pull is refused; nothing of it is left in the cache."""
    given = {"HF_ENDPOINT": hub.url, "HF_HUB_DOWNLOAD_TIMEOUT": "1", **environment}
    line = machine.refused(*(words or ("pull", REFERENCE)), **given)
    assert machine.cached_files() == []
    assert hub.sent < AT_ONCE < ENOUGH
    assert len(line) < 400
    return line


@pytest.mark.parametrize("how", ["for ever", "longer"])
def test_a_file_that_is_larger_than_promised(machine: Machine, start: Start, how: str) -> None:
    line = refused(machine, start(f"model {how}"))
    assert "sends more than the 1,000 bytes that it promised" in line
    assert f"{REFERENCE}/{MODEL}" in line


def test_a_config_that_is_larger_than_promised(machine: Machine, start: Start) -> None:
    hub = start("config for ever", **{"config.json": CONFIG, MODEL: DATA})
    assert f"the {len(CONFIG)} bytes that it promised" in refused(machine, hub)


@pytest.mark.parametrize("how", ["for ever", "longer"])
def test_an_answer_without_an_end(machine: Machine, start: Start, how: str) -> None:
    assert "more than the 10,000,000 bytes" in refused(machine, start(f"api {how}"))


@pytest.mark.parametrize("what", ["api", "model"])
def test_what_is_compressed_is_not_unpacked(machine: Machine, start: Start, what: str) -> None:
    assert "compressed" in refused(machine, start(f"{what} compressed"))


@pytest.mark.parametrize("how", ["slowly", "headers", "later"])
def test_a_file_that_takes_for_ever(machine: Machine, start: Start, how: str) -> None:
    line = refused(machine, start(f"model {how}"))
    assert "takes more than 3 seconds" in line
    assert "HF_HUB_DOWNLOAD_TIMEOUT" in line


@pytest.mark.parametrize("fault", ["api slowly", "api headers", "head headers"])
def test_an_answer_that_takes_for_ever(machine: Machine, start: Start, fault: str) -> None:
    assert "does not answer in time" in refused(machine, start(fault), HF_HUB_ETAG_TIMEOUT="1")


@pytest.mark.parametrize("fault", ["api again", "head again", "model again"])
def test_an_address_that_leads_to_itself(machine: Machine, start: Start, fault: str) -> None:
    line = refused(machine, start(fault))
    assert "redirect" in line


def test_a_file_that_is_shorter_than_promised(machine: Machine, start: Start) -> None:
    assert "sent another number of bytes" in refused(machine, start("model short"))


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (str(10**13), "has 10,000,000,000,000 bytes; at most 50,000,000,000 are fetched"),
        ("-5", "does not say how large"),
        ("many", "does not say how large"),
    ],
)
def test_a_size_that_is_none(machine: Machine, start: Start, size: str, reason: str) -> None:
    hub = start()
    hub.size = size
    assert reason in refused(machine, hub)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"sha": 5, "siblings": []},
        {"sha": COMMIT, "siblings": {"a": 1}},
        {"sha": f"{COMMIT}\n"},
        {"sha": "../" * 13 + "a", "siblings": []},
        {"sha": COMMIT, "siblings": [{"rfilename": 5}, {"rfilename": None}]},
        {"sha": COMMIT, "siblings": [{"rfilename": f"{i}.safetensors"} for i in range(100_000)]},
        {"sha": COMMIT, "siblings": [{"rfilename": f"{'é' * 99_999}\x1b[2J.safetensors"}]},
        {"sha": COMMIT, "siblings": [{"rfilename": f"{'a/' * 9_999}b.safetensors"}]},
    ],
    ids=range(9),
)
def test_an_answer_of_another_form(machine: Machine, start: Start, answer: object) -> None:
    hub = start()
    hub.answer = answer
    line = refused(machine, hub)
    assert "plugin" not in line
    assert line.isprintable()


def test_no_message_shows_a_password(machine: Machine, start: Start) -> None:
    hub = start()
    hub.answer = {}
    endpoint = hub.url.replace("//", "//ada:s3cret@")
    assert "s3cret" not in refused(machine, hub, HF_ENDPOINT=endpoint)
    for reference in ("hf://ada:s3cret@someone/digits", "hf://s3cret@someone/digits"):
        line = machine.refused("pull", reference, code=2)
        assert "s3cret" not in line
        assert "HF_TOKEN" in line


def test_addresses_are_shown_without_what_lets_others_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from genzoo_core.downloads import public

    monkeypatch.setenv("HF_TOKEN", "of-another-form")
    text = "of-another-form https://a:b@x.org/y?Signature=c#d 'http://z/?e' hf_abcdefghijklmnopqrst"
    assert public(text) == "… https://x.org/y 'http://z/' …"
