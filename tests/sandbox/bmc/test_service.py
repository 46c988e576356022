"""The BMC process is small, quick to start, and keeps its secrets to itself."""

from __future__ import annotations

import asyncio
import pathlib
import stat
import subprocess
import time

import pytest
import yaml

from sandbox.bmc import faults, hardware
from sandbox.bmc.faults import Faults
from sandbox.bmc.service import Service
from sandbox.home import Home
from tests.blocks import reserve

from .conftest import Bmcs


def test_it_starts_in_seconds_and_stays_small(bmcs: Bmcs):
    assert bmcs.start_cost < 5  # 0.6 s where nobody else is at work
    pid = str(bmcs.process.pid)
    kibibytes = subprocess.run(
        ["ps", "-o", "rss=", "--pid", pid, "--ppid", pid],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert len(kibibytes) == 2  # itself and the one ipmi_sim
    assert sum(map(int, kibibytes)) < 300 * 1024


def test_passwords_are_in_files_that_only_their_owner_reads(bmcs: Bmcs):
    folder = bmcs.home.folder("bmc")
    secret = bmcs.credential("node03").password.encode()
    holders = [p for p in folder.rglob("*") if p.is_file() and secret in p.read_bytes()]
    assert folder / "credentials.json" in holders
    for path in holders:
        assert _private(path, folder), path


def _private(path: pathlib.Path, top: pathlib.Path) -> bool:
    while path != top:
        if not stat.S_IMODE(path.stat().st_mode) & 0o077:
            return True
        path = path.parent
    return False


def test_every_node_has_a_password_of_its_own(bmcs: Bmcs):
    names = [node.name for node in bmcs.hardware.nodes]
    assert len({bmcs.credential(name).password for name in names}) == len(names)


async def test_a_fault_that_is_wished_for_while_the_bmcs_start_is_taken_up(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    home = Home(tmp_path, reserve("starting-bmc"))
    described = yaml.safe_load(hardware.DEFAULT_PATH.read_text(encoding="utf-8"))
    described["nodes"] = described["nodes"][:1]
    (home.path / "hardware.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    acknowledge = faults.acknowledge

    def wish_for_another(home: Home, applied: Faults) -> None:
        monkeypatch.undo()
        acknowledge(home, applied)
        assert not faults.kill(home, "node01"), "the BMCs do not run yet"

    monkeypatch.setattr(faults, "acknowledge", wish_for_another)
    ended = asyncio.Event()
    running = asyncio.create_task(Service(home).run(ended))
    applied, deadline = home.folder("bmc") / "faults.applied", time.monotonic() + 30
    while not applied.exists() or int(applied.read_text(encoding="ascii")) < 1:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    ended.set()
    await running
