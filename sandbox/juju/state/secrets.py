"""Secrets of charms and users: owners, revisions, grants, consumers, rotation and expiry.

A user secret is one whose owner is the model: `create(tx, model, "model", model, content,
label=name)`, granted to applications without a relation. Rules: state/secrets.go and
apiserver/facades/agent/secretsmanager of Juju 3.6.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterable

from sandbox.juju import clock, errors
from sandbox.juju.state.secret_values import (
    RETRY,
    ROTATE_POLICIES,
    Content,
    Grant,
    OwnerKind,
    Revision,
    Secret,
    SubjectKind,
    check,
    new_id,
    next_rotation,
)
from sandbox.juju.state.store import Transaction


def create(
    tx: Transaction,
    model: str,
    owner_kind: OwnerKind,
    owner: str,
    content: Content,
    *,
    label: str = "",
    description: str = "",
    rotate_policy: str = "never",
    expire: str | None = None,
    secret: str | None = None,
) -> Secret:
    """Create a secret with its first revision; `expire` is a timestamp.

    Raises:
        NotValid: empty or oversized content, a bad key, an unknown rotate policy.
        AlreadyExists: the owner has a secret of that label.
    """
    _check_content(content)
    _check_policy(rotate_policy)
    _check_label(tx, model, owner_kind, owner, label)
    secret = secret or new_id()
    now = clock.now()
    rotation = next_rotation(rotate_policy, now)
    stamp = clock.stamp(now)
    tx.insert(
        "secrets",
        model=model,
        id=secret,
        owner_kind=owner_kind,
        owner=owner,
        label=label,
        description=description,
        rotate_policy=rotate_policy,
        next_rotate=clock.stamp(rotation) if rotation else None,
        created=stamp,
        updated=stamp,
    )
    _add_revision(tx, model, secret, 1, content, expire)
    tx.touch("secret", model, secret)
    return get(tx, model, secret)


def update(
    tx: Transaction,
    model: str,
    secret: str,
    *,
    content: Content | None = None,
    label: str | None = None,
    description: str | None = None,
    rotate_policy: str | None = None,
    expire: str | None = None,
    auto_prune: bool | None = None,
) -> Secret:
    """Change what is given; content that differs from the latest makes a new revision.

    Raises:
        NotFound: no such secret.
        NotValid: as for `create`.
        AlreadyExists: the owner has another secret of that label.
    """
    known = get(tx, model, secret)
    if label is not None and label != known.label:
        _check_label(tx, model, known.owner_kind, known.owner, label)
        tx.update("secrets", {"model": model, "id": secret}, label=label)
    if description is not None:
        tx.update("secrets", {"model": model, "id": secret}, description=description)
    if auto_prune is not None:
        tx.update("secrets", {"model": model, "id": secret}, auto_prune=int(auto_prune))
    if rotate_policy is not None:
        _set_policy(tx, known, rotate_policy)
    _update_content(tx, known, content, expire)
    tx.update("secrets", {"model": model, "id": secret}, updated=clock.stamp())
    tx.touch("secret", model, secret)
    return get(tx, model, secret)


def remove(
    tx: Transaction, model: str, secret: str, revisions: Iterable[int] | None = None
) -> None:
    """Remove a secret, or only some of its revisions; with its last revision it goes itself.

    Raises:
        NotFound: no such secret.
    """
    get(tx, model, secret)
    for number in revisions or ():
        tx.execute(
            "DELETE FROM secret_revisions WHERE model = ? AND secret = ? AND revision = ?",
            *(model, secret, number),
        )
    left = tx.value(
        "SELECT count(*) FROM secret_revisions WHERE model = ? AND secret = ?", model, secret
    )
    tx.touch("secret", model, secret)
    if revisions is not None and left:
        return
    _touch_consumers(tx, model, secret)
    for table in ("secret_revisions", "secret_grants", "secret_consumers"):
        tx.execute(f"DELETE FROM {table} WHERE model = ? AND secret = ?", model, secret)
    tx.execute("DELETE FROM secrets WHERE model = ? AND id = ?", model, secret)


def grant(
    tx: Transaction,
    model: str,
    secret: str,
    subject_kind: SubjectKind,
    subject: str,
    relation: int | None = None,
) -> None:
    """Let a unit or an application read a secret, as long as the relation lasts.

    Raises:
        NotFound: no such secret, application or unit.
        NotValid: the subject has it in the scope of another relation.
    """
    get(tx, model, secret)
    if not _exists(tx, model, subject_kind, subject):
        raise errors.NotFound(f'{subject_kind} "{subject}" not found')
    known = [
        g
        for g in grants(tx, model, secret)
        if (g.subject_kind, g.subject) == (subject_kind, subject)
    ]
    if known and known[0].relation != relation:
        raise errors.NotValid("cannot change secret permission scope")
    tx.execute(
        "INSERT OR REPLACE INTO secret_grants (model, secret, subject_kind, subject, relation)"
        " VALUES (?, ?, ?, ?, ?)",
        *(model, secret, subject_kind, subject, relation),
    )
    tx.touch("secret", model, secret)


def _exists(tx: Transaction, model: str, subject_kind: SubjectKind, subject: str) -> bool:
    """Whether there is such a unit or application, here or in a related model."""
    table = "applications" if subject_kind == "application" else "units"
    if tx.one(f"SELECT 1 FROM {table} WHERE model = ? AND name = ?", model, subject):
        return True
    remote = "SELECT 1 FROM remote_applications WHERE model = ? AND name = ?"
    return tx.one(remote, model, subject.partition("/")[0]) is not None


def revoke(
    tx: Transaction, model: str, secret: str, subject_kind: SubjectKind, subject: str
) -> None:
    """Take a permission back; nothing happens where there is none."""
    tx.execute(
        "DELETE FROM secret_grants"
        " WHERE model = ? AND secret = ? AND subject_kind = ? AND subject = ?",
        *(model, secret, subject_kind, subject),
    )
    tx.touch("secret", model, secret)


def get(tx: Transaction, model: str, secret: str) -> Secret:
    """A secret by id; NotFound if there is none."""
    row = tx.one("SELECT * FROM secrets WHERE model = ? AND id = ?", model, secret)
    if row is None:
        raise errors.NotFound(f'secret "secret:{secret}" not found')
    return _secret(row)


def find(tx: Transaction, model: str, name: str) -> Secret:
    """A user secret by its name; NotFound if there is none."""
    row = tx.one(
        "SELECT * FROM secrets WHERE model = ? AND owner_kind = 'model' AND label = ?", model, name
    )
    if row is None:
        raise errors.NotFound(f'secret "{name}" not found')
    return _secret(row)


def of_model(tx: Transaction, model: str) -> list[Secret]:
    """Every secret of a model, of charms and of users, oldest first."""
    rows = tx.all("SELECT * FROM secrets WHERE model = ? ORDER BY created, id", model)
    return [_secret(row) for row in rows]


def of_owner(tx: Transaction, model: str, kind: OwnerKind, owner: str) -> list[Secret]:
    """What one unit, application or model owns, oldest first."""
    rows = tx.all(
        "SELECT * FROM secrets WHERE model = ? AND owner_kind = ? AND owner = ?"
        " ORDER BY created, id",
        *(model, kind, owner),
    )
    return [_secret(row) for row in rows]


def remove_owned(tx: Transaction, model: str, kind: OwnerKind, owner: str) -> None:
    """Remove what a unit or application owned that is gone, and what it was granted."""
    for secret in of_owner(tx, model, kind, owner):
        remove(tx, model, secret.id)
    tx.execute(
        "DELETE FROM secret_grants WHERE model = ? AND subject_kind = ? AND subject = ?",
        *(model, kind, owner),
    )
    if kind == "unit":
        tx.execute("DELETE FROM secret_consumers WHERE model = ? AND unit = ?", model, owner)


def revisions(tx: Transaction, model: str, secret: str) -> list[Revision]:
    """The revisions of a secret, oldest first, without their content."""
    rows = tx.all(
        "SELECT revision, expire, obsolete, created FROM secret_revisions"
        " WHERE model = ? AND secret = ? ORDER BY revision",
        *(model, secret),
    )
    return [
        Revision(row["revision"], row["expire"], bool(row["obsolete"]), row["created"])
        for row in rows
    ]


def content(tx: Transaction, model: str, secret: str, revision: int) -> dict[str, str]:
    """The content of one revision: key to base64 text. NotFound if there is none."""
    text = tx.value(
        "SELECT content_json FROM secret_revisions"
        " WHERE model = ? AND secret = ? AND revision = ?",
        *(model, secret, revision),
    )
    if text is None:
        raise errors.NotFound(f'secret revision "{secret}/{revision}" not found')
    return json.loads(text)


def grants(tx: Transaction, model: str, secret: str) -> list[Grant]:
    """Who may read it. A grant ends with its relation."""
    rows = tx.all(
        "SELECT g.* FROM secret_grants g WHERE g.model = ? AND g.secret = ?"
        " AND (g.relation IS NULL OR EXISTS (SELECT 1 FROM relations r"
        "      WHERE r.model = g.model AND r.id = g.relation))"
        " ORDER BY g.subject_kind, g.subject",
        *(model, secret),
    )
    return [Grant(r["subject_kind"], r["subject"], r["relation"], r["role"]) for r in rows]


def readable(tx: Transaction, model: str, secret: str, unit: str) -> bool:
    """Whether a unit may read it: it or its application owns it or was granted it."""
    known = get(tx, model, secret)
    subjects = {("unit", unit), ("application", unit.rpartition("/")[0])}
    if (known.owner_kind, known.owner) in subjects:
        return True
    return any((g.subject_kind, g.subject) in subjects for g in grants(tx, model, secret))


def due(tx: Transaction, now: datetime.datetime) -> list[tuple[str, str]]:
    """(model, secret) of all whose rotation or a revision's expiry has come."""
    stamp = clock.stamp(now)
    rows = tx.all(
        "SELECT model, id AS secret FROM secrets WHERE next_rotate <= ?"
        " UNION SELECT model, secret FROM secret_revisions WHERE expire <= ?",
        *(stamp, stamp),
    )
    return [(row["model"], row["secret"]) for row in rows]


