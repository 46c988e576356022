"""How the charm logs in to Juju: the content of a secret, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence


class InvalidCredentials(Exception):
    """The secret lacks a key or holds a wrong one; the message names it, never its value."""


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A user of the controller, and where the controller is."""

    username: str
    password: str = dataclasses.field(repr=False)
    endpoints: tuple[str, ...]
    """host:port, tried in this order."""
    ca_certificate: str
    """PEM; empty to trust the CAs of the system."""


def from_secret(content: Mapping[str, str], default_endpoints: Sequence[str]) -> Credentials:
    """Check the content of the `juju-credentials` secret.

    Args:
        content: key -> value.
        default_endpoints: the controller of this unit, for a secret without `endpoints`.

    Raises:
        InvalidCredentials: names the key and the remedy.
    """
    for key in ("username", "password"):
        if not content.get(key, "").strip():
            raise InvalidCredentials(f"{key} is missing: juju update-secret <name> {key}=...")
    listed = content.get("endpoints", "").replace(",", " ").split()
    endpoints = tuple(listed or default_endpoints)
    if not endpoints:
        raise InvalidCredentials("endpoints is missing: set it to host:port of the controller")
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InvalidCredentials(f"endpoints: {endpoint!r} is not host:port")
    certificate = content.get("ca-cert", "").strip()
    if certificate and not certificate.startswith("-----BEGIN CERTIFICATE-----"):
        raise InvalidCredentials("ca-cert is not a certificate in PEM")
    return Credentials(
        content["username"].strip(),
        content["password"].strip(),
        endpoints,
        f"{certificate}\n" if certificate else "",
    )
