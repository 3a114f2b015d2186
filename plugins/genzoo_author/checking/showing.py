"""What was found, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from genzoo_core.testing import Report


def lines(report: Report) -> Iterator[str]:
    """A report, a line for each check and one for each thing to mend."""
    yield report.subject
    for finding in report.findings:
        yield f"  {finding.status:7}  {finding.check}"
        for line in finding.lines:
            yield f"           {_one_line(line)}"


def counts(reports: Sequence[Report]) -> dict[str, int]:
    """How many checks came out how."""
    found = Counter(finding.status for report in reports for finding in report.findings)
    return {"ok": found["ok"], "failed": found["failed"], "skipped": found["skipped"]}


def as_json(subject: str, reports: Sequence[Report]) -> dict[str, object]:
    """All reports as plain data."""
    return {
        "subject": subject,
        "ok": not any(report.problems for report in reports),
        "counts": counts(reports),
        "reports": [
            {
                "subject": report.subject,
                "findings": [
                    {"check": f.check, "status": f.status, "lines": list(f.lines)}
                    for f in report.findings
                ],
            }
            for report in reports
        ],
    }


def _one_line(text: str) -> str:
    """Without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
