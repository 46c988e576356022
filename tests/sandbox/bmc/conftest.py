"""A BMC process over three nodes: two with Redfish, one with IPMI."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml

from sandbox.bmc import credentials, hardware
from sandbox.bmc.credentials import Credential
from sandbox.bmc.hardware import Hardware, Node
from sandbox.home import Home
from tests.blocks import reserve

_NODES = ("node01", "node02", "node03")  # Redfish, Redfish, IPMI


@dataclasses.dataclass
class Bmcs:
    """A running BMC process and what its clients need to know."""

    home: Home
    process: subprocess.Popen[bytes]
    start_cost: float
    """Seconds of a processor; by the clock it takes longer where others are at work."""

    @property
    def hardware(self) -> Hardware:
        return hardware.load(self.home)

    @property
    def ca(self) -> str:
        return str(self.home.folder("ca") / "sandbox-ca.pem")

    def node(self, name: str) -> Node:
        return self.hardware.node(name)

    def address(self, name: str) -> str:
        return self.home.bmc_address(self.node(name).number)

    def credential(self, name: str) -> Credential:
        return credentials.load(self.home, self.hardware)[name]

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process, self.start_cost = _start(self.home)


def _start(home: Home) -> tuple[subprocess.Popen[bytes], float]:
    ready = home.folder("run") / "bmc.pid"
    ready.unlink(missing_ok=True)
    deadline = time.monotonic() + 60
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.bmc"],
        env={**os.environ, **home.environment, "SANDBOX_NODE_SPEED": "20"},
    )
    while not ready.exists():
        assert process.poll() is None, "the BMC process has ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, _processor_seconds(process.pid)


def _processor_seconds(pid: int) -> float:
    """What a process, and its children that have ended, have used (proc(5), /proc/pid/stat)."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    ticks = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="session")
def bmcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmcs]:
    """The BMCs of three nodes."""
    home = Home(tmp_path_factory.mktemp("bmc"), reserve("bmc"))
    described = yaml.safe_load(hardware.DEFAULT_PATH.read_text(encoding="utf-8"))
    described["nodes"] = described["nodes"][: len(_NODES)]
    (home.path / "hardware.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")
    running = Bmcs(home, *_start(home))
    yield running
    running.process.terminate()
    running.process.wait()
