"""Makes keystone's service accounts and catalogue: run by the services' own Python.

Standard input holds what is wanted, as JSON: the region, a password for each service account,
and the endpoints. The administrator's credentials come in the usual OS_* variables. Running it
again changes nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openstack


def make(identity: Any, wanted: dict[str, Any]) -> None:
    """Make what is not there yet."""
    project = identity.find_project("service") or identity.create_project(
        name="service", domain_id="default"
    )
    roles = [
        identity.find_role(name) or identity.create_role(name=name)
        for name in ("admin", "service")
    ]
    for name, password in wanted["users"].items():
        user = identity.find_user(name) or identity.create_user(
            name=name, password=password, domain_id="default", default_project_id=project.id
        )
        for role in roles:
            identity.assign_project_role_to_user(project, user, role)
    for name, kind, url in wanted["endpoints"]:
        service = next(identity.services(type=kind), None)
        service = service or identity.create_service(name=name, type=kind)
        present = {endpoint.interface for endpoint in identity.endpoints(service_id=service.id)}
        for interface in {"public", "internal", "admin"} - present:
            identity.create_endpoint(
                service_id=service.id, interface=interface, region_id=wanted["region"], url=url
            )


if __name__ == "__main__":
    make(openstack.connect().identity, json.load(sys.stdin))
