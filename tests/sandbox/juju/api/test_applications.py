"""Applications through libjuju's facades: deployed, configured, related, scaled, removed."""

from __future__ import annotations

import time

import pytest
from juju.client import client
from juju.errors import JujuAPIError, JujuError

from sandbox.juju.state import applications, leases, relations, spaces, statuses, units

MYSQL = {"requires": {}, "peers": {}, "provides": {"db": {"interface": "mysql-shared"}}}


@pytest.fixture
async def connection(controller, model):
    async with controller.connect(model.uuid) as connection:
        yield connection


@pytest.fixture
def facade(connection):
    return client.ApplicationFacade.from_connection(connection)


async def test_a_local_charm_is_deployed_with_units_config_and_constraints(
    controller, model, connection, facade
):
    await controller.deploy(
        connection,
        model,
        config={"region": "Berlin"},
        constraints={"cores": 4, "mem": 8192},
        **{"num-units": 2, "config-yaml": "keystone:\n  region: Paris\n  workers: 3\n"},
    )
    shown = await facade.Get(application="keystone", branch="master")
    assert shown.config["region"] == {
        "description": "The region",
        "type": "string",
        "default": "RegionOne",
        "value": "Berlin",
        "source": "user",
    }
    assert shown.config["workers"]["value"] == 3
    assert shown.config["credentials"]["source"] == "unset"
    assert shown.constraints.cores == 4
    assert shown.base.channel == "24.04/stable"
    with controller.state() as tx:
        assert units.names(tx, model.uuid, "keystone") == ["keystone/0", "keystone/1"]


async def test_one_refused_application_of_a_bulk_deploy_leaves_the_others(
    controller, model, connection
):
    url = await controller.upload(model)
    origin = {"source": "local", "base": {"name": "ubuntu", "channel": "24.04"}}
    wanted = {"charm-url": url, "charm-origin": origin, "num-units": 1}
    with pytest.raises(JujuError) as refusal:
        await controller.call(
            connection,
            "Application",
            20,
            "Deploy",
            applications=[
                {**wanted, "application": "one"},
                {**wanted, "application": "two", "config": {"nothing": "here"}},
                {**wanted, "application": "three"},
            ],
        )
    assert 'unknown option "nothing"' in str(refusal.value)
    with controller.state() as tx:
        names = [a.name for a in applications.all_applications(tx, model.uuid)]
    assert names == ["one", "three"]


async def test_a_charm_by_name_is_found_and_deployed_by_the_controller(controller, connection):
    answer = await controller.call(
        connection,
        "Application",
        20,
        "DeployFromRepository",
        Args=[{"CharmName": "keystone", "num-units": 3, "ConfigYAML": "", "Cons": {}}],
    )
    result = answer["Results"][0]
    assert result["Errors"] is None
    assert result["Info"]["name"] == "keystone"
    assert result["Info"]["base"] == {"name": "ubuntu", "channel": "24.04/stable"}
    status = await client.ClientFacade.from_connection(connection).FullStatus(patterns=[])
    assert status.applications["keystone"].charm.startswith("ch:amd64/keystone-")
    assert len(status.applications["keystone"].units) == 3


async def test_a_subordinate_by_name_gets_no_units_though_clients_ask_for_one(
    controller, model, connection
):
    answer = await controller.call(
        connection,
        "Application",
        20,
        "DeployFromRepository",
        Args=[{"CharmName": "mysql-router", "ApplicationName": "router", "num-units": 1}],
    )
    assert answer["Results"][0]["Errors"] is None
    with controller.state() as tx:
        assert units.names(tx, model.uuid, "router") == []


async def test_an_unknown_charm_by_name_is_an_error_of_its_result(controller, connection):
    answer = await controller.call(
        connection,
        "Application",
        20,
        "DeployFromRepository",
        Args=[{"CharmName": "no-such-charm"}],
    )
    assert "No charm or bundle with name" in answer["Results"][0]["Errors"][0]["message"]


async def test_config_is_set_and_reset(controller, model, connection, facade):
    await controller.deploy(connection, model)
    await facade.SetConfigs(
        args=[{"application": "keystone", "config": {"workers": "5"}, "generation": "master"}]
    )
    shown = await facade.CharmConfig(args=[{"application": "keystone"}])
    assert shown.results[0].config["workers"]["value"] == 5
    await facade.UnsetApplicationsConfig(
        args=[{"application": "keystone", "options": ["workers"], "branch": "master"}]
    )
    shown = await facade.CharmConfig(args=[{"application": "keystone"}])
    assert "value" not in shown.results[0].config["workers"]


