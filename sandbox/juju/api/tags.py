"""Juju's entity tags (github.com/juju/names): how calls name users, units, machines."""

from __future__ import annotations

import re
import urllib.parse

from sandbox.juju.errors import JujuError

_USER = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.+-]*[a-zA-Z0-9])?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_APPLICATION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*")
_MACHINE = re.compile(r"(?:0|[1-9][0-9]*)(?:/[a-z]+/(?:0|[1-9][0-9]*))*")
_UNIT = re.compile(_APPLICATION.pattern + r"/(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)")
_LOCAL = "@local"

KINDS = frozenset(
    [
        "user",
        "model",
        "controller",
        "application",
        "unit",
        "machine",
        "cloud",
        "cloudcred",
        "action",
        "operation",
        "space",
        "storage",
        "volume",
        "filesystem",
        "relation",
        "subnet",
        "applicationoffer",
    ]
)


def kind(tag: str) -> str:
    """The kind of entity that a tag names.

    Raises:
        JujuError: it names none.
    """
    name, dash, rest = tag.partition("-")
    if name not in KINDS or not dash or not rest:
        raise JujuError(f'"{tag}" is not a valid tag')
    return name


def _body(tag: str, wanted: str) -> str:
    if kind(tag) != wanted:
        raise _invalid(tag, wanted)
    return tag[len(wanted) + 1 :]


def _invalid(tag: str, wanted: str) -> JujuError:
    return JujuError(f'"{tag}" is not a valid {wanted} tag')


def user(tag: str) -> str:
    """The name in user-<name>; the domain of local users is left out.

    Raises:
        JujuError: not a user tag.
    """
    name = _body(tag, "user").removesuffix(_LOCAL)
    local, _, domain = name.partition("@")
    if not _USER.fullmatch(local) or (domain and not _USER.fullmatch(domain)):
        raise _invalid(tag, "user")
    return name


def model(tag: str) -> str:
    """The UUID in model-<uuid>.

    Raises:
        JujuError: not a model tag.
    """
    uuid = _body(tag, "model")
    if not valid_uuid(uuid):
        raise _invalid(tag, "model")
    return uuid


def application(tag: str) -> str:
    """The name in application-<name>.

    Raises:
        JujuError: not an application tag.
    """
    name = _body(tag, "application")
    if not _APPLICATION.fullmatch(name):
        raise _invalid(tag, "application")
    return name


def unit(tag: str) -> str:
    """The name, such as keystone/0, in unit-keystone-0.

    Raises:
        JujuError: not a unit tag.
    """
    name, _, number = _body(tag, "unit").rpartition("-")
    if not valid_unit(f"{name}/{number}"):
        raise _invalid(tag, "unit")
    return f"{name}/{number}"


def machine(tag: str) -> str:
    """The id, such as 0/lxd/1, in machine-0-lxd-1.

    Raises:
        JujuError: not a machine tag.
    """
    machine_id = _body(tag, "machine").replace("-", "/")
    if not valid_machine(machine_id):
        raise _invalid(tag, "machine")
    return machine_id


def cloud(tag: str) -> str:
    """The name in cloud-<name>.

    Raises:
        JujuError: not a cloud tag.
    """
    return _body(tag, "cloud")


def credential(tag: str) -> tuple[str, str, str]:
    """Cloud, owner and name in cloudcred-<cloud>_<owner>_<name>.

    Raises:
        JujuError: not a cloud credential tag.
    """
    parts = _body(tag, "cloudcred").split("_")
    if len(parts) != 3 or not all(parts):
        raise _invalid(tag, "cloudcred")
    cloud_name, owner, name = (urllib.parse.unquote(part) for part in parts)
    return cloud_name, owner.removesuffix(_LOCAL), name


def number(tag: str, wanted: str) -> int:
    """The number in action-<n> or operation-<n>.

    Raises:
        JujuError: not a tag of that kind.
    """
    body = _body(tag, wanted)
    if not _NUMBER.fullmatch(body):
        raise _invalid(tag, wanted)
    return int(body)


def space(tag: str) -> str:
    """The name in space-<name>.

    Raises:
        JujuError: not a space tag.
    """
    return _body(tag, "space")


def storage(tag: str) -> str:
    """The id, such as osd-devices/0, in storage-osd-devices-0.

    Raises:
        JujuError: not a storage tag.
    """
    name, _, index = _body(tag, "storage").rpartition("-")
    if not name or not _NUMBER.fullmatch(index):
        raise _invalid(tag, "storage")
    return f"{name}/{index}"


def for_user(name: str) -> str:
    """user-<name>."""
    return f"user-{name}"


def for_model(uuid: str) -> str:
    """model-<uuid>."""
    return f"model-{uuid}"


def for_application(name: str) -> str:
    """application-<name>."""
    return f"application-{name}"


def for_unit(name: str) -> str:
    """unit-<application>-<number>."""
    return f"unit-{name.replace('/', '-')}"


def for_machine(machine_id: str) -> str:
    """machine-<id>, with dashes for slashes."""
    return f"machine-{machine_id.replace('/', '-')}"


def for_receiver(receiver: str) -> str:
    """The tag of what runs a task: a unit, or a machine."""
    return for_machine(receiver) if valid_machine(receiver) else for_unit(receiver)


def for_storage(storage_id: str) -> str:
    """storage-<name>-<number>."""
    return f"storage-{storage_id.replace('/', '-')}"


def for_cloud(name: str) -> str:
    """cloud-<name>."""
    return f"cloud-{name}"


def for_credential(cloud_name: str, owner: str, name: str) -> str:
    """cloudcred-<cloud>_<owner>_<name>, with underscores inside the parts escaped."""
    return "cloudcred-" + "_".join(part.replace("_", "%5f") for part in (cloud_name, owner, name))


def valid_uuid(text: str) -> bool:
    """Whether this is a model's or controller's UUID."""
    return _UUID.fullmatch(text) is not None


def valid_unit(name: str) -> bool:
    """Whether this is a unit's name."""
    return _UNIT.fullmatch(name) is not None


def valid_application(name: str) -> bool:
    """Whether this can be an application's name."""
    return _APPLICATION.fullmatch(name) is not None


def valid_machine(machine_id: str) -> bool:
    """Whether this is a machine's or container's id."""
    return _MACHINE.fullmatch(machine_id) is not None
