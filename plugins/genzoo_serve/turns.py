"""Whose turn it is to compute."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """Lets one batch at a time compute: two would only take each other's processors.

    A batch of genzoo's own models passes its turn on between its steps, in the order in which
    others came. What a format of others builds does not: its libraries may draw from torch's own
    generator, which another batch must not find changed.
    """

    def __init__(self) -> None:
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._taken = False

    def take(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        mine.wait()

    def give(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    def pass_on(self) -> None:
        if self._waiting:
            self.give()
            self.take()

    __enter__, __exit__ = take, give
