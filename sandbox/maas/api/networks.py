"""`subnets/`, `spaces/`, `fabrics/` and their VLANs: what the cables make of the machines."""

from __future__ import annotations

import ipaddress
from typing import Any

from sandbox.maas import representation
from sandbox.maas.call import Call, Resource
from sandbox.maas.refusals import NotFound


async def subnets(call: Call) -> Any:
    """GET subnets/: all of them."""
    with call.region.store.transaction() as tx:
        return list(representation.Networks.read(tx).subnets.values())


async def subnet(call: Call) -> Any:
    """GET subnets/{id}/: by id, name or CIDR."""
    wanted = call.path["id"].removeprefix("cidr:").removeprefix("name:")
    for known in await subnets(call):
        if wanted in (str(known["id"]), known["name"], known["cidr"]):
            return known
    raise NotFound("Subnet")


async def subnet_addresses(call: Call) -> Any:
    """GET subnets/{id}/?op=ip_addresses: the addresses in use."""
    known = await subnet(call)
    with call.region.store.transaction() as tx:
        rows = tx.all(
            "SELECT ip_address, interface.name, interface.mac, system_id, hostname FROM link "
            "JOIN interface ON interface.id = interface_id "
            "JOIN machine ON machine.id = machine_id "
            "WHERE subnet_id = ? AND ip_address IS NOT NULL",
            known["id"],
        )
    shown = [
        {
            "ip": row["ip_address"],
            "alloc_type": 0,
            "node_summary": {
                "system_id": row["system_id"],
                "hostname": row["hostname"],
                "via": row["name"],
                "node_type": 0,
            },
        }
        for row in rows
    ]
    return sorted(shown, key=lambda used: int(ipaddress.ip_address(used["ip"])))


async def no_ranges(call: Call) -> Any:
    """GET subnets/{id}/?op=reserved_ip_ranges and ipranges/: none is set aside."""
    return []


async def spaces(call: Call) -> Any:
    """GET spaces/: all of them."""
    with call.region.store.transaction() as tx:
        return representation.spaces(tx, representation.Networks.read(tx))


async def space(call: Call) -> Any:
    """GET spaces/{id}/: by id or name."""
    return _one(await spaces(call), call.path["id"], "Space")


async def fabrics(call: Call) -> Any:
    """GET fabrics/: all of them."""
    with call.region.store.transaction() as tx:
        return representation.fabrics(tx, representation.Networks.read(tx))


async def fabric(call: Call) -> Any:
    """GET fabrics/{id}/: by id or name."""
    return _one(await fabrics(call), call.path["id"], "Fabric")


async def vlans(call: Call) -> Any:
    """GET fabrics/{id}/vlans/: those of one fabric."""
    return (await fabric(call))["vlans"]


async def domains(call: Call) -> Any:
    """GET domains/: the one domain of the region."""
    return [
        {
            "authoritative": True,
            "ttl": None,
            "resource_record_count": 0,
            "name": representation.DOMAIN,
            "id": 0,
            "is_default": True,
            "resource_uri": f"{representation.ROOT}domains/0/",
        }
    ]


def _one(known: list[dict[str, Any]], wanted: str, kind: str) -> dict[str, Any]:
    for item in known:
        if wanted in (str(item["id"]), item["name"]):
            return item
    raise NotFound(kind)


NETWORKS = (
    Resource("api/2.0/subnets/", {("GET", None): subnets}),
    Resource(
        "api/2.0/subnets/{id}/",
        {
            ("GET", None): subnet,
            ("GET", "ip_addresses"): subnet_addresses,
            ("GET", "reserved_ip_ranges"): no_ranges,
        },
    ),
    Resource("api/2.0/spaces/", {("GET", None): spaces}),
    Resource("api/2.0/spaces/{id}/", {("GET", None): space}),
    Resource("api/2.0/fabrics/", {("GET", None): fabrics}),
    Resource("api/2.0/fabrics/{id}/", {("GET", None): fabric}),
    Resource("api/2.0/fabrics/{id}/vlans/", {("GET", None): vlans}),
    Resource("api/2.0/static-routes/", {("GET", None): no_ranges}),
    Resource("api/2.0/ipranges/", {("GET", None): no_ranges}),
    Resource("api/2.0/domains/", {("GET", None): domains}),
)
