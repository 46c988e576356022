"""A charm of the ops framework that does a bit of everything, run by its own dispatch."""

from __future__ import annotations

import sys

import pytest

from sandbox.juju.state import applications, secrets, statuses, units
from tests.sandbox.juju.engine import packed_python

DISPATCH = f"""#!/bin/sh
JUJU_DISPATCH_PATH="$JUJU_DISPATCH_PATH" PYTHONPATH=lib exec {sys.executable} ./src/charm.py
"""

CHARM = """
import ops


class Everything(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        for event in (
            self.on.install, self.on.start, self.on.config_changed, self.on.leader_elected,
            self.on["peers"].relation_changed, self.on["db"].relation_joined,
            self.on["db"].relation_changed, self.on.secret_changed, self.on.stop,
            self.on.remove, self.on.upgrade_charm,
        ):
            framework.observe(event, self._note)
        framework.observe(self.on.report_action, self._report)
        framework.observe(self.on.collect_unit_status, self._status)

    def _note(self, event):
        print("saw", type(event).__name__)
        if isinstance(event, ops.StartEvent):
            self.unit.set_ports(8080)
            self.unit.set_workload_version("1.0")
        if isinstance(event, ops.LeaderElectedEvent):
            peers = self.model.get_relation("peers")
            secret = self.app.add_secret({"token": "s3cret-token"}, label="token")
            peers.data[self.app]["secret"] = secret.id
        for relation in self.model.relations["db"]:
            relation.data[self.unit]["colour"] = self.config["colour"]
            if self.unit.is_leader():
                relation.data[self.app]["units"] = str(self.app.planned_units())

    def _report(self, event):
        peers = self.model.get_relation("peers")
        secret = self.model.get_secret(id=peers.data[self.app]["secret"])
        binding = self.model.get_binding("db")
        event.log("gathering")
        event.set_results({
            "token": secret.get_content()["token"],
            "address": str(binding.network.bind_address),
            "model": self.model.name,
        })

    def _status(self, event):
        if self.config["colour"] == "black":
            event.add_status(ops.BlockedStatus("no black"))
        event.add_status(ops.ActiveStatus(self.config["colour"]))


if __name__ == "__main__":
    ops.main(Everything)
"""

DOCUMENTS = {
    "peers": {"peers": {"interface": "everything"}},
    "provides": {"db": {"interface": "sql"}},
    "config": {"colour": {"type": "string", "default": "red"}},
    "actions": {"report": {"description": "Tell."}},
    "files": {"src/charm.py": CHARM},
}


@pytest.fixture(params=["started anew", "forked"])
def packed(request):
    """A dispatch that only a shell can run, or the one of charmcraft, which need not be run."""
    if request.param == "forked":
        return packed_python.DISPATCH, {**DOCUMENTS, "files": packed_python.files(CHARM)}
    return DISPATCH, DOCUMENTS


async def test_an_ops_charm_does_a_bit_of_everything(world, packed):
    dispatch, documents = packed
    world.deploy("every", dispatch, **documents)
    world.deploy("wiki", requires={"db": {"interface": "sql"}})
    world.relate("wiki", "every")
    await world.settled(60)
    assert world.status("every/0") == "active: red"
    unit = world.do(units.get, "every/0")
    assert unit.workload_version == "1.0"
    assert [p["from-port"] for p in unit.ports] == [8080]

    task = await world.run("every/0", "report")
    assert task.status == "completed", task
    assert task.results["token"] == "s3cret-token"
    assert task.results["model"] == "test"
    assert task.results["address"].startswith(f"127.{world.home.block}.")

    got = await world.run(
        "wiki/0", "juju-exec", command="relation-get -r db:1 units every --app", timeout=0
    )
    assert got.results["stdout"] == "1\n"
    assert len(world.do(secrets.of_model)) == 1

    world.do(applications.set_config, "every", {"colour": "black"})
    await world.until(lambda: world.status("every/0") == "blocked: no black", 30)
    await world.settled(60)
    assert world.do(statuses.application, "every").status == "blocked"
    assert "DEBUG unit.every/0.start: saw StartEvent" in world.log()
    forks = world.engine.runtime.warm_start._kept
    assert bool(forks) is (dispatch is packed_python.DISPATCH)
