"""Keystone's administrator, as the charm of Keystone tells it over `keystone-admin`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping


class NotThere(Exception):
    """No unit of Keystone has told the whole account; the message names what is missing."""


@dataclasses.dataclass(frozen=True)
class AdminAccount:
    """How to log in to Keystone as its administrator, and where."""

    auth_url: str
    """With the API's version: https://10.0.0.1:5000/v3."""
    region: str
    username: str
    password: str = dataclasses.field(repr=False)
    user_domain: str
    project: str
    project_domain: str

    @property
    def digest(self) -> str:
        """Tells one account from another, without its password."""
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


def from_units(databags: Iterable[Mapping[str, str]]) -> AdminAccount:
    """The account that the first complete unit databag tells.

    Raises:
        NotThere: none is complete, or Keystone speaks another version of its API.
    """
    lacking: list[str] = list(_KEYS)
    for told in databags:
        if told.get("api_version", "3") != "3":
            raise NotThere(f"Keystone speaks version {told['api_version']} of its API, not 3")
        lacking = [key for key in _KEYS if not told.get(key)]
        if not lacking:
            return _account(told)
    raise NotThere(f"Keystone has not told {lacking[0]} yet")


def _account(told: Mapping[str, str]) -> AdminAccount:
    host = told["service_hostname"]
    literal = f"[{host}]" if ":" in host else host
    return AdminAccount(
        auth_url=f"{told['service_protocol']}://{literal}:{told['service_port']}/v3",
        region=told["service_region"],
        username=told["service_username"],
        password=told["service_password"],
        user_domain=told["service_user_domain_name"],
        project=told["service_project_name"],
        project_domain=told["service_project_domain_name"],
    )