def rotated(tx: Transaction, model: str, secret: str, original: int) -> None:
    """Note that `secret-rotate` ran, with the revision from before it.

    The policy tells when the next one is due. A charm that made no new revision, or whose
    latest expires before that, is asked again in five minutes.
    """
    known = get(tx, model, secret)
    last = clock.parse(known.next_rotate) if known.next_rotate else clock.now()
    following = next_rotation(known.rotate_policy, last)
    if following is None:
        return
    expire = tx.value(
        "SELECT expire FROM secret_revisions WHERE model = ? AND secret = ? AND revision = ?",
        *(model, secret, known.latest),
    )
    soon = last + RETRY
    early = expire is not None and clock.stamp(soon) < expire < clock.stamp(following)
    if early or known.latest == original:
        following = soon
    tx.update("secrets", {"model": model, "id": secret}, next_rotate=clock.stamp(following))
    tx.touch("secret", model, secret)


def mark_obsolete(tx: Transaction, model: str, secret: str) -> None:
    """Mark the revisions that nobody tracks and that are not the latest; prune a user's."""
    changed = tx.execute(
        "UPDATE secret_revisions SET obsolete = 1 WHERE model = ? AND secret = ? AND obsolete = 0"
        " AND revision < (SELECT latest FROM secrets WHERE model = ? AND id = ?)"
        " AND revision NOT IN"
        " (SELECT revision FROM secret_consumers WHERE model = ? AND secret = ?)",
        *(model, secret, model, secret, model, secret),
    )
    if get(tx, model, secret).auto_prune:
        tx.execute(
            "DELETE FROM secret_revisions WHERE model = ? AND secret = ? AND obsolete = 1",
            *(model, secret),
        )
    if changed:
        tx.touch("secret", model, secret)


