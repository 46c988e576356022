"""Which hook is to run, and about what. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any

RELATION_KINDS = frozenset(
    {
        "relation-created",
        "relation-joined",
        "relation-changed",
        "relation-departed",
        "relation-broken",
    }
)
STORAGE_KINDS = frozenset({"storage-attached", "storage-detaching"})
SECRET_KINDS = frozenset({"secret-changed", "secret-rotate", "secret-expired", "secret-remove"})
_WITH_REVISION = frozenset({"secret-expired", "secret-remove"})


@dataclasses.dataclass(frozen=True)
class Hook:
    """One hook and the subject that its context has."""

    kind: str
    """install, config-changed, relation-joined, storage-attached, secret-changed, ..."""
    relation: int | None = None
    remote_unit: str = ""
    remote_application: str = ""
    departing_unit: str = ""
    change_version: int = 0
    """The version of the databag that this hook is told of."""
    storage: str = ""
    secret: str = ""
    secret_revision: int = 0
    secret_label: str = ""

    @property
    def about_relation(self) -> bool:
        """Whether it is one of a relation's five hooks."""
        return self.kind in RELATION_KINDS

    @property
    def about_storage(self) -> bool:
        """Whether it is one of a storage's hooks."""
        return self.kind in STORAGE_KINDS

    @property
    def about_secret(self) -> bool:
        """Whether it is one of a secret's hooks."""
        return self.kind in SECRET_KINDS

    @property
    def shown_revision(self) -> int:
        """The secret's revision that the charm is told; 0 for hooks of the whole secret."""
        return self.secret_revision if self.kind in _WITH_REVISION else 0

    def name(self, endpoint: str = "") -> str:
        """The name that the charm knows it by: amqp-relation-joined, osd-storage-attached."""
        if self.about_relation:
            return f"{endpoint}-{self.kind}"
        if self.about_storage:
            return f"{self.storage.partition('/')[0]}-{self.kind}"
        return self.kind

    @property
    def subject(self) -> str:
        """What it is about, for a trace: the remote unit or application, storage or secret."""
        if self.about_relation:
            return self.remote_unit or self.remote_application
        return self.storage or self.secret

    def running_message(self, name: str) -> str:
        """What the agent's status says while it runs (operation/runhook.go)."""
        if self.about_relation and self.remote_unit:
            return f"running {name} hook for {self.remote_unit}"
        if self.about_secret:
            revision = f"/{self.shown_revision}" if self.shown_revision else ""
            return f"running {name} hook for secret:{self.secret}{revision}"
        return f"running {name} hook"

    def to_document(self) -> dict[str, Any]:
        """As a JSON object without what has its default."""
        return {key: value for key, value in vars(self).items() if value != _DEFAULTS[key]}


_DEFAULTS = {field.name: field.default for field in dataclasses.fields(Hook)}
