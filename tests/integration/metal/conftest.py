"""A MAAS region with the BMCs of 24 nodes, as processes, and the adapters of maas-bmc."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from sandbox.authority import Authority
from sandbox.home import Home
from tests.blocks import reserve

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "charms" / "maas-bmc" / "src"))

import bmcs
import maas
import rounds
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, ObservedMachine
from configuration import Accounts, ApiKey
from ledger import Ledger

PATIENCE = 30.0


@dataclasses.dataclass
class Metal:
    """The running servers, and what maas-bmc knows of them."""

    home: Home
    processes: dict[str, subprocess.Popen[bytes]]
    ledger: Ledger
    accounts: Accounts = dataclasses.field(default_factory=Accounts)

    @property
    def ca_file(self) -> pathlib.Path:
        return Authority(self.home.folder("ca")).certificate

    @property
    def key(self) -> ApiKey:
        text = (self.home.folder("maas") / "admin-key").read_text(encoding="ascii")
        return ApiKey(*text.strip().split(":"))

    @property
    def url(self) -> str:
        return f"https://{self.home.region_address}:5443/MAAS"

    @property
    def network(self) -> bmcs.Network:
        return bmcs.Network(self.ca_file)

    def round(self, *wishes: DesiredMachine) -> rounds.Outcome:
        """One round of maas-bmc, which goes on from the one before."""
        desired = {wish.system_id: wish for wish in wishes}
        with maas.connect(self.url, self.key, self.ca_file) as region:
            outcome = rounds.run(
                self.ledger,
                desired,
                region,
                self.network,
                self.accounts,
                random.Random(1),  # noqa: S311
            )
        self.ledger = outcome.ledger
        return outcome

    def until(
        self, holds: Callable[[], bool], *wishes: DesiredMachine, patience: float = PATIENCE
    ) -> None:
        """Rounds until `holds`."""
        deadline = time.monotonic() + patience
        while True:
            outcome = self.round(*wishes)
            if holds():
                return
            assert time.monotonic() < deadline, f"waited in vain; error {outcome.error}"
            time.sleep(0.3)

    def named(self, hostname: str) -> ObservedMachine:
        return next(m for m in self.ledger.machines.values() if m.hostname == hostname)

    def start(self, name: str) -> None:
        if name == "bmc":
            self._bmcs_served.unlink(missing_ok=True)
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", f"sandbox.{name}"],
            env={**os.environ, **self.home.environment, "SANDBOX_NODE_SPEED": "20"},
        )
        deadline = time.monotonic() + PATIENCE
        while not self._serves(name):
            assert self.processes[name].poll() is None, f"sandbox.{name} has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def _serves(self, name: str) -> bool:
        if name == "bmc":
            return self._bmcs_served.exists()
        with socket.socket() as probe:
            return probe.connect_ex((self.home.region_address, 5443)) == 0

    @property
    def _bmcs_served(self) -> pathlib.Path:
        """What the BMC process writes once it serves all of them."""
        return self.home.folder("run") / "bmc.pid"


@pytest.fixture(scope="session")
def metal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metal]:
    home = Home(tmp_path_factory.mktemp("metal"), reserve("metal"))
    metal = Metal(home, {}, Ledger(f"https://{home.region_address}:5443/MAAS"))
    try:
        metal.start("bmc")
        metal.start("maas")
        metal.round()
        yield metal
    finally:
        for name in metal.processes:
            metal.stop(name)
