"""Short requests to the Hub, which are answered within seconds, or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import ERROR
from typing import TypeVar

from genzoo_core.downloads import bounded_answers
from genzoo_hub.failures import About, explain, offline, was_dropped

PATIENCE = 5.0
"""Seconds to wait for an answer, unless HF_HUB_ETAG_TIMEOUT says otherwise."""
_GRACE = 3.0
"""Seconds beyond that for looking the host up, and for a slow machine."""

Answer = TypeVar("Answer")


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE says to make no request."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def ask(question: Callable[[float], Answer], about: About) -> Answer:
    """The Hub's answer to `question`, which makes a request within the seconds that it gets.

    It is repeated once where the connection breaks off.

    Raises:
        HubError: The Hub is switched off, does not answer or refuses; says which. The client's
            own error is its `__cause__`.
    """
    if is_offline():
        raise offline(about)
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    get_session()  # imports and certificates are read outside of the time for an answer
    # HF's own default is longer.
    own = os.environ.get("HF_HUB_ETAG_TIMEOUT")
    seconds = float(constants.HF_HUB_ETAG_TIMEOUT) if own else PATIENCE
    for last in (False, True):
        try:
            with quiet():
                return _within(seconds + _GRACE, lambda: question(seconds))
        except Exception as error:
            if last or not was_dropped(error):
                raise explain(error, about) from error
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def quiet() -> Iterator[None]:
    """Let the Hub's client log errors alone, unless HF_HUB_VERBOSITY or HF_DEBUG is set."""
    from huggingface_hub.utils import logging

    if os.environ.get("HF_HUB_VERBOSITY") or os.environ.get("HF_DEBUG"):
        yield
        return
    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What `work` gives, in a thread: no timeout of the client covers looking a host up."""
    done: list[Answer] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with bounded_answers():
                done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError(f"no answer in {seconds:g} seconds")
    return done[0]