async def test_a_secret_option_takes_nothing_but_a_secret(controller, model, connection, facade):
    await controller.deploy(connection, model)
    wanted = {"application": "keystone", "config": {"credentials": "plain text"}}
    with pytest.raises(JujuError, match='invalid secret URI for option "credentials"') as refusal:
        await facade.SetConfigs(args=[wanted])
    assert "plain text" not in str(refusal.value)


async def test_relations_are_made_shown_and_broken(controller, model, connection, facade):
    await controller.deploy(connection, model)
    await controller.deploy(connection, model, "mysql", controller.packed_charm("mysql", **MYSQL))
    made = await facade.AddRelation(endpoints=["keystone", "mysql"], via_cidrs=None)
    assert made.endpoints["keystone"].name == "shared-db"
    assert made.endpoints["mysql"].role == "provider"
    with pytest.raises(JujuAPIError, match="relation keystone:shared-db mysql:db already exists"):
        await facade.AddRelation(endpoints=["keystone", "mysql"], via_cidrs=None)
    status = await client.ClientFacade.from_connection(connection).FullStatus(patterns=[])
    keys = [relation.key for relation in status.relations]
    assert keys == ["keystone:cluster", "keystone:shared-db mysql:db"]
    assert status.applications["keystone"].relations["shared-db"] == ["mysql"]
    await facade.DestroyRelation(endpoints=["keystone:shared-db", "mysql:db"], relation_id=0)
    with controller.state() as tx:
        assert [r.key for r in relations.all_relations(tx, model.uuid)] == ["keystone:cluster"]


async def test_two_applications_that_do_not_fit_cannot_be_related(
    controller, model, connection, facade
):
    await controller.deploy(connection, model)
    await controller.deploy(connection, model, "glance", controller.packed_charm("glance"))
    with pytest.raises(JujuAPIError, match="no relations found"):
        await facade.AddRelation(endpoints=["keystone", "glance"], via_cidrs=None)


async def test_units_are_added_to_machines_and_containers_and_removed(
    controller, model, connection, facade
):
    await controller.deploy(connection, model)
    added = await facade.AddUnits(
        application="keystone",
        num_units=2,
        placement=[{"scope": "lxd", "directive": "0"}, {"scope": "#", "directive": "0"}],
        attach_storage=[],
        policy="",
    )
    assert added.units == ["keystone/1", "keystone/2"]
    with controller.state() as tx:
        assert units.get(tx, model.uuid, "keystone/1").machine == "0/lxd/0"
        assert units.get(tx, model.uuid, "keystone/2").machine == "0"
    await facade.DestroyUnit(units=[{"unit-tag": "unit-keystone-2"}])
    with controller.state() as tx:
        assert units.names(tx, model.uuid, "keystone") == ["keystone/0", "keystone/1"]
    with pytest.raises(JujuError, match='unit "keystone/9" does not exist'):
        await facade.DestroyUnit(units=[{"unit-tag": "unit-keystone-9"}])


async def test_a_dry_run_of_a_removal_tells_what_would_go_and_removes_nothing(
    controller, model, connection
):
    await controller.deploy(connection, model, **{"num-units": 2})
    wanted = {"application-tag": "application-keystone", "dry-run": True}
    answer = await controller.call(
        connection, "Application", 20, "DestroyApplication", applications=[wanted]
    )
    assert answer["results"][0]["info"]["destroyed-units"] == [
        {"tag": "unit-keystone-0"},
        {"tag": "unit-keystone-1"},
    ]
    with controller.state() as tx:
        assert applications.get(tx, model.uuid, "keystone").life == "alive"


async def test_an_application_is_refreshed_to_the_next_revision(
    controller, model, connection, facade
):
    await controller.deploy(connection, model, config={"region": "Berlin"})
    url = await controller.upload(model)
    await facade.SetCharm(
        application="keystone",
        charm_url=url,
        charm_origin=client.CharmOrigin(source="local"),
        channel="",
        generation="",
        force=False,
        force_base=False,
        force_units=False,
    )
    origin = await facade.GetCharmURLOrigin(application="keystone")
    assert origin.url == "local:keystone-1"
    assert origin.charm_origin.revision == 1
    shown = await facade.CharmConfig(args=[{"application": "keystone"}])
    assert shown.results[0].config["region"]["value"] == "Berlin"


