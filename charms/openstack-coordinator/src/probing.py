"""The probe of the cloud's APIs: what it has seen since a plan began, and one round of it.

A round is one request to the root of each public endpoint of the catalogue: answered is whatever
the service itself says, 401 included; a server's error, silence and a refused connection are
failures. It needs no credentials.
"""

from __future__ import annotations

import concurrent.futures
import json
import urllib.parse
from collections.abc import Mapping

from snapshot import Probed

TIMEOUT = 5.0
"""Seconds for one answer: what a client of an API would still take for an answer."""

RECORD_EVERY = 60.0
"""Seconds between two records of a probe that saw no change."""

_AT_ONCE = 8


def ask(endpoints: Mapping[str, str], ca_file: str | bool) -> dict[str, str]:
    """One round. Service -> why its request failed, empty when it was answered.

    Args:
        endpoints: service -> public URL.
        ca_file: the file of the CA to trust; True for those of the system.
    """
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
        asked = {name: threads.submit(_ask_one, url, ca_file) for name, url in endpoints.items()}
        return {name: future.result() for name, future in sorted(asked.items())}


def _ask_one(url: str, ca_file: str | bool) -> str:
    import requests

    root = urllib.parse.urlsplit(url)
    try:
        answer = requests.get(
            f"{root.scheme}://{root.netloc}/", timeout=TIMEOUT, verify=ca_file, stream=True
        )
    except requests.RequestException as error:
        return f"{root.netloc}: {type(error).__name__}"
    answer.close()
    return f"{root.netloc}: {answer.status_code}" if answer.status_code >= 500 else ""


def add(before: tuple[Probed, ...], round_: Mapping[str, str], now: float) -> tuple[Probed, ...]:
    """The record with one more round in it. A service that has left the catalogue is dropped."""
    known = {probed.service: probed for probed in before}
    found: list[Probed] = []
    for service, reason in sorted(round_.items()):
        last = known.get(service) or Probed(service, 0, 0, now, answered=True)
        found.append(
            Probed(
                service=service,
                requests=last.requests + 1,
                failures=last.failures + bool(reason),
                at=now,
                answered=not reason,
                reason=reason or last.reason,
            )
        )
    return tuple(found)


def worth_keeping(before: tuple[Probed, ...], after: tuple[Probed, ...]) -> bool:
    """Whether the record is to be persisted: a write wakes the other units of the charm."""
    if [(p.service, p.failures, p.answered) for p in before] != [
        (p.service, p.failures, p.answered) for p in after
    ]:
        return True
    return bool(after) and after[0].at - before[0].at >= RECORD_EVERY


def to_json(record: tuple[Probed, ...]) -> str:
    """The form of the databag."""
    fields = [[p.service, p.requests, p.failures, p.at, p.answered, p.reason] for p in record]
    return json.dumps(fields, separators=(",", ":"))


def from_json(text: str) -> tuple[Probed, ...]:
    """The record in a databag; empty when there is none that can be read."""
    try:
        return tuple(
            Probed(service, requests, failures, at, answered=answered, reason=reason)
            for service, requests, failures, at, answered, reason in json.loads(text)
        )
    except (ValueError, TypeError):
        return ()
