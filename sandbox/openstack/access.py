"""What others are told of the running cloud: clients, and the stand-ins that front its APIs.

`clouds.yaml` is for OpenStack's clients, with the APIs' own addresses. `cloud.json` is for the
stand-ins of Charmhub's charms, which find it from their charm folder. It is there before the
first service is, so that a unit which comes up earlier knows what it fronts.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

from .layout import REGION, Endpoint, Layout

APIS = ("keystone", "placement", "glance", "neutron", "nova", "cinder")


def announce(layout: Layout) -> None:
    """Write both files, readable by their owner only."""
    admin = {
        "username": "admin",
        "password": layout.passwords["admin"],
        "project_name": "admin",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    cloud = {
        "auth": {"auth_url": layout.identity_url, **admin},
        "region_name": REGION,
        "identity_api_version": 3,
    }
    # JSON is YAML.
    _write(layout.folder / "clouds.yaml", {"clouds": {"sandbox": cloud}})
    endpoints = {name: _endpoint(layout, name) for name in APIS}
    apis = {name: [endpoint.host, endpoint.port] for name, endpoint in endpoints.items()}
    file = layout.configuration("nova") / "nova.conf"
    manage = [layout.program("nova-manage"), f"--config-file={file}"]
    document = {"admin": admin, "region": REGION, "apis": apis, "nova-manage": manage}
    _write(layout.folder / "cloud.json", document)


def withdraw(layout: Layout) -> None:
    """No cloud any more: stand-ins answer for themselves."""
    (layout.folder / "cloud.json").unlink(missing_ok=True)


def _endpoint(layout: Layout, name: str) -> Endpoint:
    return getattr(layout, name)


def _write(file: pathlib.Path, document: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(document, indent=2), encoding="ascii")
    part.replace(file)
