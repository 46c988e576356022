"""What a hook does to secrets until it has succeeded, and what it sees of it meanwhile."""

from __future__ import annotations

import dataclasses
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state import leases, secret_consumers, secrets
from sandbox.juju.state.secret_values import Content, Grant, OwnerKind, Secret
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Unit


@dataclasses.dataclass(frozen=True)
class NewSecret:
    """A secret that the hook created."""

    owner_kind: OwnerKind
    owner: str
    content: Content = dataclasses.field(repr=False)
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    """label, description, rotate_policy, expire: what was given."""


@dataclasses.dataclass
class SecretChanges:
    """Creations, updates, removals, grants and revocations, to be made at the end."""

    created: dict[str, NewSecret] = dataclasses.field(default_factory=dict)
    updated: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """Attributes to change, `content` among them."""
    removed: dict[str, set[int] | None] = dataclasses.field(default_factory=dict)
    """The revisions to remove; None for the whole secret."""
    granted: dict[str, dict[tuple[str, str], Grant]] = dataclasses.field(default_factory=dict)
    revoked: dict[str, set[tuple[str, str]]] = dataclasses.field(default_factory=dict)
    tracked: set[str] = dataclasses.field(default_factory=set)
    """Updated secrets whose new revision the hook asked to follow."""

    def update(self, secret: str, attributes: dict[str, Any]) -> None:
        """Change a secret; the creation of this hook itself, where it made it."""
        created = self.created.get(secret)
        if created is None:
            self.updated[secret] = {**self.updated.get(secret, {}), **attributes}
            return
        rest = dict(attributes)
        content = rest.pop("content", None) or created.content
        self.created[secret] = dataclasses.replace(
            created, content=content, attributes={**created.attributes, **rest}
        )

    def remove(self, secret: str, revision: int | None) -> None:
        """Remove a secret or one revision of it."""
        if secret in self.created:
            del self.created[secret]
            return
        if revision is None:
            self.removed[secret] = None
        elif self.removed.get(secret, set()) is not None:
            self.removed[secret] = {*(self.removed.get(secret) or ()), revision}

    def grant(self, secret: str, grant: Grant) -> None:
        """Let somebody read a secret."""
        subject = (grant.subject_kind, grant.subject)
        self.revoked.get(secret, set()).discard(subject)
        self.granted.setdefault(secret, {})[subject] = grant

    def revoke(self, secret: str, kind: str, subject: str) -> None:
        """Take a permission back."""
        self.granted.get(secret, {}).pop((kind, subject), None)
        self.revoked.setdefault(secret, set()).add((kind, subject))

    def pending_content(self, secret: str, *, latest: bool) -> Content | None:
        """What the hook gave a secret: at its creation, or in an update if the latest is meant."""
        if secret in self.created:
            return self.created[secret].content
        return self.updated.get(secret, {}).get("content") if latest else None

    def pending_label(self, label: str) -> str | None:
        """The secret to which the hook gave a label."""
        for secret, new in self.created.items():
            if new.attributes.get("label") == label:
                return secret
        for secret, attributes in self.updated.items():
            if attributes.get("label") == label:
                return secret
        return None

    @property
    def summary(self) -> dict[str, list[str]]:
        """The ids that change, for the record of the run: never content."""
        named = {
            "created": self.created,
            "updated": self.updated,
            "removed": self.removed,
            "granted": self.granted,
            "revoked": self.revoked,
        }
        return {key: sorted(value) for key, value in named.items() if value}


def manageable(tx: Transaction, secret: Secret, unit: Unit, now: float) -> bool:
    """Whether a unit may change a secret: its own, or as the leader its application's."""
    if (secret.owner_kind, secret.owner) == ("unit", unit.name):
        return True
    owned = (secret.owner_kind, secret.owner) == ("application", unit.application)
    return owned and leases.leads(tx, unit.model, unit.name, now)


def apply(tx: Transaction, unit: Unit, changes: SecretChanges, now: float) -> None:
    """Make the changes.

    Raises:
        JujuError: the unit may not (any more), a label is taken, a subject is gone.
    """
    for secret, new in changes.created.items():
        if new.owner_kind == "application" and not leases.leads(tx, unit.model, unit.name, now):
            raise errors.PermissionDenied
        secrets.create(
            tx,
            unit.model,
            new.owner_kind,
            new.owner,
            new.content,
            secret=secret,
            **new.attributes,
        )
    for secret, attributes in changes.updated.items():
        _check(tx, unit, secret, now)
        secrets.update(tx, unit.model, secret, **attributes)
    for secret, subjects in changes.revoked.items():
        _check(tx, unit, secret, now)
        for kind, subject in subjects:
            secrets.revoke(tx, unit.model, secret, kind, subject)  # type: ignore[arg-type]
    for secret, grants in changes.granted.items():
        _check(tx, unit, secret, now)
        for grant in grants.values():
            secrets.grant(
                tx, unit.model, secret, grant.subject_kind, grant.subject, grant.relation
            )
    for secret in changes.tracked:
        secret_consumers.track(tx, unit.model, unit.name, secret)
    for secret, revisions in changes.removed.items():
        _check(tx, unit, secret, now)
        secrets.remove(tx, unit.model, secret, revisions)


def _check(tx: Transaction, unit: Unit, secret: str, now: float) -> None:
    if not manageable(tx, secrets.get(tx, unit.model, secret), unit, now):
        raise errors.PermissionDenied
