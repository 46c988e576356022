"""Any history of deploying, relating, starting and removing leaves nothing that dangles."""

from __future__ import annotations

import pathlib
import tempfile
import zipfile

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sandbox.juju import errors
from sandbox.juju.placement import Placement
from sandbox.juju.state import (
    applications,
    charms,
    clouds,
    machines,
    model_removal,
    models,
    relations,
    removal,
    scopes,
    statuses,
    units,
)
from sandbox.juju.state.store import Store

CHARMS = {
    "db": {"provides": {"sql": {"interface": "mysql"}}, "peers": {"cluster": {"interface": "p"}}},
    "web": {"requires": {"store": {"interface": "mysql"}}},
    "agent": {
        "subordinate": True,
        "requires": {"host": {"interface": "juju-info", "scope": "container"}},
        "provides": {"metrics": {"interface": "prometheus"}},
    },
}
NAMES = ("db", "other-db", "web", "agent")


class Lives(RuleBasedStateMachine):
    """One model, driven by an operator and by agents that may stop at any point."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        self.store = Store(":memory:")
        self.packed = {name: pack(folder, name) for name in CHARMS}
        with self.store.transaction() as tx:
            clouds.add(tx, "localhost", "lxd", {})
            self.model = models.add_model(tx, "test", "admin", "localhost").uuid

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def attempt(self, action) -> None:
        """Juju may refuse; what it refuses leaves no trace."""
        try:
            with self.store.transaction() as tx:
                action(tx)
        except errors.JujuError:
            return

    @rule(name=st.sampled_from(NAMES), count=st.integers(0, 3), where=st.integers(0, 4))
    def deploy(self, name: str, count: int, where: int) -> None:
        def action(tx):
            path = self.packed[name.rpartition("-")[2]]
            charm = charms.add_local(tx, self.model, path, path.parent / "kept")
            known = [machine.id for machine in machines.all_machines(tx, self.model)]
            placement = [Placement("#", known[where])] if where < len(known) else []
            wanted = 0 if charm.subordinate else count
            request = applications.Request(
                "ubuntu@24.04", num_units=wanted, placement=placement if wanted else []
            )
            applications.deploy(tx, self.model, name, charm, request)

        self.attempt(action)

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["", "lxd"]))
    def add_unit(self, name: str, kind: str) -> None:
        placement = [Placement(kind)] if kind else []
        self.attempt(lambda tx: units.add_units(tx, self.model, name, 1, placement))

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=2))
    def relate(self, names: list[str]) -> None:
        self.attempt(lambda tx: relations.add(tx, self.model, *names))

    @rule(data=st.data())
    def start_agent(self, data) -> None:
        unit = self.choose(data, "units")
        if unit:
            self.attempt(lambda tx: self.enter_all(tx, unit))

    def enter_all(self, tx, name: str) -> None:
        unit = units.get(tx, self.model, name)
        if unit.life != "alive":
            return
        statuses.set_status(tx, self.model, "agent", name, "idle")
        for relation in relations.of_application(tx, self.model, unit.application):
            if relation.life == "alive":
                scopes.enter(tx, relation, unit)

    @rule(data=st.data())
    def finish_agent(self, data) -> None:
        """A dying unit's agent leaves, or a living one leaves a dying relation."""
        unit = self.choose(data, "units")
        if unit:
            self.attempt(lambda tx: self.leave_all(tx, unit))

    def leave_all(self, tx, name: str) -> None:
        unit = units.get(tx, self.model, name)
        for relation in scopes.entered(tx, unit):
            if "dying" in (unit.life, relation.life):
                scopes.leave(tx, relation, unit)
        if unit.life == "dying" and not units.subordinates(tx, self.model, name):
            removal.unit_is_dead(tx, unit)
            removal.remove_unit(tx, unit)

    @rule(data=st.data())
    def release_machine(self, data) -> None:
        machine = self.choose(data, "machines", "id")
        if machine:

            def action(tx):
                if machines.get(tx, self.model, machine).life == "dead":
                    removal.remove_machine(tx, self.model, machine)

            self.attempt(action)

    @rule(data=st.data(), force=st.booleans())
    def destroy_unit(self, data, force: bool) -> None:
        unit = self.choose(data, "units")
        if unit:
            self.attempt(lambda tx: removal.destroy_unit(tx, self.model, unit, force=force))

    @rule(name=st.sampled_from(NAMES), force=st.booleans())
    def destroy_application(self, name: str, force: bool) -> None:
        self.attempt(lambda tx: removal.destroy_application(tx, self.model, name, force=force))

    @rule(data=st.data(), force=st.booleans())
    def destroy_relation(self, data, force: bool) -> None:
        relation = self.choose(data, "relations", "id")
        if relation is not None:
            self.attempt(
                lambda tx: removal.destroy_relation(tx, self.model, relation, force=force)
            )

    @rule(data=st.data(), force=st.booleans())
    def destroy_machine(self, data, force: bool) -> None:
        machine = self.choose(data, "machines", "id")
        if machine:
            self.attempt(lambda tx: removal.destroy_machine(tx, self.model, machine, force=force))

    @rule()
    def force_runs_out(self) -> None:
        self.attempt(lambda tx: removal.run_cleanups(tx, float("inf")))

    @rule()
    def everything_can_always_be_removed(self) -> None:
        """Destroy the model by force: nothing of it is left, and a new one may begin."""
        with self.store.transaction() as tx:
            model_removal.destroy_model(tx, self.model, force=True, maximum_wait=0)
            removal.run_cleanups(tx, float("inf"))
            for machine in reversed(self.all(tx, "machines", "id")):
                removal.remove_machine(tx, self.model, machine)
            assert models.all_models(tx) == []
            assert tx.all("SELECT name FROM units") == []
            assert tx.all("SELECT id FROM relations") == []
            self.model = models.add_model(tx, "test", "admin", "localhost").uuid

    def choose(self, data, table: str, column: str = "name"):
        with self.store.transaction() as tx:
            known = self.all(tx, table, column)
        return data.draw(st.sampled_from(known)) if known else None

    def all(self, tx, table: str, column: str) -> list:
        rows = tx.all(
            f"SELECT {column} FROM {table} WHERE model = ? ORDER BY {column}", self.model
        )
        return [row[0] for row in rows]

    @invariant()
    def nothing_dangles(self) -> None:
        with self.store.transaction() as tx:
            for query in DANGLING:
                assert [tuple(row) for row in tx.all(query)] == [], query

    @invariant()
    def what_is_dying_is_held_by_something(self) -> None:
        with self.store.transaction() as tx:
            for query in UNHELD:
                assert [tuple(row) for row in tx.all(query)] == [], query