async def test_units_info_shows_machine_and_databags(controller, model, connection, facade):
    await controller.deploy(connection, model)
    shown = await facade.UnitsInfo(entities=[client.Entity("application-keystone")])
    unit = shown.results[0].result
    assert (unit.tag, unit.machine, unit.charm) == ("unit-keystone-0", "0", "local:keystone-0")
    assert unit.relation_data[0].endpoint == "cluster"
    info = await facade.ApplicationsInfo(entities=[client.Entity("application-keystone")])
    assert info.results[0].result.principal is True
    assert info.results[0].result.endpoint_bindings["shared-db"] == "alpha"


async def test_exposing_is_shown_in_the_status(controller, model, connection, facade):
    await controller.deploy(connection, model)
    await facade.Expose(application="keystone", exposed_endpoints={})
    status = await client.ClientFacade.from_connection(connection).FullStatus(patterns=[])
    assert status.applications["keystone"].exposed is True
    assert status.applications["keystone"].exposed_endpoints[""].expose_to_cidrs == [
        "0.0.0.0/0",
        "::/0",
    ]
    await facade.Unexpose(application="keystone", exposed_endpoints=[])
    status = await client.ClientFacade.from_connection(connection).FullStatus(patterns=[])
    assert status.applications["keystone"].exposed is False


async def test_a_failed_unit_is_resolved_once(controller, model, connection, facade):
    await controller.deploy(connection, model)
    with controller.state() as tx:
        statuses.set_status(tx, model.uuid, "agent", "keystone/0", "error", "hook failed")
    wanted = client.Entities([client.Entity("unit-keystone-0")])
    await facade.ResolveUnitErrors(all_=False, retry=True, tags=wanted)
    with controller.state() as tx:
        assert units.get(tx, model.uuid, "keystone/0").resolved == "retry-hooks"
    with pytest.raises(JujuError, match="already resolved"):
        await facade.ResolveUnitErrors(all_=False, retry=True, tags=wanted)


async def test_scaling_is_for_containers_only(controller, connection):
    with pytest.raises(JujuAPIError, match="on a non-container model not supported"):
        await controller.call(connection, "Application", 20, "ScaleApplications", applications=[])


async def test_constraints_bindings_and_base_of_units_to_come_are_changed(
    controller, model, connection, facade
):
    await controller.deploy(connection, model)
    with controller.state() as tx:
        spaces.add(tx, model.uuid, "metal", [{"cidr": "127.0.0.0/16"}])
    await facade.SetConstraints(application="keystone", constraints={"cores": 8})
    shown = await facade.GetConstraints(entities=[client.Entity("application-keystone")])
    assert shown.results[0].constraints.cores == 8
    change = {"application-tag": "application-keystone", "bindings": {"cluster": "metal"}}
    await facade.MergeBindings(args=[{**change, "force": False}])
    shown = await facade.Get(application="keystone", branch="master")
    assert shown.endpoint_bindings["cluster"] == "metal"
    listed = await client.SpacesFacade.from_connection(connection).ShowSpace(
        entities=[client.Entity("space-metal")]
    )
    assert listed.results[0].applications == ["keystone"]
    base = {"tag": {"tag": "application-keystone"}, "channel": "22.04"}
    with pytest.raises(JujuError, match="not supported by charm"):
        await controller.call(connection, "Application", 20, "UpdateApplicationBase", args=[base])


async def test_the_leader_of_an_application_is_told(controller, model, connection):
    await controller.deploy(connection, model)
    wanted = {"tag": "application-keystone"}
    with pytest.raises(JujuError, match="leader for application-keystone not found"):
        await controller.call(connection, "Application", 20, "Leader", **wanted)
    with controller.state() as tx:
        leases.claim(tx, model.uuid, "keystone/0", time.time())
    answer = await controller.call(connection, "Application", 20, "Leader", **wanted)
    assert answer == {"result": "keystone/0"}


async def test_placement_of_charmhub_charms_is_checked_and_their_download_told(
    controller, connection
):
    facade = client.CharmsFacade.from_connection(connection)
    placements = [{"application": "keystone", "charm-url": "ch:amd64/keystone-1"}]
    checked = await facade.CheckCharmPlacement(placements=placements)
    assert checked.results[0].error is None
    origin = {"source": "charm-hub", "architecture": "amd64"}
    wanted = [{"charm-url": "ch:amd64/keystone", "charm-origin": origin}]
    fetched = await controller.call(connection, "Charms", 6, "GetDownloadInfos", entities=wanted)
    assert fetched["results"][0]["charm-origin"]["revision"] > 0
