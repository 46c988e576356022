"""What a running hook, action or command sees, and what it changes until it has succeeded."""

from __future__ import annotations

import dataclasses
import secrets as randomness
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.juju import clock, errors
from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.journal import Journal
from sandbox.juju.engine.local import LocalState
from sandbox.juju.engine.port_ranges import PortRange
from sandbox.juju.engine.secret_changes import SecretChanges
from sandbox.juju.state import applications, leases, relations, scopes, units
from sandbox.juju.state.store import Store
from sandbox.juju.state.values import Relation, Unit


@dataclasses.dataclass(frozen=True)
class ContextRelation:
    """One relation that the unit is in, as a hook sees it."""

    id: int
    endpoint: str
    remote_application: str
    members: tuple[str, ...]
    """The units that have joined."""
    broken: bool
    """Its relation-broken runs, or is next: relation-ids leaves it out."""

    @property
    def identity(self) -> str:
        """endpoint:id, as charms write it."""
        return f"{self.endpoint}:{self.id}"


@dataclasses.dataclass
class ActionData:
    """A task that runs: its parameters, and what it reports."""

    task: int
    name: str
    parameters: Mapping[str, Any]
    results: dict[str, Any] = dataclasses.field(default_factory=dict)
    message: str = ""
    failed: bool = False


class HookContext:
    """The world of one process that the engine runs, from its start to its flush."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        unit: Unit,
        local: LocalState,
        *,
        hook: Hook | None = None,
        action: ActionData | None = None,
        name: str,
        relation: int | None = None,
        remote_unit: str = "",
    ) -> None:
        self.store = store
        self.journal = journal
        self.unit = unit
        self.local = local
        self.hook = hook
        self.action = action
        self.name = name
        """amqp-relation-joined, the action's name, or run-commands."""
        self.relation = hook.relation if hook else relation
        self.remote_unit = hook.remote_unit if hook else remote_unit
        self.remote_application = _remote_application(hook, remote_unit)
        self.id = f"{unit.name}-{name}-{randomness.token_hex(16)}"
        self.unit_settings: dict[int, dict[str, str]] = {}
        self.application_settings: dict[int, dict[str, str]] = {}
        self.charm_state: dict[str, str] | None = None
        self.opened: set[PortRange] = set()
        self.closed: set[PortRange] = set()
        self.secrets = SecretChanges()
        self.new_storage: dict[str, int] = {}
        self.status_set = False
        self.effects: dict[str, Any] = {}
        """What took effect at once, for the record of the run: statuses, the version."""
        self.reboot = ""
        """'' | after | now."""
        self.kill: Callable[[], None] | None = None
        """Ends the process that runs in this context."""
        self._relations: dict[int, ContextRelation] | None = None
        self._read: dict[tuple[int, str], dict[str, str]] = {}
        self._config: dict[str, Any] | None = None

    @property
    def model(self) -> str:
        """The UUID of the unit's model."""
        return self.unit.model

    @property
    def application(self) -> str:
        """The unit's application."""
        return self.unit.application

    def leads(self) -> bool:
        """Whether the unit is the leader at this moment."""
        with self.store.transaction() as tx:
            return leases.leads(tx, self.model, self.unit.name, clock.now().timestamp())

    def log(self, severity: str, module: str, message: str) -> None:
        """Write a line to the model's debug log."""
        self.journal.write(self.model, self.unit.name, severity, module, message)

    def config(self) -> dict[str, Any]:
        """The application's options with their defaults; None for what has neither."""
        if self._config is None:
            with self.store.transaction() as tx:
                self._config = applications.get_config(tx, self.model, self.application)
        return self._config

    def relations(self) -> Mapping[int, ContextRelation]:
        """The relations that the unit has entered."""
        if self._relations is None:
            with self.store.transaction() as tx:
                known = {
                    r.id: r for r in relations.of_application(tx, self.model, self.application)
                }
            self._relations = {
                number: self._relation(known[number])
                for number in sorted(self.local.relations)
                if number in known
            }
        return self._relations

    def hook_relation(self) -> ContextRelation | None:
        """The relation that the hook is about."""
        return None if self.relation is None else self.relations().get(self.relation)

    def stored_relation(self, number: int) -> Relation:
        """A relation as the store has it."""
        with self.store.transaction() as tx:
            return relations.get(tx, self.model, number)

    def read_settings(self, number: int, name: str) -> dict[str, str]:
        """The databag of a unit or application in a relation, the same for the whole hook.

        The unit's own databags include what the hook has set.

        Raises:
            PermissionDenied: the unit may not read it.
            NotFound: the unit was never in the relation.
        """
        key = (number, name)
        if key not in self._read:
            self._read[key] = self.stored_settings(number, name)
        own = {self.unit.name: self.unit_settings, self.application: self.application_settings}
        changes = own.get(name, {}).get(number, {})
        merged = {**self._read[key], **changes}
        return {k: value for k, value in merged.items() if value != ""}

    def stored_settings(self, number: int, name: str) -> dict[str, str]:
        """A databag as the store has it now, refused as in `read_settings`."""
        relation = self.stored_relation(number)
        remote = relation.remote(self.application).application
        with self.store.transaction() as tx:
            if "/" not in name:
                self._check_may_read(relation, name)
                return scopes.application_settings(tx, relation, name).values
            if name != self.unit.name and name.rpartition("/")[0] != remote:
                raise errors.PermissionDenied
            settings = scopes.unit_settings(tx, relation, name)
        if not settings.version:
            raise errors.NotFound(
                f'cannot read settings for unit "{name}" in relation "{relation.key}":'
                f' unit "{name}": settings not found'
            )
        return settings.values

    def _check_may_read(self, relation: Relation, application: str) -> None:
        """Of its own application's databag a minion sees only that of a peer relation."""
        if application not in relation.applications:
            raise errors.PermissionDenied
        if application == self.application and not relation.peer and not self.leads():
            raise errors.PermissionDenied

    def _relation(self, relation: Relation) -> ContextRelation:
        members = set(self.local.relations[relation.id].members)
        hook = self.hook
        if hook is not None and hook.relation == relation.id and hook.remote_unit:
            change = members.discard if hook.kind == "relation-departed" else members.add
            change(hook.remote_unit)
        active = relation.life == "alive" and not relation.suspended
        return ContextRelation(
            relation.id,
            relation.endpoint(self.application).name,
            relation.remote(self.application).application,
            tuple(sorted(members, key=_by_number)),
            broken=not relation.peer and not active and not members,
        )

    def refresh_unit(self) -> Unit:
        """The unit as the store has it now."""
        with self.store.transaction() as tx:
            return units.get(tx, self.model, self.unit.name)


def _remote_application(hook: Hook | None, remote_unit: str) -> str:
    if hook is not None and hook.remote_application:
        return hook.remote_application
    return remote_unit.rpartition("/")[0]


def _by_number(unit: str) -> tuple[str, int]:
    application, _, number = unit.rpartition("/")
    return application, int(number)
