"""secret-add, -set, -get, -grant, -revoke, -info-get, -ids, -remove.

No message of these tools ever quotes a value.
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import yaml

from sandbox.juju import clock, errors
from sandbox.juju.engine import secret_changes
from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.secret_changes import NewSecret
from sandbox.juju.hook_tools import lookup
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import (
    FILE,
    Flag,
    Invocation,
    ToolError,
    UsageError,
)
from sandbox.juju.state import leases, secret_consumers, secret_values, secrets
from sandbox.juju.state.secret_values import Content, Grant, Secret

EXPIRE = Flag(("--expire",))
ROTATE = Flag(("--rotate",))
DESCRIPTION = Flag(("--description",))
LABEL = Flag(("--label",))
OWNER = Flag(("--owner",), "application")
PEEK = Flag(("--peek",), False)
REFRESH = Flag(("--refresh",), False)
UNIT = Flag(("--unit",))
APPLICATION = Flag(("--app", "--application"))
REVISION = Flag(("--revision",), "0")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")
_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_NOT_LEADER = "this unit is not the leader"


def add(context: HookContext, invocation: Invocation) -> Answer:
    """Create a secret of the application (only the leader may) or of the unit."""
    if not invocation.arguments and not invocation[FILE]:
        raise UsageError("missing secret value or filename")
    attributes = _attributes(invocation)
    content = _content(invocation, invocation.arguments)
    if not content:
        raise ToolError("empty secret value not valid")
    by_unit = invocation[OWNER] == "unit"
    if not by_unit and not context.leads():
        raise ToolError(_NOT_LEADER)
    secret = secret_values.new_id()
    context.secrets.created[secret] = NewSecret(
        "unit" if by_unit else "application",
        context.unit.name if by_unit else context.application,
        content,
        attributes,
    )
    return Answer(stdout=f"secret://{context.model}/{secret}\n".encode())


def put(context: HookContext, invocation: Invocation) -> Answer:
    """Change a secret: a new revision, or its label, description, rotation or expiry."""
    secret = _identity(invocation)
    attributes = _attributes(invocation)
    content = _content(invocation, invocation.arguments[1:])
    if content:
        attributes["content"] = content
    _check_manageable(context, secret)
    if attributes:
        context.secrets.update(secret, attributes)
    return NOTHING


def get(context: HookContext, invocation: Invocation) -> Answer:
    """The content of a secret, or one of its values (base64 where the key says so)."""
    label = invocation[LABEL]
    if not invocation.arguments and not label:
        raise UsageError("require either a secret URI or label")
    secret = _parsed(invocation.arguments[0]) if invocation.arguments else None
    if invocation[PEEK] and invocation[REFRESH]:
        raise UsageError("specify one of --peek or --refresh but not both")
    invocation.expect(2)
    content = _read(context, invocation, secret, label)
    if len(invocation.arguments) < 2:
        return formatted(invocation, secret_values.decode(content), default="yaml")
    key, _, form = invocation.arguments[1].partition("#")
    if key not in content:
        raise ToolError(f'secret key value "{key}" not found')
    value = content[key] if form == "base64" else secret_values.decode(content)[key]
    return formatted(invocation, value, default="yaml")


def grant(context: HookContext, invocation: Invocation) -> Answer:
    """Let the application at the other end of a relation, or one unit of it, read a secret."""
    secret = _identity(invocation)
    relation = lookup.relation(context, invocation)
    invocation.expect(1)
    unit = invocation[UNIT]
    if unit and unit.rpartition("/")[0] != relation.remote_application:
        raise UsageError(
            f'cannot specify unit "{unit}" in relation to application'
            f' "{relation.remote_application}"'
        )
    _check_manageable(context, secret)
    subject = unit or relation.remote_application
    new = Grant("unit" if unit else "application", subject, relation.id)
    known = _grants(context, secret)
    if any((g.subject_kind, g.subject) == (new.subject_kind, subject) for g in known):
        return NOTHING
    same = [g for g in known if g.relation == relation.id]
    if any(g.subject_kind == "application" for g in same):
        return NOTHING
    if same and new.subject_kind == "application":
        raise ToolError(
            "any unit level grants need to be revoked before granting access to the"
            " corresponding application"
        )
    context.secrets.grant(secret, new)
    return NOTHING


def revoke(context: HookContext, invocation: Invocation) -> Answer:
    """Take back what an application or a unit was granted."""
    secret = _identity(invocation)
    application, unit = invocation[APPLICATION], invocation[UNIT]
    if application and unit:
        raise UsageError("specify only one of application or unit")
    relation = lookup.optional_relation(context, invocation)
    if relation is not None:
        if application:
            raise UsageError("do not specify both relation and app")
        application = relation.remote_application
    if not application and not unit:
        raise UsageError("missing relation or application or unit")
    invocation.expect(1)
    _check_manageable(context, secret)
    context.secrets.revoke(secret, "unit" if unit else "application", unit or application)
    return NOTHING


def info(context: HookContext, invocation: Invocation) -> Answer:
    """What the owner may know of a secret, all but its content."""
    label = invocation[LABEL]
    if bool(invocation.arguments) == bool(label):
        problem = "specify" if label else "require"
        suffix = " but not both" if label else ""
        raise UsageError(f"{problem} either a secret URI or label{suffix}")
    invocation.expect(1)
    known = _metadata(context)
    if invocation.arguments:
        wanted = _parsed(invocation.arguments[0])
        found = wanted if wanted in known else None
    else:
        wanted = label
        found = next((i for i, shown in known.items() if shown["label"] == label), None)
    if found is None:
        raise ToolError(f'secret "{wanted}" not found')
    return formatted(invocation, {found: known[found]}, default="yaml")


def ids(context: HookContext, invocation: Invocation) -> Answer:
    """The secrets that the unit manages."""
    invocation.expect(0)
    return formatted(invocation, list(_metadata(context)))


def remove(context: HookContext, invocation: Invocation) -> Answer:
    """Remove a secret, or one revision of it."""
    secret = _identity(invocation)
    invocation.expect(1)
    if not invocation[REVISION].isdigit():
        raise UsageError(f'invalid value "{invocation[REVISION]}" for option --revision')
    _check_manageable(context, secret)
    context.secrets.remove(secret, int(invocation[REVISION]) or None)
    return NOTHING


def _identity(invocation: Invocation) -> str:
    if not invocation.arguments:
        raise UsageError("missing secret URI")
    return _parsed(invocation.arguments[0])


def _parsed(text: str) -> str:
    try:
        return secret_values.parse_uri(text)
    except errors.NotValid as refusal:
        raise UsageError(str(refusal)) from None


def _attributes(invocation: Invocation) -> dict[str, Any]:
    """Label, description, rotation and expiry, as far as they were given."""
    attributes: dict[str, Any] = {}
    if invocation[EXPIRE]:
        attributes["expire"] = clock.stamp(_moment(invocation[EXPIRE]))
    policy = invocation[ROTATE]
    if policy:
        if policy not in secret_values.ROTATE_POLICIES:
            raise UsageError(f'rotate policy "{policy}" not valid')
        attributes["rotate_policy"] = policy
    if invocation[OWNER] not in ("application", "unit"):
        raise UsageError(f'secret owner "{invocation[OWNER]}" not valid')
    for flag, name in ((DESCRIPTION, "description"), (LABEL, "label")):
        if invocation[flag]:
            attributes[name] = invocation[flag]
    return attributes


def _moment(text: str) -> datetime.datetime:
    """A time, or a duration from now such as 24h."""
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        parts = _DURATION.findall(text)
        if not parts or "".join(a + b for a, b in parts) != text.removeprefix("-"):
            raise UsageError(f'expire time or duration "{text}" not valid') from None
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        if seconds <= 0 or text.startswith("-"):
            raise UsageError(f'negative expire duration "{text}" not valid') from None
        return clock.now() + datetime.timedelta(seconds=seconds)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def _content(invocation: Invocation, arguments: tuple[str, ...]) -> Content:
    """The values of `--file` over those of the arguments; key#file= names a file to read."""
    try:
        pairs = secret_values.key_values(arguments)
        values = {**_with_files(invocation, pairs), **_file_values(invocation)}
        return secret_values.encode(values)
    except errors.NotValid as refusal:
        raise UsageError(str(refusal)) from None


