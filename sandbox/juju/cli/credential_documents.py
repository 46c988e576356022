"""Credential tags and the forms that a credential takes on the wire and in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def credential_tag(cloud: str, owner: str, name: str) -> str:
    """cloudcred-maas_admin_main."""
    return f"cloudcred-{cloud}_{owner}_{name}"


def parse_credential_tag(tag: str) -> tuple[str, str, str]:
    """Cloud, owner and name of a credential tag."""
    cloud, owner, name = tag.removeprefix("cloudcred-").split("_", 2)
    return cloud, owner, name


def wire_credential(details: Mapping[str, Any]) -> dict[str, Any]:
    """A credential of credentials.yaml as the API takes it."""
    attributes = {key: str(value) for key, value in details.items() if key != "auth-type"}
    return {"auth-type": details.get("auth-type", ""), "attrs": attributes}
