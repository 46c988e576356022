"""What the probe wrote, counted: by API, and as a table of several runs."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping

from tests.zero_downtime import probe


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request."""

    at: float
    """Seconds since the epoch."""
    api: str
    took: float
    failed: str
    """Why; empty when it did not."""


@dataclasses.dataclass(frozen=True)
class Counted:
    """The requests of one API in one run."""

    requests: int
    failures: int
    longest: float
    """Seconds of the longest time in which no request was answered."""
    slowest: float
    """Seconds of the slowest answer."""
    reasons: Mapping[str, int]


def read(file: pathlib.Path) -> list[Asked]:
    """Every request of a run, in the order of their times. A line that is cut short is left."""
    with file.open(encoding="utf-8") as lines:
        asked = [Asked(**json.loads(line)) for line in lines if line.endswith("\n")]
    return sorted(asked, key=lambda request: request.at)


def count(asked: Iterable[Asked]) -> dict[str, Counted]:
    """By API, in the order in which the probe asks them."""
    by_api: dict[str, list[Asked]] = {api: [] for api in probe.APIS}
    for request in asked:
        by_api[request.api].append(request)
    return {api: _counted(requests) for api, requests in by_api.items()}


def _counted(requests: list[Asked]) -> Counted:
    failures = [request for request in requests if request.failed]
    answers = [request.took for request in requests if not request.failed]
    return Counted(
        requests=len(requests),
        failures=len(failures),
        longest=_longest(requests),
        slowest=max(answers, default=0.0),
        reasons=collections.Counter(request.failed for request in failures),
    )


def _longest(requests: list[Asked]) -> float:
    """From the first failure in a row to the next answer."""
    longest, began = 0.0, None
    for request in requests:
        if request.failed and began is None:
            began = request.at
        if began is not None:
            longest = max(longest, request.at - began)
            began = began if request.failed else None
    return longest


def table(runs: Mapping[str, Mapping[str, Counted]]) -> str:
    """The runs beside each other, a line for each API."""
    titles = ["", *(f"{name}: failed/asked  away  slowest" for name in runs)]
    rows = [titles]
    rows += [[api, *(_cell(counted[api]) for counted in runs.values())] for api in probe.APIS]
    rows.append(["all", *(_cell(_total(counted)) for counted in runs.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    lines = ("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _cell(counted: Counted) -> str:
    share = f"{counted.failures}/{counted.requests}"
    return f"{share:>12}  {counted.longest:5.1f} s  {counted.slowest:5.2f} s"


def _total(counted: Mapping[str, Counted]) -> Counted:
    values = list(counted.values())
    reasons: collections.Counter[str] = collections.Counter()
    for value in values:
        reasons.update(value.reasons)
    return Counted(
        sum(value.requests for value in values),
        sum(value.failures for value in values),
        max(value.longest for value in values),
        max(value.slowest for value in values),
        reasons,
    )
