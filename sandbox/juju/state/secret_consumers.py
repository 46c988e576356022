"""Units that read secrets: which revision each one tracks, and by which label."""

from __future__ import annotations

from sandbox.juju import errors
from sandbox.juju.state import mirrored_relations, secrets
from sandbox.juju.state.secret_values import Secret
from sandbox.juju.state.store import Transaction


def read(
    tx: Transaction,
    model: str,
    unit: str,
    secret: str | None,
    *,
    label: str = "",
    refresh: bool = False,
    peek: bool = False,
    leader: bool = False,
) -> dict[str, str]:
    """The content of the revision that a unit tracks: key to base64 text.

    The first read, and `refresh`, make it track the latest; `peek` looks at the latest this
    once. The secret is found by id, or by the owner's or the consumer's label; a label
    beside an id becomes the consumer's (the owner's, where an owner or the leader reads).

    Raises:
        NotFound: no such secret or label.
        PermissionDenied: the unit may not read it.
        AlreadyExists: the unit uses the label for another secret.
    """
    if secret is None:
        known = by_label(tx, model, unit, label)
        label = ""
    else:
        known = anywhere(tx, model, unit, secret)
    reader = _reader(tx, known, model, unit)
    if label and known.model == model and _owned(known, unit):
        if leader or known.owner_kind == "unit":
            secrets.update(tx, model, known.id, label=label)
        label = ""
    revision = _revision(tx, known, reader, label, refresh=refresh, peek=peek)
    tx.touch("unit", model, unit)
    return secrets.content(tx, known.model, known.id, revision)


def anywhere(tx: Transaction, model: str, unit: str, secret: str) -> Secret:
    """A secret of this model, or of one that the unit is related to; NotFound if there is none."""
    for place in (model, *(other for other, _ in mirrored_relations.aliases(tx, model, unit))):
        if tx.one("SELECT 1 FROM secrets WHERE model = ? AND id = ?", place, secret):
            return secrets.get(tx, place, secret)
    return secrets.get(tx, model, secret)


def by_label(tx: Transaction, model: str, unit: str, label: str) -> Secret:
    """The secret that a unit means by a label: its own, its application's, or one it reads."""
    application = unit.rpartition("/")[0]
    found = tx.value(
        "SELECT id FROM secrets WHERE model = ? AND label = ? AND"
        " ((owner_kind = 'unit' AND owner = ?) OR (owner_kind = 'application' AND owner = ?))",
        *(model, label, unit, application),
    ) or tx.value(
        "SELECT secret FROM secret_consumers WHERE model = ? AND unit = ? AND label = ?",
        *(model, unit, label),
    )
    if found is not None:
        return secrets.get(tx, model, found)
    for other, name in mirrored_relations.aliases(tx, model, unit):
        found = tx.value(
            "SELECT secret FROM secret_consumers WHERE model = ? AND unit = ? AND label = ?",
            *(other, name, label),
        )
        if found is not None:
            return secrets.get(tx, other, found)
    raise errors.NotFound(f'consumer label "{label}" not found')


def consumed(tx: Transaction, model: str, unit: str) -> dict[str, tuple[int, str]]:
    """The latest revision and the unit's label of every secret that it reads and may read."""
    result = _consumed(tx, model, unit)
    for other, name in mirrored_relations.aliases(tx, model, unit):
        result |= _consumed(tx, other, name)
    return result


def _consumed(tx: Transaction, model: str, unit: str) -> dict[str, tuple[int, str]]:
    rows = tx.all(
        "SELECT c.secret, c.label, s.latest, s.label AS owner_label, s.owner_kind, s.owner"
        " FROM secret_consumers c JOIN secrets s ON s.model = c.model AND s.id = c.secret"
        " WHERE c.model = ? AND c.unit = ?",
        *(model, unit),
    )
    application = unit.rpartition("/")[0]
    result = {}
    for row in rows:
        own = (row["owner_kind"], row["owner"]) in (("unit", unit), ("application", application))
        label = row["label"] or (row["owner_label"] if own else "")
        if own or secrets.readable(tx, model, row["secret"], unit):
            result[row["secret"]] = (row["latest"], label)
    return result


def units(tx: Transaction, model: str, secret: str) -> list[str]:
    """The units that read a secret."""
    rows = tx.all(
        "SELECT unit FROM secret_consumers WHERE model = ? AND secret = ?", model, secret
    )
    return [row["unit"] for row in rows]


def track(tx: Transaction, model: str, unit: str, secret: str) -> None:
    """Make a unit track the latest revision of a secret."""
    _revision(tx, secrets.get(tx, model, secret), unit, "", refresh=True, peek=False)


def _reader(tx: Transaction, secret: Secret, model: str, unit: str) -> str:
    """What the secret's model calls a unit that may read it; PermissionDenied if it may not."""
    names = [unit]
    if secret.model != model:
        aliases = mirrored_relations.aliases(tx, model, unit)
        names = [name for other, name in aliases if other == secret.model]
    for name in names:
        if secrets.readable(tx, secret.model, secret.id, name):
            return name
    raise errors.PermissionDenied


def _owned(secret: Secret, unit: str) -> bool:
    application = unit.rpartition("/")[0]
    return (secret.owner_kind, secret.owner) in (("unit", unit), ("application", application))


def _revision(
    tx: Transaction, secret: Secret, unit: str, label: str, *, refresh: bool, peek: bool
) -> int:
    """The revision to show, after noting what the unit tracks now."""
    model = secret.model
    row = tx.one(
        "SELECT revision, label FROM secret_consumers WHERE model = ? AND secret = ? AND unit = ?",
        *(model, secret.id, unit),
    )
    if label:
        _check_label(tx, model, unit, secret.id, label)
    refresh = refresh or row is None
    tracked = secret.latest if refresh or row is None else row["revision"]
    if refresh or label:
        tx.execute(
            "INSERT OR REPLACE INTO secret_consumers (model, secret, unit, label, revision)"
            " VALUES (?, ?, ?, ?, ?)",
            *(model, secret.id, unit, label or (row["label"] if row else ""), tracked),
        )
        secrets.mark_obsolete(tx, model, secret.id)
        tx.touch("unit", model, unit)
    return secret.latest if peek else tracked


def _check_label(tx: Transaction, model: str, unit: str, secret: str, label: str) -> None:
    taken = tx.one(
        "SELECT 1 FROM secret_consumers"
        " WHERE model = ? AND unit = ? AND label = ? AND secret <> ?",
        *(model, unit, label, secret),
    )
    if taken:
        raise errors.AlreadyExists(f'secret consumer with label "{label}" already exists')
