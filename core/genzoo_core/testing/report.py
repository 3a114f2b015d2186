"""What the checks of one subject found."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from genzoo_core.errors import GenzooError
from genzoo_core.text import many, one_line

Status = Literal["ok", "failed", "skipped"]
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: The claim that was checked, in words.
        status: Whether the claim holds, or could not be tried.
        lines: What is wrong, or why it was skipped; a line each.
    """

    check: str
    status: Status
    lines: tuple[str, ...] = ()


class ConformanceError(AssertionError):
    """Something does not conform to the interfaces of genzoo, a line for each of its `problems`."""

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        head = f"{subject} has {many(len(problems), 'problem')}:"
        super().__init__("\n  - ".join([head, *problems]))
        self.subject = subject
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Report:
    """The findings about one subject.

    Attributes:
        subject: What was checked: "model my-plugin/my-model".
        findings: The result of each check, in their order.
    """

    subject: str
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in a line each, beginning with the claim that does not hold."""
        return tuple(
            f"{finding.check}: {line}"
            for finding in self.findings
            if finding.status == "failed"
            for line in finding.lines
        )

    def require(self) -> Report:
        """The report itself.

        Raises:
            ConformanceError: There are problems; lists all of them.
        """
        if self.problems:
            raise ConformanceError(self.subject, self.problems)
        return self


class SkipError(Exception):
    """Raised in a check that cannot be tried; its text says why."""


class Recorder:
    """Runs checks of a subject one after the other, and collects their findings."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._findings: list[Finding] = []

    def check(
        self, claim: str, check: Callable[P, Iterable[str]], *args: P.args, **more: P.kwargs
    ) -> bool:
        """Run a check, which yields what is wrong, in a line each. Whatever it raises is a finding.

        Returns whether the claim holds.
        """
        lines: list[str] = []
        try:
            lines.extend(check(*args, **more))
        except SkipError as skipped:
            if not lines:
                return self.skip(claim, str(skipped))
        except GenzooError as error:
            lines.append(str(error))
        except (Exception, SystemExit) as error:
            lines.append(unexpected(error))
        self._findings.append(Finding(claim, "failed" if lines else "ok", tuple(lines)))
        return not lines

    def made(self, claim: str, make: Callable[P, T], *args: P.args, **more: P.kwargs) -> T | None:
        """The value that `make` returns; None where it raises, which is a finding."""
        values: list[T] = []

        def check() -> Iterator[str]:
            values.append(make(*args, **more))
            yield from ()

        self.check(claim, check)
        return values[0] if values else None

    def skip(self, claim: str, reason: str) -> bool:
        """Record that a claim could not be tried; returns False."""
        self._findings.append(Finding(claim, "skipped", (reason,)))
        return False

    def report(self) -> Report:
        """All findings so far."""
        return Report(self._subject, tuple(self._findings))


def problem(expected: str, found: str, mend: str) -> str:
    """A line that says what was expected, what was found instead, and how to mend it."""
    return f"expected {expected}, got {found}; {mend}"


def unexpected(error: BaseException) -> str:
    """An exception that should not have been raised, with the last line of the plugin's code."""
    import torch

    foreign = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(foreign)]
    where = f" (in {Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"raised {one_line(error)}{where}"
