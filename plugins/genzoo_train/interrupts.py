"""Ctrl-C and SIGTERM as a request that the loop answers between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

from genzoo_core.errors import TrainingError


class StoppedError(TrainingError):
    """A training was asked to stop, and saved a checkpoint first.

    Args:
        message: Where it stopped.
        hint: How to go on.
        signum: The signal that asked.
    """

    def __init__(self, message: str, hint: str, signum: int) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signum


class StopRequests:
    """While entered, the first SIGINT or SIGTERM is noted; a second acts as it always does.

    Outside the main thread, where Python delivers no signals, nothing is changed.

    Attributes:
        signum: The signal that asked to stop, or 0.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._before[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.signum = signum
        self._restore()

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