DANGLING = (
    "SELECT name FROM units WHERE application NOT IN (SELECT name FROM applications)",
    "SELECT name FROM units WHERE machine NOT IN (SELECT id FROM machines)",
    "SELECT name FROM units WHERE principal NOT IN (SELECT name FROM units)",
    "SELECT name FROM units WHERE principal IS NULL AND machine IS NULL",
    "SELECT id FROM machines WHERE parent NOT IN (SELECT id FROM machines)",
    "SELECT * FROM relation_endpoints WHERE relation NOT IN (SELECT id FROM relations)",
    "SELECT * FROM relation_endpoints WHERE application NOT IN (SELECT name FROM applications)",
    "SELECT * FROM relation_units WHERE relation NOT IN (SELECT id FROM relations)",
    "SELECT * FROM relation_units WHERE in_scope AND unit NOT IN (SELECT name FROM units)",
    "SELECT * FROM applications WHERE charm_url NOT IN (SELECT url FROM charms)",
    "SELECT * FROM statuses WHERE kind IN ('workload', 'agent')"
    " AND entity NOT IN (SELECT name FROM units)",
    "SELECT * FROM statuses WHERE kind IN ('machine', 'instance', 'modification')"
    " AND entity NOT IN (SELECT id FROM machines)",
    "SELECT * FROM leases WHERE holder NOT IN (SELECT name FROM units)",
    # One subordinate of an application beside one principal.
    "SELECT principal, application FROM units WHERE principal IS NOT NULL"
    " GROUP BY principal, application HAVING count(*) > 1",
)
UNHELD = (
    "SELECT name FROM applications AS a WHERE life <> 'alive'"
    " AND NOT EXISTS (SELECT 1 FROM units WHERE application = a.name)"
    " AND NOT EXISTS (SELECT 1 FROM relation_endpoints WHERE application = a.name)",
    "SELECT id FROM relations AS r WHERE life <> 'alive'"
    " AND NOT EXISTS (SELECT 1 FROM relation_units WHERE relation = r.id AND in_scope)",
    "SELECT id FROM machines AS m WHERE life = 'dying'"
    " AND NOT EXISTS (SELECT 1 FROM units WHERE machine = m.id)"
    " AND NOT EXISTS (SELECT 1 FROM machines WHERE parent = m.id)",
    # A dead machine carries nothing.
    "SELECT name FROM units WHERE machine IN (SELECT id FROM machines WHERE life = 'dead')",
    # A living unit never sits on a machine, beside a principal or in an application that ends.
    "SELECT name FROM units AS u WHERE life = 'alive' AND application IN"
    " (SELECT name FROM applications WHERE life <> 'alive')",
    "SELECT name FROM units WHERE life = 'alive' AND principal IN"
    " (SELECT name FROM units WHERE life <> 'alive')",
)


def pack(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = folder / f"{name}.charm"
    metadata = {"name": name, "summary": name, "description": name, **CHARMS[name]}
    bases = [{"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.yaml", yaml.safe_dump(metadata))
        archive.writestr("manifest.yaml", yaml.safe_dump({"bases": bases}))
    return path


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
