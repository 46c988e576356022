"""What an operator sees when something was broken on purpose."""

from __future__ import annotations

from sandbox.faults.client import FaultClient
from sandbox.faults.fault import Fault
from tests.clients.jubilant.conftest import settle


def test_an_agent_that_is_cut_off_is_lost_until_it_is_back(juju, charms, controller):
    juju.deploy(charms / "web.charm", num_units=2)
    settle(juju)
    faults = FaultClient(controller.home, str(juju.model))
    faults.apply(Fault("disconnect", "web/0"))
    try:
        web = juju.status().apps["web"]
        lost = web.units["web/0"]
        assert lost.juju_status.current == "lost"
        assert lost.juju_status.message == "agent is not communicating with the server"
        assert lost.workload_status.current == "unknown"
        assert lost.workload_status.message.startswith("agent lost, see ")
        assert web.units["web/1"].juju_status.current == "idle"
        assert web.app_status.current == "active", "by what its units said last"
        (line,) = [line for line in juju.cli("status").splitlines() if line.startswith("web/0")]
        assert line.split()[1:3] == ["unknown", "lost"]
    finally:
        faults.apply(Fault("clear"))
    settle(juju)


def test_a_machine_that_died_is_down_until_it_is_back(juju, charms, controller):
    juju.deploy(charms / "web.charm")
    settle(juju)
    FaultClient(controller.home, str(juju.model)).apply(Fault("kill", "machine:0", seconds=15))
    status = juju.status()
    assert status.machines["0"].juju_status.current == "down"
    assert status.apps["web"].units["web/0"].juju_status.current == "lost"
    juju.wait(lambda s: s.machines["0"].juju_status.current == "started", delay=0.4)
    settle(juju)
