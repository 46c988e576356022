"""One controller's store with a localhost cloud and a model, and charms packed for real."""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sandbox.juju.state import (
    applications,
    charms,
    clouds,
    machines,
    models,
    relations,
    scopes,
    statuses,
    units,
)
from sandbox.juju.state.store import Change, Store
from sandbox.juju.state.values import Application, Charm, Relation

BASE = "ubuntu@24.04/stable"


@dataclasses.dataclass
class World:
    """A model and short ways to fill it."""

    store: Store
    model: str
    folder: pathlib.Path

    def charm(self, name: str, *, tracks: tuple[str, ...] = ("24.04",), **documents: Any) -> Charm:
        """Pack a charm of this metadata (`config` and `actions` apart) and add it."""
        config = documents.pop("config", {})
        path = self.folder / f"{name}.charm"
        bases = [{"name": "ubuntu", "channel": t, "architectures": ["amd64"]} for t in tracks]
        metadata = {"name": name, "summary": name, "description": name, **documents}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.yaml", yaml.safe_dump(metadata))
            archive.writestr("config.yaml", yaml.safe_dump({"options": config}))
            archive.writestr("manifest.yaml", yaml.safe_dump({"bases": bases}))
        with self.store.transaction() as tx:
            return charms.add_local(tx, self.model, path, self.folder / "kept")

    def deploy(self, name: str, charm: Charm, num_units: int = 0, **request: Any) -> Application:
        request.setdefault("base", BASE)
        with self.store.transaction() as tx:
            asked = applications.Request(num_units=num_units, **request)
            return applications.deploy(tx, self.model, name, charm, asked)

    def relate(self, *names: str) -> Relation:
        with self.store.transaction() as tx:
            return relations.add(tx, self.model, *names)

    def start(self, unit: str) -> None:
        """The unit's agent runs and has entered every relation of its application."""
        with self.store.transaction() as tx:
            statuses.set_status(tx, self.model, "agent", unit, "idle")
            found = units.get(tx, self.model, unit)
            for relation in relations.of_application(tx, self.model, found.application):
                scopes.enter(tx, relation, found)

    def provision(self, machine: str, **hardware: Any) -> None:
        with self.store.transaction() as tx:
            machines.set_instance(
                tx,
                self.model,
                machine,
                instance_id=f"i-{machine}",
                hostname=f"host-{machine}",
                hardware={"arch": "amd64", **hardware},
                addresses=[{"value": "127.0.0.9", "type": "ipv4", "scope": "local-cloud"}],
            )
            machines.set_started(tx, self.model, machine)

    def names(self, table: str, column: str = "name") -> list[str]:
        with self.store.transaction() as tx:
            rows = tx.all(f"SELECT {column} FROM {table} WHERE model = ?", self.model)
            return sorted(str(row[0]) for row in rows)

    def changes(self, action: Any) -> set[Change]:
        """What the subscribers hear of when `action(tx)` commits."""
        heard: set[Change] = set()
        stop = self.store.subscribe(heard.update)
        with self.store.transaction() as tx:
            action(tx)
        stop()
        return heard


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    store = Store(":memory:")
    yield store
    store.close()


@pytest.fixture
def world(store: Store, tmp_path: pathlib.Path) -> World:
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {"auth-types": ["certificate"], "regions": []})
        model = models.add_model(tx, "test", "admin", "localhost")
    return World(store, model.uuid, tmp_path)
