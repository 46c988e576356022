"""Bundles: planned for a client, and a model exported as one."""

from __future__ import annotations

import pytest
import yaml
from juju.client import client

BUNDLE = """
applications:
  keystone:
    charm: keystone
    channel: 2024.1/stable
    num_units: 2
    to: [lxd:0, new]
    options: {region: Berlin}
  mysql:
    charm: mysql-innodb-cluster
    num_units: 1
    to: ["0"]
machines:
  "0": {constraints: mem=8G}
relations:
- [keystone:shared-db, mysql:db-router]
"""
MYSQL = {"requires": {}, "peers": {}, "provides": {"db": {"interface": "mysql-shared"}}}


@pytest.fixture
async def connection(controller, model):
    async with controller.connect(model.uuid) as connection:
        yield connection


async def test_a_bundle_is_planned_in_the_order_in_which_it_can_be_done(connection):
    facade = client.BundleFacade.from_connection(connection)
    answer = await facade.GetChangesMapArgs(yaml=BUNDLE, bundleurl="")
    assert [error for error in answer.errors if error] == []
    methods = [change.method for change in answer.changes]
    assert methods.index("addCharm") < methods.index("deploy") < methods.index("addUnit")
    deploys = [change for change in answer.changes if change.method == "deploy"]
    assert deploys[0].args["application"] == "keystone"
    assert deploys[0].args["options"] == {"region": "Berlin"}
    assert deploys[0].requires == [deploys[0].args["charm"].removeprefix("$")]
    assert methods.count("addUnit") == 3
    assert methods.count("addRelation") == 1


async def test_a_bundle_that_contradicts_itself_answers_with_all_its_errors(connection):
    facade = client.BundleFacade.from_connection(connection)
    wrong = "applications:\n  a: {charm: keystone, num_units: 1, to: ['7']}\nrelations: [[a, b]]\n"
    answer = await facade.GetChangesMapArgs(yaml=wrong, bundleurl="")
    assert len(answer.errors) == 2
    assert any("refers to a machine not defined" in error for error in answer.errors)
    assert any("refers to application" in error for error in answer.errors)


async def test_a_model_is_exported_as_the_bundle_that_makes_it(controller, model, connection):
    await controller.deploy(connection, model, config={"region": "Berlin"}, **{"num-units": 2})
    await controller.deploy(
        connection,
        model,
        "mysql",
        controller.packed_charm("mysql", **MYSQL),
        placement=[{"scope": "lxd", "directive": "0"}],
    )
    facade = client.ApplicationFacade.from_connection(connection)
    await facade.AddRelation(endpoints=["keystone", "mysql"], via_cidrs=None)
    exported = await client.BundleFacade.from_connection(connection).ExportBundle()
    assert yaml.safe_load(exported.result) == {
        "default-base": "ubuntu@24.04/stable",
        "applications": {
            "keystone": {
                "charm": "local:keystone-0",
                "num_units": 2,
                "to": ["0", "1"],
                "options": {"region": "Berlin"},
                "constraints": "arch=amd64",
            },
            "mysql": {
                "charm": "local:mysql-0",
                "num_units": 1,
                "to": ["lxd:0"],
                "constraints": "arch=amd64",
            },
        },
        "machines": {"0": {"constraints": "arch=amd64"}, "1": {"constraints": "arch=amd64"}},
        "relations": [["keystone:shared-db", "mysql:db"]],
    }


async def test_an_empty_model_has_nothing_to_export(controller, connection):
    with pytest.raises(Exception, match="nothing to export as there are no applications"):
        await controller.call(connection, "Bundle", 6, "ExportBundle")
