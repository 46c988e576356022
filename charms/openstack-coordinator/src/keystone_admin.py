"""Keystone's administrator, as the charm of Keystone tells it over `keystone-admin`."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping


class NotThere(Exception):
    """No unit of Keystone has told the whole account; the message names what is missing."""


@dataclasses.dataclass(frozen=True)
class AdminAccount:
    """How to log in to Keystone as its administrator, and where."""

    application: str
    """Keystone's, by its name in Juju."""
    auth_url: str
    """With the API's version: https://10.0.0.1:5000/v3."""
    region: str
    username: str
    passwords: tuple[str, ...] = dataclasses.field(repr=False)
    """One of these: after a rotation some units of Keystone still tell the old one."""
    user_domain: str
    project: str
    project_domain: str

    @property
    def digest(self) -> str:
        """Tells one account from another, without its passwords."""
        parts = (self.auth_url, self.region, self.username, self.user_domain, self.project)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


# The keys that its charm sets for version 3 of the API; each of its units sets them.
_KEYS = (
    "service_protocol",
    "service_hostname",
    "service_port",
    "service_region",
    "service_username",
    "service_password",
    "service_user_domain_name",
    "service_project_name",
    "service_project_domain_name",
)


def from_units(application: str, databags: Iterable[Mapping[str, str]]) -> AdminAccount:
    """The account that the first complete unit databag tells, with the passwords that others tell.

    `rotate-admin-password` gives the new password to the leader's settings: the other units tell
    it in their leader-settings-changed, the leader only when a later hook makes it speak, and a
    paused unit when it is resumed (keystone charm, rotate_admin_passwd). So what most units tell
    is tried first.

    Raises:
        NotThere: none is complete, or Keystone speaks another version of its API.
    """
    complete: list[Mapping[str, str]] = []
    lacking: list[str] = list(_KEYS)
    for told in databags:
        if told.get("api_version", "3") != "3":
            raise NotThere(f"Keystone speaks version {told['api_version']} of its API, not 3")
        missing = [key for key in _KEYS if not told.get(key)]
        if missing:
            lacking = missing
        else:
            complete.append(told)
    if not complete:
        raise NotThere(f"Keystone has not told {lacking[0]} yet")
    passwords = collections.Counter(told["service_password"] for told in complete)
    told = complete[0]
    host = told["service_hostname"]
    literal = f"[{host}]" if ":" in host else host
    return AdminAccount(
        application=application,
        auth_url=f"{told['service_protocol']}://{literal}:{told['service_port']}/v3",
        region=told["service_region"],
        username=told["service_username"],
        passwords=tuple(password for password, _ in passwords.most_common()),
        user_domain=told["service_user_domain_name"],
        project=told["service_project_name"],
        project_domain=told["service_project_domain_name"],
    )
