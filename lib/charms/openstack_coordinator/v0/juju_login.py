"""How a charm logs in to Juju: the content of a user secret, checked. Pure, and cheap to import.

See juju_session.py for what to do with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

LIBID = "0b9c7be9e0a34f0f8f5b6a2b8a3e67d1"
LIBAPI = 0
LIBPATCH = 1


class InvalidLogin(Exception):
    """The secret lacks a key or holds a wrong one; the message names it, never its value."""


@dataclasses.dataclass(frozen=True)
class Login:
    """A user of the controller, and where the controller is."""

    username: str
    password: str = dataclasses.field(repr=False)
    endpoints: tuple[str, ...]
    """host:port, tried in this order."""
    ca_certificate: str
    """PEM; empty to trust the CAs of the system."""


def from_secret(content: Mapping[str, str], default_endpoints: Sequence[str]) -> Login:
    """Check the content of a secret with `username`, `password`, `endpoints` and `ca-cert`.

    Args:
        content: key -> value.
        default_endpoints: the controller of this unit, for a secret without `endpoints`.

    Raises:
        InvalidLogin: names the key and the remedy.
    """
    for key in ("username", "password"):
        if not content.get(key, "").strip():
            raise InvalidLogin(f"{key} is missing: juju update-secret <name> {key}=...")
    listed = content.get("endpoints", "").replace(",", " ").split()
    endpoints = tuple(listed or default_endpoints)
    if not endpoints:
        raise InvalidLogin("endpoints is missing: set it to host:port of the controller")
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InvalidLogin(f"endpoints: {endpoint!r} is not host:port")
    certificate = content.get("ca-cert", "").strip()
    if certificate and not certificate.startswith("-----BEGIN CERTIFICATE-----"):
        raise InvalidLogin("ca-cert is not a certificate in PEM")
    return Login(
        content["username"].strip(),
        content["password"].strip(),
        endpoints,
        f"{certificate}\n" if certificate else "",
    )
