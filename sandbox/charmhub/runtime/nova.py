"""The actions that change or read the real Nova, with the words of the real charms.

Imported by those actions only: http.client is too heavy for every hook.
"""

from __future__ import annotations

import http.client
import json
from typing import Any

from . import openstack
from .world import Refused, World

_RUNNING = (
    "This unit can not be removed from the cloud because it's still running VMs. Please remove "
    "these VMs or migrate them to another nova-compute unit"
)
_NO_SERVICE = "Unable to find a nova-compute service of host '{host}' in Nova"


def run(world: World, name: str) -> dict[str, str]:
    """Carry out an action; returns what Nova adds to its results.

    Raises:
        Refused: it cannot be done now.
    """
    try:
        return _ACTIONS[name](_Nova(world.cloud), world)
    except (OSError, http.client.HTTPException) as error:
        raise Refused(f"OpenStack's APIs do not answer: {error}") from error


class _Nova:
    """Nova's API as the administrator sees it."""

    def __init__(self, cloud: Any) -> None:
        self._api = tuple(cloud["apis"]["nova"])
        self._token = _token(cloud)

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        headers = {"X-Auth-Token": self._token, "OpenStack-API-Version": "compute 2.53"}
        answer = _ask(self._api, method, f"/v2.1/{path}", body, headers)[1]
        return json.loads(answer) if answer else None

    def service(self, host: str) -> Any:
        """The nova-compute service of a host."""
        services = self("GET", f"os-services?binary=nova-compute&host={host}")["services"]
        if not services:
            raise Refused(_NO_SERVICE.format(host=host))
        return services[0]

    def guests(self, host: str) -> int:
        """How many servers a host holds."""
        return len(self("GET", f"servers?all_tenants=1&host={host}")["servers"])

    def set_status(self, host: str, status: str) -> None:
        """Let the scheduler use a host, `enabled`, or not, `disabled`."""
        self("PUT", f"os-services/{self.service(host)['id']}", {"status": status})


def _token(cloud: Any) -> str:
    admin = cloud["admin"]
    user = {
        "name": admin["username"],
        "password": admin["password"],
        "domain": {"name": admin["user_domain_name"]},
    }
    project = {
        "name": admin["project_name"],
        "domain": {"name": admin["project_domain_name"]},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    headers, _ = _ask(tuple(cloud["apis"]["keystone"]), "POST", "/v3/auth/tokens", body, {})
    return headers["X-Subject-Token"] or ""


def _ask(
    api: tuple[str, int], method: str, path: str, body: object, headers: dict[str, str]
) -> tuple[http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(*api, timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        said = answer.decode(errors="replace")[:300]
        raise Refused(f"{method} {path.partition('?')[0]}: {response.status} {said}")
    return response.headers, answer


def _disable(nova: _Nova, world: World) -> dict[str, str]:
    nova.set_status(world.hostname, "disabled")
    return {}


def _enable(nova: _Nova, world: World) -> dict[str, str]:
    nova.set_status(world.hostname, "enabled")
    return {}


def _remove_from_cloud(nova: _Nova, world: World) -> dict[str, str]:
    if nova.guests(world.hostname):
        raise Refused(_RUNNING)
    service = nova.service(world.hostname)
    openstack.ask_for_hypervisor(world, idle=True)
    if openstack.computing(world):
        raise Refused(f"nova-compute of {world.hostname} does not stop")
    nova("DELETE", f"os-services/{service['id']}")
    return {}


def _instance_count(nova: _Nova, world: World) -> dict[str, str]:
    return {"instance-count": str(nova.guests(world.hostname))}


def _list_compute_nodes(nova: _Nova, world: World) -> dict[str, str]:
    services = nova("GET", "os-services?binary=nova-compute")["services"]
    return {"node-name": world.hostname, "compute-nodes": json.dumps(services)}


def _sync_zones(nova: _Nova, world: World) -> dict[str, str]:
    """An aggregate `<zone>_az` for each zone of the hypervisors, and each of them in its own."""
    hypervisors = {
        found["host_ip"]: found["hypervisor_hostname"]
        for found in nova("GET", "os-hypervisors/detail")["hypervisors"]
    }
    aggregates = {found["name"]: found for found in nova("GET", "os-aggregates")["aggregates"]}
    lines = []
    for relation in world.at("cloud-compute"):
        for _, data in sorted(relation.units.items()):
            zone, host = data.get("availability_zone"), hypervisors.get(data["private-address"])
            if not zone:
                continue
            if host is None:
                raise Refused(f"no hypervisor has the address {data['private-address']}")
            aggregate = aggregates.get(f"{zone}_az")
            if aggregate is None:
                body = {"aggregate": {"name": f"{zone}_az", "availability_zone": zone}}
                aggregate = nova("POST", "os-aggregates", body)["aggregate"]
                aggregates[f"{zone}_az"] = aggregate
            if host not in aggregate.setdefault("hosts", []):
                path = f"os-aggregates/{aggregate['id']}/action"
                nova("POST", path, {"add_host": {"host": host}})
                aggregate["hosts"].append(host)
            lines.append(f"Hypervisor {host} added to availability zone {zone}\n")
    return {"output": "".join(lines)}


_ACTIONS = {
    "disable": _disable,
    "enable": _enable,
    "remove-from-cloud": _remove_from_cloud,
    "instance-count": _instance_count,
    "list-compute-nodes": _list_compute_nodes,
    "sync-compute-availability-zones": _sync_zones,
}