def _with_files(invocation: Invocation, pairs: dict[str, str]) -> dict[str, str]:
    values = {}
    for key, value in pairs.items():
        name, _, form = key.partition("#")
        if form == "file":
            values[name] = _text(invocation, value, f'reading content for secret key "{name}"')
        else:
            values[key] = value
    return values


def _file_values(invocation: Invocation) -> dict[str, str]:
    if not invocation[FILE]:
        return {}
    text = _text(invocation, invocation[FILE], "reading secret values")
    try:
        document = json.loads(text)
    except ValueError:
        document = _yaml(text)
    if not isinstance(document, dict):
        raise UsageError("the file does not hold a map of secret values")
    return {
        str(key): value if isinstance(value, str) else str(value)
        for key, value in document.items()
    }


def _yaml(text: str) -> Any:
    """The document; an error of the parser would quote the secret."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageError("the file with the secret's values is not YAML") from None


def _text(invocation: Invocation, name: str, purpose: str) -> str:
    path = invocation.path(name)
    try:
        if (size := path.stat().st_size) > secret_values.LIMIT:
            raise UsageError(f'secret content in file "{path}" too large: {size} bytes')
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise UsageError(f"{purpose}: open {name}: {reason}") from None


def _read(context: HookContext, invocation: Invocation, secret: str | None, label: str) -> Content:
    latest = invocation[PEEK] or invocation[REFRESH]
    wanted = secret or context.secrets.pending_label(label)
    if wanted is not None:
        content = context.secrets.pending_content(wanted, latest=latest)
        if content is not None:
            if invocation[REFRESH] and wanted in context.secrets.updated:
                context.secrets.tracked.add(wanted)
            return content
    with context.store.transaction() as tx:
        return secret_consumers.read(
            tx,
            context.model,
            context.unit.name,
            wanted,
            label=label,
            refresh=invocation[REFRESH],
            peek=invocation[PEEK],
            leader=context.leads(),
        )


def _check_manageable(context: HookContext, secret: str) -> None:
    if secret in context.secrets.created:
        return
    now = clock.now().timestamp()
    with context.store.transaction() as tx:
        known = secrets.get(tx, context.model, secret)
        if not secret_changes.manageable(tx, known, context.unit, now):
            own = (known.owner_kind, known.owner) == ("application", context.application)
            raise ToolError(_NOT_LEADER if own else f'secret "{secret}" not found')


def _grants(context: HookContext, secret: str) -> list[Grant]:
    """The grants as they will be once the hook has succeeded."""
    stored: list[Grant] = []
    if secret not in context.secrets.created:
        with context.store.transaction() as tx:
            stored = secrets.grants(tx, context.model, secret)
    revoked = context.secrets.revoked.get(secret, set())
    kept = [g for g in stored if (g.subject_kind, g.subject) not in revoked]
    return [*kept, *context.secrets.granted.get(secret, {}).values()]


def _metadata(context: HookContext) -> dict[str, dict[str, Any]]:
    """Every secret that the unit manages, as it will be once the hook has succeeded."""
    changes = context.secrets
    shown: dict[str, dict[str, Any]] = {}
    for secret, new in changes.created.items():
        shown[secret] = _display(1, new.owner_kind, new.attributes)
    for secret in _managed(context):
        if changes.removed.get(secret.id, ()) is None:
            continue
        attributes = {
            "label": secret.label,
            "description": secret.description,
            "rotate_policy": secret.rotate_policy,
            "expire": _expiry(context, secret),
            **changes.updated.get(secret.id, {}),
        }
        shown[secret.id] = _display(secret.latest, secret.owner_kind, attributes)
        if secret.next_rotate:
            shown[secret.id]["rotates"] = secret.next_rotate
    for secret_id, display in shown.items():
        access = [_access(context, grant) for grant in _grants(context, secret_id)]
        if access:
            display["access"] = access
    return shown


def _managed(context: HookContext) -> list[Secret]:
    model, unit = context.model, context.unit
    with context.store.transaction() as tx:
        own = secrets.of_owner(tx, model, "unit", unit.name)
        if leases.leads(tx, model, unit.name, clock.now().timestamp()):
            own += secrets.of_owner(tx, model, "application", unit.application)
    return own


def _expiry(context: HookContext, secret: Secret) -> str | None:
    with context.store.transaction() as tx:
        revisions = secrets.revisions(tx, context.model, secret.id)
    return next((r.expire for r in revisions if r.number == secret.latest), None)


def _display(latest: int, owner: str, attributes: dict[str, Any]) -> dict[str, Any]:
    display: dict[str, Any] = {
        "revision": latest,
        "label": attributes.get("label", ""),
        "owner": owner,
    }
    for key, shown in (
        ("description", "description"),
        ("rotate_policy", "rotation"),
        ("expire", "expiry"),
    ):
        if attributes.get(key):
            display[shown] = attributes[key]
    return display


def _access(context: HookContext, grant: Grant) -> dict[str, str]:
    tag = f"unit-{grant.subject.replace('/', '-')}"
    target = tag if grant.subject_kind == "unit" else f"application-{grant.subject}"
    scope = ""
    if grant.relation is not None:
        key = context.stored_relation(grant.relation).key
        scope = "relation-" + key.replace(":", ".").replace(" ", "#")
    return {"target": target, "scope": scope, "role": grant.role}
