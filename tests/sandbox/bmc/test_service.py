"""The BMC process is small, quick to start, and keeps its secrets to itself."""

from __future__ import annotations

import pathlib
import stat
import subprocess

from .conftest import Bmcs


def test_it_starts_in_seconds_and_stays_small(bmcs: Bmcs):
    assert bmcs.started_in < 10  # two cores, shared; 1.5 s when they are free
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
