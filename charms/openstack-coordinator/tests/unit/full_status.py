"""FullStatus documents in Juju's shape, made from a bundle as if it had been deployed."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

BUNDLES = pathlib.Path(__file__).parents[4] / "bundles"
HA = "overlays/ha.yaml"

# The endpoint of a subordinate that attaches it to its principal.
_ATTACHING = {"shared-db", "storage-backend", "neutron-plugin", "nova-compute", "host", "ha"}


def bundle(*overlays: str) -> dict[str, Any]:
    """The project's bundle with these overlays, merged as Juju merges what they use."""
    whole = yaml.safe_load((BUNDLES / "full-stack.yaml").read_text(encoding="utf-8"))
    for overlay in overlays:
        more = yaml.safe_load((BUNDLES / overlay).read_text(encoding="utf-8"))
        for name, spec in more["applications"].items():
            if spec is None:
                del whole["applications"][name]
                whole["relations"] = [
                    ends
                    for ends in whole["relations"]
                    if name not in {end.partition(":")[0] for end in ends}
                ]
                continue
            base = whole["applications"].setdefault(name, {})
            options = {**base.get("options", {}), **spec.get("options", {})}
            base.update(spec, options=options)
        whole["relations"] += more["relations"]
    return whole


def options(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Application -> option -> value, as the bundle sets them."""
    return {name: spec.get("options", {}) for name, spec in bundle["applications"].items()}


def of_bundle(*overlays: str) -> dict[str, Any]:
    """The FullStatus of the project's bundle with these overlays, deployed and settled."""
    whole = bundle(*overlays)
    machines = {id_: machine(id_, spec["constraints"]) for id_, spec in whole["machines"].items()}
    applications: dict[str, Any] = {}
    for name, spec in whole["applications"].items():
        applications[name] = _application(spec)
        for number in range(spec.get("num_units", 0)):
            place = _place(spec, number, machines)
            applications[name]["units"][f"{name}/{number}"] = unit(place, leader=number == 0)
    relations = [_relation(id_, ends) for id_, ends in enumerate(whole["relations"])]
    for relation in relations:
        _attach(relation, applications)
    return {
        "model": {"name": "openstack", "type": "iaas", "version": "3.6.28"},
        "machines": machines,
        "applications": applications,
        "relations": relations,
        "offers": {},
        "remote-applications": {},
        "controller-timestamp": "2026-11-22T10:00:00Z",
        "branches": {},
    }


def status(value: str, info: str = "", **data: Any) -> dict[str, Any]:
    """A DetailedStatus."""
    return {
        "status": value,
        "info": info,
        "data": data,
        "since": "2026-11-22T10:00:00Z",
        "kind": "",
        "version": "",
        "life": "",
    }


def unit(machine: str, *, leader: bool = False) -> dict[str, Any]:
    """An active unit."""
    return {
        "agent-status": status("idle"),
        "workload-status": status("active", "Unit is ready"),
        "workload-version": "29.2.0",
        "machine": machine,
        "opened-ports": [],
        "public-address": "10.0.0.1",
        "charm": "",
        "subordinates": None,
        "leader": leader,
    }


def machine(id_: str, constraints: str = "") -> dict[str, Any]:
    """A machine that is up."""
    return {
        "agent-status": status("started"),
        "instance-status": status("running", "Deployed"),
        "modification-status": status("idle"),
        "hostname": f"node-{id_}",
        "dns-name": "10.0.0.1",
        "instance-id": f"sys-{id_}",
        "display-name": "",
        "base": {"name": "ubuntu", "channel": "24.04/stable"},
        "id": id_,
        "containers": {},
        "constraints": constraints,
        "hardware": "arch=amd64 cores=16 mem=65536M availability-zone=az1",
        "jobs": ["JobHostUnits"],
        "has-vote": False,
        "wants-vote": False,
    }


def gave_up(id_: str, tags: str) -> dict[str, Any]:
    """A machine for which MAAS had nothing that fits, after Juju's last attempt."""
    reason = (
        "failed to acquire node: No available machine matches constraints: "
        f"[('tags', ['{tags}'])] (resolved to \"tags={tags}\")"
    )
    return {
        **machine(id_, f"tags={tags}"),
        "instance-id": "pending",
        "hostname": "",
        "hardware": "",
        "instance-status": status("provisioning error", reason),
        "agent-status": status("pending"),
    }


def _application(spec: dict[str, Any]) -> dict[str, Any]:
    name = spec["charm"]
    local = name.startswith(".")
    return {
        "charm": f"local:{pathlib.Path(name).parent.name}-0" if local else f"ch:amd64/{name}-700",
        "charm-version": "",
        "charm-profile": "",
        "charm-channel": spec.get("channel", ""),
        "charm-rev": 0 if local else 700,
        "base": {"name": "ubuntu", "channel": "24.04/stable"},
        "exposed": False,
        "life": "",
        "relations": {},
        "can-upgrade-to": "",
        "subordinate-to": [],
        "units": {},
        "status": status("active"),
        "workload-version": "29.2.0",
        "endpoint-bindings": {"": "metal"},
    }


def _place(spec: dict[str, Any], number: int, machines: dict[str, Any]) -> str:
    place = spec["to"][number] if "to" in spec else "new"
    if place.startswith("lxd:"):
        containers = machines[place[4:]]["containers"]
        id_ = f"{place[4:]}/lxd/{len(containers)}"
        containers[id_] = machine(id_)
        return id_
    if place == "new":
        place = str(len(machines))
        machines[place] = machine(place, spec["constraints"])
    return place


def _relation(id_: int, ends: list[str]) -> dict[str, Any]:
    endpoints = [end.split(":") for end in ends]
    return {
        "id": id_,
        "key": " ".join(ends),
        "interface": "",
        "scope": "global",
        "endpoints": [
            {"application": application, "name": endpoint, "role": "", "subordinate": False}
            for application, endpoint in endpoints
        ],
        "status": status("joined"),
    }


def _attach(relation: dict[str, Any], applications: dict[str, Any]) -> None:
    ends = relation["endpoints"]
    for end, other in (ends, ends[::-1]):
        subordinate = applications[end["application"]]
        principal = applications[other["application"]]
        if end["name"] in _ATTACHING and principal["units"] and not subordinate["units"]:
            subordinate["subordinate-to"].append(other["application"])
            for number, host in enumerate(principal["units"].values()):
                attached = {**unit(""), "leader": number == 0}
                host["subordinates"] = host["subordinates"] or {}
                host["subordinates"][f"{end['application']}/{number}"] = attached
            subordinate["units"] = None
