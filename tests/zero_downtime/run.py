"""One upgrade of the ground while the probe asks and the guests are watched."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import openstack.connection

from sandbox import bringup
from sandbox.client import Juju
from sandbox.home import Home
from tests.zero_downtime import ground, guests, record

SANDBOX = pathlib.Path(sys.executable).with_name("sandbox")
_ROOT = pathlib.Path(__file__).parents[2]
_QUIET = 10.0
"""Seconds that the probe asks before the upgrade begins and after it ends."""


@dataclasses.dataclass
class Ground:
    """A running cloud of the older release, with its guests."""

    home: Home
    juju: Juju
    cloud: Any
    guests: list[str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What clients and guests saw of an upgrade."""

    name: str
    counted: Mapping[str, record.Counted]
    touched: tuple[str, ...]
    guests: int
    looks: int
    seconds: float


@contextlib.contextmanager
def running(home: Home) -> Iterator[Ground]:
    """Bring the ground up, and take it down again unless SANDBOX_KEEP is set."""
    overlays = [word for name in ground.prepare(home)[1:] for word in ("--overlay", name)]
    try:
        sandbox(home, "up", "--ha", *overlays, "--without-cluster")
        cloud = connect(home)
        yield Ground(home, Juju(home, f"sandbox:{bringup.MODEL}"), cloud, guests.boot(cloud))
    finally:
        if not os.environ.get("SANDBOX_KEEP"):
            sandbox(home, "down")


def sandbox(home: Home, *arguments: str) -> None:
    """Run the `sandbox` command to its end."""
    environment = {**os.environ, **home.environment}
    subprocess.run([SANDBOX, *arguments], env=environment, check=True)


def account(home: Home) -> dict[str, str]:
    """The administrator, and keystone's virtual address."""
    folder = home.folder("openstack")
    known = json.loads((folder / "clouds.yaml").read_text(encoding="ascii"))["clouds"]["sandbox"]
    asked = json.loads((folder / "endpoints" / "keystone.json").read_text(encoding="utf-8"))
    return {**known["auth"], "auth_url": asked["public_url"]}


def connect(home: Home) -> Any:
    """A client of the cloud, as its administrator."""
    return openstack.connection.Connection(
        auth=account(home), region_name="RegionOne", identity_api_version="3"
    )


def watched(name: str, at: Ground, upgrade: Callable[[], None]) -> Outcome:
    """Upgrade while the probe asks and the guests are watched; returns what they saw."""
    file = at.home.folder("log") / f"probe-{name.replace(', ', '-').replace(' ', '-')}.jsonl"
    began = time.monotonic()
    with _watching(at) as watch, _probing(at.home, file):
        time.sleep(_QUIET)
        upgrade()
        time.sleep(_QUIET)
    return Outcome(
        name=name,
        counted=record.count(record.read(file)),
        touched=tuple(sorted(watch.touched)),
        guests=len(at.guests),
        looks=watch.looks,
        seconds=time.monotonic() - began,
    )


@contextlib.contextmanager
def _probing(home: Home, file: pathlib.Path) -> Iterator[None]:
    with file.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.zero_downtime.probe"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=told,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(account(home)).encode())
        process.stdin.close()
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@contextlib.contextmanager
def _watching(at: Ground) -> Iterator[guests.Watch]:
    watch = guests.Watch(connect(at.home), at.guests)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def report(outcomes: list[Outcome]) -> str:
    """The table of all runs, and what became of the guests."""
    lines = [record.table({outcome.name: outcome.counted for outcome in outcomes}), ""]
    for outcome in outcomes:
        touched = len(outcome.touched)
        lines.append(
            f"{outcome.name}: {outcome.seconds:.0f} s, {touched} of {outcome.guests} guests "
            f"touched beyond migration ({outcome.looks} looks)"
        )
        reasons = {r: n for c in outcome.counted.values() for r, n in c.reasons.items()}
        lines += [f"  {count}x {reason}" for reason, count in sorted(reasons.items())]
        lines += [f"  {line}" for line in outcome.touched]
    return "\n".join(lines)
