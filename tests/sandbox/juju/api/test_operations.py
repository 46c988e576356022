"""Actions, secrets, machines and the rest of a model's facades."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from juju.client import client
from juju.errors import JujuAPIError, JujuError

from sandbox.juju.state import accounts, machines, models, secrets, statuses, tasks

DATA = {"token": base64.b64encode(b"hush").decode()}


@pytest.fixture
async def connection(controller, model):
    async with controller.connect(model.uuid) as connection:
        yield connection


@pytest.fixture
async def deployed(controller, model, connection):
    await controller.deploy(connection, model)
    return connection


async def test_an_action_is_enqueued_watched_and_shown(controller, model, deployed):
    facade = client.ActionFacade.from_connection(deployed)
    wanted = {"receiver": "unit-keystone-0", "name": "pause", "parameters": {"force": True}}
    enqueued = await facade.EnqueueOperation(actions=[wanted])
    action = enqueued.actions[0].action
    assert (enqueued.operation, action.tag) == ("operation-1", "action-2")
    assert enqueued.actions[0].status == "pending"
    watched = await controller.call(
        deployed, "Action", 7, "WatchActionsProgress", entities=[{"tag": action.tag}]
    )
    watcher = watched["results"][0]["watcher-id"]
    frame = {"type": "StringsWatcher", "version": 1, "id": watcher, "request": "Next"}
    waiting = asyncio.create_task(deployed.rpc(frame))
    await asyncio.sleep(0.05)
    with controller.state() as tx:
        tasks.begin(tx, model.uuid, 2)
        tasks.write_log(tx, model.uuid, 2, "stopping")
    lines = (await waiting)["response"]["changes"]
    assert [json.loads(line)["message"] for line in lines] == ["stopping"]
    with controller.state() as tx:
        tasks.finish(tx, model.uuid, 2, "completed", results={"outcome": "paused"})
    shown = await facade.Actions(entities=[client.Entity("action-2")])
    assert shown.results[0].status == "completed"
    assert shown.results[0].output == {"outcome": "paused"}
    operations = await facade.Operations(entities=[client.Entity("operation-1")])
    assert operations.results[0].summary == "pause run on keystone/0"
    listed = await facade.ListOperations(units=["keystone/0"])
    assert [operation.operation for operation in listed.results] == ["operation-1"]
    assert listed.results[0].actions[0].output == {}, "only who asks for the task is told"


async def test_an_action_that_the_charm_lacks_is_refused(controller, deployed):
    wanted = {"receiver": "unit-keystone-0", "name": "explode"}
    answer = await controller.call(deployed, "Action", 7, "EnqueueOperation", actions=[wanted])
    error = answer["actions"][0]["error"]["message"]
    assert error == 'action "explode" not defined on unit "keystone/0"'


async def test_a_command_runs_on_units_and_machines(controller, deployed):
    answer = await controller.call(
        deployed,
        "Action",
        7,
        "Run",
        commands="hostname",
        timeout=10**9,
        applications=["keystone"],
        machines=["0"],
    )
    actions = [result["action"] for result in answer["actions"]]
    assert [action["receiver"] for action in actions] == ["unit-keystone-0", "machine-0"]
    assert actions[0]["name"] == "juju-exec"
    assert actions[0]["parameters"]["command"] == "hostname"


async def test_a_pending_action_is_cancelled(deployed):
    facade = client.ActionFacade.from_connection(deployed)
    await facade.EnqueueOperation(actions=[{"receiver": "unit-keystone-0", "name": "pause"}])
    cancelled = await facade.Cancel(entities=[client.Entity("action-2")])
    assert cancelled.results[0].status == "cancelled"


async def test_charm_actions_show_their_parameters(deployed):
    facade = client.ActionFacade.from_connection(deployed)
    shown = await facade.ApplicationsCharmsActions(
        entities=[client.Entity("application-keystone")]
    )
    pause = shown.results[0].actions["pause"]
    assert pause.params["properties"] == {"force": {"type": "boolean"}}
    assert pause.description == "Stop serving"


async def test_a_user_secret_is_made_granted_updated_revealed_and_removed(
    controller, model, deployed
):
    facade = client.SecretsFacade.from_connection(deployed)
    made = await controller.call(
        deployed,
        "Secrets",
        2,
        "CreateSecrets",
        args=[{"label": "maas", "content": {"data": DATA}}],
    )
    uri = made["results"][0]["result"]
    assert uri.startswith("secret:")
    await facade.GrantSecret(applications=["keystone"], label="maas", uri="")
    fresh = {"token": base64.b64encode(b"more").decode()}
    await controller.call(
        deployed,
        "Secrets",
        2,
        "UpdateSecrets",
        args=[{"uri": uri, "existing-label": "", "content": {"data": fresh}}],
    )
    hidden = (await facade.ListSecrets(filter_={"uri": uri}, show_secrets=False)).results[0]
    assert (hidden.label, hidden.latest_revision) == ("maas", 2)
    assert hidden.owner_tag == f"model-{model.uuid}"
    shown = await controller.call(
        deployed, "Secrets", 2, "ListSecrets", **{"filter": {"uri": uri}, "show-secrets": True}
    )
    assert shown["results"][0]["value"] == {"data": fresh}
    assert shown["results"][0]["access"][0]["target-tag"] == "application-keystone"
    await facade.RevokeSecret(applications=["keystone"], label="", uri=uri)
    await controller.call(deployed, "Secrets", 2, "RemoveSecrets", args=[{"label": "maas"}])
    with controller.state() as tx:
        assert secrets.of_model(tx, model.uuid) == []


async def test_only_admins_see_what_secrets_hold(controller, model, deployed):
    await controller.call(
        deployed,
        "Secrets",
        2,
        "CreateSecrets",
        args=[{"label": "maas", "content": {"data": DATA}}],
    )
    with controller.state() as tx:
        accounts.add_user(tx, "viewer", "secret")
        models.set_access(tx, model.uuid, "viewer", "read")
    async with controller.connect(model.uuid, "viewer", "secret") as own:
        listed = await controller.call(own, "Secrets", 2, "ListSecrets", filter={})
        assert "value" not in listed["results"][0]
        with pytest.raises(JujuAPIError, match="permission denied"):
            await controller.call(
                own, "Secrets", 2, "ListSecrets", **{"filter": {}, "show-secrets": True}
            )


async def test_a_second_secret_of_the_name_and_an_empty_one_are_refused(controller, deployed):
    same = {"label": "maas", "content": {"data": DATA}}
    with pytest.raises(JujuError) as refusal:
        await controller.call(
            deployed, "Secrets", 2, "CreateSecrets", args=[same, same, {"label": "void"}]
        )
    assert 'secret with name "maas" already exists' in str(refusal.value)
    assert "empty secret value not valid" in str(refusal.value)


async def test_machines_are_added_and_removed(controller, model, connection):
    facade = client.MachineManagerFacade.from_connection(connection)
    base = {"name": "ubuntu", "channel": "24.04"}
    added = await facade.AddMachines(
        params=[
            {"base": base, "constraints": {"tags": ["openstack-compute"]}, "jobs": []},
            {
                "base": base,
                "constraints": {},
                "jobs": [],
                "placement": {"scope": model.uuid, "directive": "system-id=abc"},
            },
            {
                "base": base,
                "constraints": {},
                "jobs": [],
                "placement": {"scope": "lxd", "directive": "0"},
            },
        ]
    )
    assert [machine.machine for machine in added.machines] == ["0", "1", "0/lxd/0"]
    with controller.state() as tx:
        assert machines.get(tx, model.uuid, "1").placement == "system-id=abc"
    removed = await facade.DestroyMachineWithParams(
        machine_tags=["machine-1"], force=False, keep=False, dry_run=False, max_wait=None
    )
    assert removed.results[0].info.machine_id == "1"
    with pytest.raises(JujuError, match="machine 7 not found"):
        await facade.DestroyMachineWithParams(machine_tags=["machine-7"], force=False)


async def test_a_machine_with_an_unknown_constraint_is_refused(controller, connection):
    wanted = {"constraints": {"moonlight": 3}, "jobs": []}
    answer = await controller.call(
        connection, "MachineManager", 10, "AddMachines", params=[wanted]
    )
    assert answer["machines"][0]["error"]["message"] == 'unknown constraint "moonlight"'


async def test_a_machine_with_a_unit_is_removed_by_force_only(controller, deployed):
    facade = client.MachineManagerFacade.from_connection(deployed)
    with pytest.raises(JujuError, match='machine 0 has unit "keystone/0" assigned'):
        await facade.DestroyMachineWithParams(machine_tags=["machine-0"], force=False)


async def test_provisioning_is_tried_again_where_it_failed(controller, model, connection):
    facade = client.MachineManagerFacade.from_connection(connection)
    base = {"name": "ubuntu", "channel": "24.04"}
    await facade.AddMachines(params=[{"base": base, "constraints": {}, "jobs": []}])
    with controller.state() as tx:
        statuses.set_status(
            tx, model.uuid, "instance", "0", "provisioning error", "No available machine"
        )
    await facade.RetryProvisioning(all_=False, machines=["machine-0"])
    with controller.state() as tx:
        assert machines.get(tx, model.uuid, "0").retry_provisioning is True


async def test_annotations_are_kept(deployed):
    facade = client.AnnotationsFacade.from_connection(deployed)
    wanted = {"entity": "application-keystone", "annotations": {"gui-x": "10"}}
    await facade.Set(annotations=[wanted])
    shown = await facade.Get(entities=[client.Entity("application-keystone")])
    assert shown.results[0].annotations == {"gui-x": "10"}


async def test_spaces_pools_keys_and_addresses_are_shown(controller, model, deployed):
    with controller.state() as tx:
        address = {"value": "127.0.0.9", "type": "ipv4", "scope": "local-cloud"}
        machines.set_instance(
            tx,
            model.uuid,
            "0",
            instance_id="abc123",
            hostname="node-1",
            hardware={"arch": "amd64"},
            addresses=[address],
        )
    spaces = await client.SpacesFacade.from_connection(deployed).ListSpaces()
    assert [space.name for space in spaces.results] == ["alpha"]
    pools = await client.StorageFacade.from_connection(deployed).ListPools(filters=[])
    assert "maas" in [pool.name for pool in pools.results[0].storage_pools]
    ssh = await client.SSHClientFacade.from_connection(deployed).PublicAddress(
        entities=[client.Entity("unit-keystone-0")]
    )
    assert ssh.results[0].address == "127.0.0.9"
    keys = client.KeyManagerFacade.from_connection(deployed)
    key = f"ssh-ed25519 {base64.b64encode(b'key').decode()} me@here"
    await keys.AddKeys(ssh_keys=[key], user="admin")
    listed = await controller.call(
        deployed, "KeyManager", 1, "ListKeys", entities={"entities": [{"tag": "x"}]}, mode=True
    )
    assert listed["results"][0]["result"] == [key]


async def test_status_history_is_told_oldest_first(controller, model, deployed):
    with controller.state() as tx:
        statuses.set_status(tx, model.uuid, "workload", "keystone/0", "blocked", "no database")
        statuses.set_status(tx, model.uuid, "workload", "keystone/0", "active")
    facade = client.ClientFacade.from_connection(deployed)
    request = {"historyKind": "workload", "tag": "unit-keystone-0", "filter": {"size": 10}}
    answer = await facade.StatusHistory(requests=[request])
    found = [status.status for status in answer.results[0].history.statuses]
    assert found == ["waiting", "blocked", "active"]
    missing = {"historyKind": "unit", "tag": "unit-nobody-0", "filter": {"size": 1}}
    with pytest.raises(JujuError, match='fetching status history for "unit-nobody-0"'):
        await facade.StatusHistory(requests=[missing])
