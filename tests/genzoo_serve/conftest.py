"""Servers that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from serving import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """All models, on loopback, without a key."""
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened
