"""Every hook tool as ops calls it, from charms of the framework, with what ops makes of it."""

from __future__ import annotations

import datetime
import json
import pathlib
import re

import ops
import pytest

from sandbox.juju import clock
from sandbox.juju.hook_tools import registry
from sandbox.juju.state import applications, secrets, storage, units
from tests.sandbox.juju.engine import packed_python

OWNER = """
import json
import ops


class Owner(ops.CharmBase):
    stored = ops.StoredState()

    def __init__(self, framework):
        super().__init__(framework)
        self.stored.set_default(count=0)
        on = self.on
        framework.observe(on.probe_action, self._probe)
        framework.observe(on["db"].relation_created, self._created)
        for event in (on.secret_rotate, on.secret_expired, on.secret_remove, on.start):
            framework.observe(event, self._note)

    def _note(self, event):
        self.stored.count += 1
        if isinstance(event, ops.SecretEvent):
            revision = getattr(event, "revision", "")
            print("told", type(event).__name__, event.secret.label, revision)
        if isinstance(event, ops.SecretRemoveEvent):
            event.remove_revision()
        if isinstance(event, ops.SecretRotateEvent):
            event.secret.set_content({"password": "rotated-password"})

    def _created(self, event):
        secret = self.app.add_secret(
            {"password": "first-password"}, label="db", description="for the client",
            rotate=ops.SecretRotate.HOURLY,
        )
        secret.grant(event.relation)
        event.relation.data[self.app]["secret"] = secret.id
        event.relation.data[self.unit]["ready"] = "yes"

    def _probe(self, event):
        relation = self.model.get_relation("db")
        secret = self.model.get_secret(label="db")
        info = secret.get_info()
        network = self.model.get_binding(relation).network
        self.unit.set_ports(80, ops.Port("udp", 53))
        try:
            self.model.get_cloud_spec()
            trusted = "yes"
        except ops.ModelError as error:
            trusted = str(error).strip()
        found = {
            "units": sorted(unit.name for unit in relation.units),
            "theirs": dict(relation.data[relation.app]),
            "mine": sorted(relation.data[self.unit]),
            "remote model": relation.remote_model.uuid,
            "info": [info.label, info.revision, info.rotation.value, info.description],
            "ports": sorted(str(port) for port in self.unit.opened_ports()),
            "address": str(network.bind_address) == str(network.ingress_addresses[0]),
            "planned": self.app.planned_units(),
            "leader": self.unit.is_leader(),
            "count": self.stored.count,
            "storage": [str(s.location) for s in self.model.storages["data"]],
            "trusted": trusted,
            "config": dict(self.config),
            "params": event.params,
        }
        self.unit.set_workload_version("2.0")
        self.unit.status = ops.ActiveStatus("probed")
        self.app.status = ops.MaintenanceStatus("probed too")
        found["statuses"] = [self.unit.status.message, self.app.status.message]
        try:
            self.model.storages.request("nothing")
        except ops.ModelError as error:
            found["refused"] = "nothing" in str(error)
        event.log("halfway")
        event.set_results({"found": json.dumps(found)})


if __name__ == "__main__":
    ops.main(Owner, use_juju_for_storage=True)
"""

CLIENT = """
import json
import ops


class Client(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.read_action, self._read)
        framework.observe(self.on["db"].relation_changed, self._changed)
        framework.observe(self.on.secret_changed, self._told)

    def _changed(self, event):
        if self.unit.is_leader():
            event.relation.data[self.app]["database"] = "wiki"
        identity = event.relation.data[event.app].get("secret")
        if identity:
            secret = self.model.get_secret(id=identity, label="password")
            print("length", len(secret.get_content()["password"]))

    def _told(self, event):
        print("changed", event.secret.label)

    def _read(self, event):
        secret = self.model.get_secret(label="password")
        found = [secret.get_content()["password"], secret.peek_content()["password"]]
        if event.params.get("refresh"):
            found.append(secret.get_content(refresh=True)["password"])
        relation = self.model.get_relation("db")
        refused = []
        for bag in (self.app, relation.app):
            try:
                relation.data[bag]["forbidden"] = "x"
            except (ops.RelationDataAccessError, ops.RelationDataError) as error:
                refused.append(type(error).__name__)
        event.set_results({"found": json.dumps([found, refused])})


if __name__ == "__main__":
    ops.main(Client)
"""


@pytest.fixture
async def related(world):
    world.deploy(
        "mysql",
        packed_python.DISPATCH,
        files=packed_python.files(OWNER),
        provides={"db": {"interface": "sql"}},
        storage={"data": {"type": "filesystem"}},
        config={"colour": {"type": "string", "default": "red"}},
        actions={"probe": {"params": {"size": {"type": "integer", "default": 3}}}},
    )
    world.do(storage.provision, "data/0", "/srv/data-0")
    world.deploy(
        "wiki",
        packed_python.DISPATCH,
        num_units=2,
        files=packed_python.files(CLIENT),
        requires={"db": {"interface": "sql"}},
        actions={"read": {"params": {"refresh": {"type": "boolean", "default": False}}}},
    )
    world.relate("wiki", "mysql")
    await world.settled(60)
    return world


async def found(world, unit, action, **parameters):
    task = await world.run(unit, action, **parameters)
    assert task.status == "completed", task
    return json.loads(task.results["found"])


async def test_ops_reads_and_writes_all_that_a_charm_may(related):
    assert await found(related, "mysql/0", "probe") == {
        "units": ["wiki/0", "wiki/1"],
        "theirs": {"database": "wiki"},
        "mine": ["egress-subnets", "ingress-address", "private-address", "ready"],
        "remote model": related.model,
        "info": ["db", 1, "hourly", "for the client"],
        "ports": ["Port(protocol='tcp', port=80)", "Port(protocol='udp', port=53)"],
        "address": True,
        "planned": 1,
        "leader": True,
        "count": 1,
        "storage": ["/srv/data-0"],
        "trusted": "ERROR cannot access cloud credentials: permission denied",
        "config": {"colour": "red"},
        "params": {"size": 3},
        "statuses": ["probed", "probed too"],
        "refused": True,
    }
    unit = related.do(units.get, "mysql/0")
    assert unit.workload_version == "2.0"
    assert sorted(port["from-port"] for port in unit.ports) == [53, 80]
    assert unit.state, "StoredState is kept by the controller"
    related.do(applications.set_config, "mysql", {"trust": "true"})
    await related.settled(30)
    assert (await found(related, "mysql/0", "probe"))["trusted"] == "yes"


async def test_ops_follows_a_secret_through_its_rotation(related):
    """The reader keeps the old revision until it refreshes; then the owner removes that one."""
    leads = next(u for u in ("wiki/0", "wiki/1") if "leader-elected" in related.events(u))
    minion = "wiki/1" if leads == "wiki/0" else "wiki/0"
    both = ["RelationDataAccessError", "RelationDataAccessError"]
    assert await found(related, minion, "read") == [["first-password"] * 2, both]
    (secret,) = related.do(secrets.of_model)

    def due(tx, model):
        past = clock.stamp(clock.now() - datetime.timedelta(minutes=1))
        tx.update("secrets", {"model": model, "id": secret.id}, next_rotate=past)
        tx.touch("secret", model, secret.id)

    related.do(due)
    await related.until(lambda: f"secret-changed {secret.id}" in related.events(minion), 30)
    await related.settled(30)
    assert "DEBUG unit.mysql/0.secret-rotate: told SecretRotateEvent db " in related.log()
    assert f"DEBUG unit.{minion}.secret-changed: changed password" in related.log()
    (values, _) = await found(related, minion, "read")
    assert values == ["first-password", "rotated-password"]
    for unit in (minion, leads):
        (values, _) = await found(related, unit, "read", refresh=True)
        assert values[-1] == "rotated-password"
    await related.until(lambda: f"secret-remove {secret.id}" in related.events("mysql/0"), 30)
    await related.settled(30)
    revisions = related.do(secrets.revisions, secret.id)
    assert [revision.number for revision in revisions] == [2]


def test_there_is_every_tool_that_ops_calls_and_none_that_is_not_for_machines():
    """Payloads and Kubernetes' tools ops does not call; metrics are gone since Juju 3.6."""
    folder = pathlib.Path(ops.__file__).parent
    sources = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    called = set(re.findall(r"\brun\(\s*'([a-z-]+)'", sources)) - {"add-metric", "pod-spec-set"}
    assert len(called) > 30
    assert called <= set(registry.TOOLS)
    others = set(registry.TOOLS) - called
    assert others == {"leader-get", "leader-set", "unit-get", "action-set"} - called
