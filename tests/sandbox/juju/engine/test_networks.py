"""What network-get and unit-get tell of a unit's addresses, and what its databags say of them."""

from __future__ import annotations

import json

import pytest

from sandbox.juju.engine import flush
from sandbox.juju.state import networks, relations, scopes, units
from tests.sandbox.juju.engine.test_hook_tools import tool

WEB = {"provides": {"web": {"interface": "http"}}, "extra-bindings": {"backend": None}}
CLIENT = {"requires": {"site": {"interface": "http"}}}

ADDRESSES = [
    {"value": "127.9.9.1", "type": "ipv4", "space": "metal", "cidr": "127.9.9.0/24"},
    {
        "value": "127.9.8.1",
        "type": "ipv4",
        "space": "public",
        "cidr": "127.9.8.0/24",
        "mac": "52:54:00:00:00:01",
        "device": "eth1",
    },
]


def bind(world, **bindings):
    """Give wiki/0 two networks, and its application these bindings over alpha."""
    number = world.do(units.get, "wiki/0").machine
    with world.store.transaction() as tx:
        tx.update("machines", {"model": world.model, "id": number}, addresses_json=ADDRESSES)
        every = dict.fromkeys(("", "juju-info", "web", "backend"), "alpha")
        tx.update(
            "applications",
            {"model": world.model, "name": "wiki"},
            bindings_json={**every, **bindings},
        )


@pytest.fixture
async def wiki(world):
    world.deploy("wiki", **WEB)
    await world.settled()
    return world


async def test_a_binding_has_the_addresses_of_its_space(wiki):
    bind(wiki, web="public")
    read = "network-get web --ingress-address; network-get web --bind-address"
    assert (await tool(wiki, "wiki/0", read))[1] == "127.9.8.1\n127.9.8.1\n"
    assert (await tool(wiki, "wiki/0", "unit-get private-address"))[1] == "127.9.9.1\n"
    _, printed, _ = await tool(wiki, "wiki/0", "network-get web --format json")
    assert json.loads(printed)["bind-addresses"] == [
        {
            "mac-address": "52:54:00:00:00:01",
            "interface-name": "eth1",
            "addresses": [{"hostname": "", "value": "127.9.8.1", "cidr": "127.9.8.0/24"}],
        }
    ]
    _, printed, _ = await tool(wiki, "wiki/0", "network-get web")
    for line in ('macaddress: "52:54:00:00:00:01"', "interfacename: eth1", "address: 127.9.8.1"):
        assert line in printed, "YAML has the old names too"


async def test_no_other_address_stands_in_where_the_machine_has_none_in_the_space(wiki):
    bind(wiki, web="storage")
    for command in ("network-get web", "network-get web --bind-address"):
        assert await tool(wiki, "wiki/0", command) == (
            1,
            "",
            'ERROR no network config found for binding "web"\n',
        )


async def test_a_binding_that_the_charm_does_not_have_is_refused(wiki):
    for name in ("nothing", "db"):
        code, _, said = await tool(wiki, "wiki/0", f"network-get {name}")
        assert (code, said) == (1, f'ERROR no network config found for binding "{name}"\n')
    assert (await tool(wiki, "wiki/0", 'network-get ""'))[0] == 2


async def test_an_extra_binding_and_the_implicit_one_have_networks_too(wiki):
    bind(wiki, backend="public")
    assert (await tool(wiki, "wiki/0", "network-get backend --bind-address"))[1] == "127.9.8.1\n"
    assert (await tool(wiki, "wiki/0", "network-get juju-info --bind-address"))[1] == (
        "127.9.9.1\n"
    )


async def test_alpha_has_the_preferred_address_whatever_its_space(wiki):
    bind(wiki)
    _, printed, _ = await tool(wiki, "wiki/0", "network-get web --format json")
    assert json.loads(printed)["ingress-addresses"] == ["127.9.9.1"]


async def test_the_private_address_is_that_of_the_default_binding(wiki):
    bind(wiki, **{"": "public"})
    read = "unit-get private-address; unit-get public-address"
    assert (await tool(wiki, "wiki/0", read))[1] == "127.9.8.1\n127.9.9.1\n"
    bind(wiki, **{"": "storage"})
    assert (await tool(wiki, "wiki/0", read))[1] == "127.9.9.1\n127.9.9.1\n"


async def test_a_databag_tells_the_address_of_the_bound_space(wiki):
    bind(wiki, web="public")
    wiki.deploy("browser", **CLIENT)
    relation = wiki.relate("browser", "wiki")
    await wiki.settled()
    settings = wiki.do(lambda tx, model: scopes.unit_settings(tx, relation, "wiki/0").values)
    assert settings == {
        "egress-subnets": "127.9.8.1/32",
        "ingress-address": "127.9.8.1",
        "private-address": "127.9.8.1",
    }
    bind(wiki, web="storage")

    def refreshed(tx, model):
        flush.refresh_network_settings(tx, units.get(tx, model, "wiki/0"))
        return scopes.unit_settings(tx, relation, "wiki/0").values

    assert wiki.do(refreshed) == {}, "no address is better than one that does not answer"


async def test_egress_is_what_the_operator_named_for_the_relation_or_the_model(wiki):
    bind(wiki)
    wiki.deploy("browser", **CLIENT)
    relation = wiki.relate("browser", "wiki")

    def egress(tx, model):
        found = relations.get(tx, model, relation.id)
        return networks.UnitNetworks(tx, units.get(tx, model, "wiki/0")).of_endpoint("web", found)

    assert wiki.do(egress).egress == ["127.9.9.1/32"]
    with wiki.store.transaction() as tx:
        config = {"egress-subnets": "10.1.0.0/16, 10.2.0.0/16"}
        tx.update("models", {"uuid": wiki.model}, config_json=config)
    assert wiki.do(egress).egress == ["10.1.0.0/16", "10.2.0.0/16"]
    with wiki.store.transaction() as tx:
        networks.keep_egress(tx, relation, ["10.3.0.0/16"])
    assert wiki.do(egress).egress == ["10.3.0.0/16"]