def _secret(row: sqlite3.Row) -> Secret:
    return Secret(
        model=row["model"],
        id=row["id"],
        owner_kind=row["owner_kind"],
        owner=row["owner"],
        label=row["label"],
        description=row["description"],
        rotate_policy=row["rotate_policy"],
        next_rotate=row["next_rotate"],
        auto_prune=bool(row["auto_prune"]),
        latest=row["latest"],
        created=row["created"],
        updated=row["updated"],
    )


def _set_policy(tx: Transaction, known: Secret, policy: str) -> None:
    _check_policy(policy)
    rotation = next_rotation(policy, clock.now())
    stamp = clock.stamp(rotation) if rotation else None
    if rotation and known.next_rotate:
        # Juju only ever moves a planned rotation nearer (secretRotationOps).
        stamp = min(known.next_rotate, clock.stamp(rotation))
    tx.update(
        "secrets",
        {"model": known.model, "id": known.id},
        rotate_policy=policy,
        next_rotate=stamp,
    )


def _update_content(
    tx: Transaction, known: Secret, new: Content | None, expire: str | None
) -> None:
    key = {"model": known.model, "secret": known.id}
    if new:
        check(new)
    if not new or dict(new) == content(tx, known.model, known.id, known.latest):
        if expire is not None:
            tx.update("secret_revisions", {**key, "revision": known.latest}, expire=expire)
        return
    number = known.latest + 1
    _add_revision(tx, known.model, known.id, number, new, expire)
    tx.update("secrets", {"model": known.model, "id": known.id}, latest=number)
    mark_obsolete(tx, known.model, known.id)


def _add_revision(
    tx: Transaction, model: str, secret: str, number: int, new: Content, expire: str | None
) -> None:
    tx.insert(
        "secret_revisions",
        model=model,
        secret=secret,
        revision=number,
        content_json=dict(new),
        expire=expire,
        created=clock.stamp(),
    )


def _touch_consumers(tx: Transaction, model: str, secret: str) -> None:
    rows = tx.all(
        "SELECT unit FROM secret_consumers WHERE model = ? AND secret = ?", model, secret
    )
    for row in rows:
        tx.touch("unit", model, row["unit"])


def _check_content(new: Content) -> None:
    if not new:
        raise errors.NotValid("empty secret value not valid")
    check(new)


def _check_policy(policy: str) -> None:
    if policy not in ROTATE_POLICIES:
        raise errors.NotValid(f'secret rotate policy "{policy}" not valid')


def _check_label(
    tx: Transaction, model: str, owner_kind: OwnerKind, owner: str, label: str
) -> None:
    taken = label and tx.one(
        "SELECT 1 FROM secrets WHERE model = ? AND owner_kind = ? AND owner = ? AND label = ?",
        *(model, owner_kind, owner, label),
    )
    if taken:
        word = "name" if owner_kind == "model" else "label"
        raise errors.AlreadyExists(f'secret with {word} "{label}" already exists')
