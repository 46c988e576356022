"""Models, clouds, credentials and users through libjuju's facades."""

from __future__ import annotations

import pytest
from juju.client import client
from juju.controller import Controller as LibjujuController
from juju.errors import JujuAPIError, JujuError

from sandbox.juju.state import models

MAAS = {
    "type": "maas",
    "auth-types": ["oauth1"],
    "endpoint": "https://127.0.0.1:5443/MAAS",
}
KEY = "cloudcred-metal_admin_operator"


@pytest.fixture
async def connection(controller):
    async with controller.connect() as connection:
        yield connection


async def add_metal(controller, connection, oauth="a:b:c"):
    await controller.call(connection, "Cloud", 7, "AddCloud", name="metal", cloud=MAAS)
    credential = {"auth-type": "oauth1", "attrs": {"maas-oauth": oauth}}
    return await controller.call(
        connection,
        "Cloud",
        7,
        "UpdateCredentialsCheckModels",
        credentials=[{"tag": KEY, "credential": credential}],
        force=False,
    )


async def test_a_model_is_made_shown_and_destroyed(controller, connection):
    facade = client.ModelManagerFacade.from_connection(connection)
    made = await facade.CreateModel(
        name="cloud",
        owner_tag="user-admin",
        config={"update-status-hook-interval": "1m"},
        cloud_tag="cloud-sandbox",
        credential=None,
        region=None,
    )
    assert (made.name, made.type_, made.life) == ("cloud", "iaas", "alive")
    assert str(made.agent_version) == "3.6.28"
    shown = await facade.ModelInfo(entities=[client.Entity(f"model-{made.uuid}")])
    assert shown.results[0].result.status.status == "available"
    listed = await facade.ListModelSummaries(user_tag="user-admin", all_=True)
    assert [m.result.name for m in listed.results] == ["cloud"]
    assert (await facade.ListModels(tag="user-admin")).user_models[0].model.uuid == made.uuid
    with controller.state() as tx:
        assert models.get_config(tx, made.uuid)["update-status-hook-interval"] == "1m"
    await facade.DestroyModels(models=[{"model-tag": f"model-{made.uuid}", "force": False}])
    assert (await facade.ListModelSummaries(user_tag="user-admin", all_=True)).results == []


async def test_a_second_model_of_the_name_is_refused(controller, connection, model):
    facade = client.ModelManagerFacade.from_connection(connection)
    with pytest.raises(JujuAPIError, match='model "cloud" for admin already exists'):
        await facade.CreateModel(name="cloud", owner_tag="user-admin", cloud_tag="cloud-sandbox")


async def test_a_cloud_and_its_credential_are_kept_and_the_secret_is_not_shown(
    controller, connection
):
    answer = await add_metal(controller, connection)
    assert answer == {"results": [{"tag": KEY}]}
    cloud = client.CloudFacade.from_connection(connection)
    clouds = (await cloud.Clouds()).clouds
    assert clouds["cloud-metal"].endpoint == MAAS["endpoint"]
    assert [region.name for region in clouds["cloud-metal"].regions] == ["default"]
    shown = await controller.call(connection, "Cloud", 7, "Credential", entities=[{"tag": KEY}])
    assert shown["results"][0]["result"] == {
        "auth-type": "oauth1",
        "attrs": {},
        "redacted": ["maas-oauth"],
    }
    asked = {"credentials": [{"cloud-name": "metal", "credential-name": "operator"}]}
    hidden = await controller.call(
        connection, "Cloud", 7, "CredentialContents", **asked, **{"include-secrets": False}
    )
    assert hidden["results"][0]["result"]["content"]["attrs"] == {}
    open_ = await controller.call(
        connection, "Cloud", 7, "CredentialContents", **asked, **{"include-secrets": True}
    )
    assert open_["results"][0]["result"]["content"]["attrs"] == {"maas-oauth": "a:b:c"}


async def test_a_model_on_metal_takes_its_owners_only_credential(controller, connection):
    await add_metal(controller, connection)
    facade = client.ModelManagerFacade.from_connection(connection)
    made = await facade.CreateModel(
        name="openstack", owner_tag="user-admin", cloud_tag="cloud-metal"
    )
    assert made.cloud_credential_tag == KEY
    assert made.cloud_credential_validity is True
    with pytest.raises(JujuError, match="cloud is used by 1 model"):
        await controller.call(
            connection, "Cloud", 7, "RemoveClouds", entities=[{"tag": "cloud-metal"}]
        )
    with pytest.raises(JujuError, match="still used by 1 model"):
        await controller.call(
            connection,
            "Cloud",
            7,
            "RevokeCredentialsCheckModels",
            credentials=[{"tag": KEY, "force": False}],
        )


async def test_a_model_on_metal_without_a_credential_is_refused(controller, connection):
    await controller.call(connection, "Cloud", 7, "AddCloud", name="metal", cloud=MAAS)
    facade = client.ModelManagerFacade.from_connection(connection)
    with pytest.raises(JujuAPIError, match="no credential specified"):
        await facade.CreateModel(name="m", owner_tag="user-admin", cloud_tag="cloud-metal")


async def test_a_credential_of_an_unknown_cloud_is_refused(controller, connection):
    credential = {"auth-type": "oauth1", "attrs": {"maas-oauth": "a:b:c"}}
    with pytest.raises(JujuError, match='controller does not manage cloud "metal"'):
        await controller.call(
            connection,
            "Cloud",
            7,
            "UpdateCredentialsCheckModels",
            credentials=[{"tag": KEY, "credential": credential}],
        )


async def test_users_are_added_granted_and_change_their_password(controller, connection, model):
    users = client.UserManagerFacade.from_connection(connection)
    await users.AddUser(
        users=[client.AddUser(username="alice", password="first", display_name="Alice")]
    )
    manager = client.ModelManagerFacade.from_connection(connection)
    change = client.ModifyModelAccess("write", "grant", f"model-{model.uuid}", "user-alice")
    await manager.ModifyModelAccess(changes=[change])
    async with controller.connect(user="alice", password="first") as own:
        facade = client.UserManagerFacade.from_connection(own)
        await facade.SetPassword(changes=[{"tag": "user-alice", "password": "second"}])
        shown = await facade.UserInfo(entities=[], include_disabled=False)
        assert [entry.result.username for entry in shown.results] == ["alice"]
        with pytest.raises(JujuAPIError, match="permission denied"):
            await facade.AddUser(users=[client.AddUser(username="eve", password="x")])
    async with controller.connect(model.uuid, "alice", "second") as own:
        assert own.info["user-info"]["model-access"] == "write"


async def test_model_settings_and_constraints(controller, model):
    async with controller.connect(model.uuid) as connection:
        facade = client.ModelConfigFacade.from_connection(connection)
        await facade.ModelSet(config={"automatically-retry-hooks": "false"})
        settings = (await facade.ModelGet()).config
        assert settings["automatically-retry-hooks"].value is False
        assert settings["automatically-retry-hooks"].source == "model"
        assert settings["agent-version"].value == "3.6.28"
        assert settings["http-proxy"].source == "default"
        await facade.ModelUnset(keys=["automatically-retry-hooks"])
        settings = (await facade.ModelGet()).config
        assert settings["automatically-retry-hooks"].value is True
        with pytest.raises(JujuAPIError, match="agent-version cannot be changed"):
            await facade.ModelSet(config={"agent-version": "2.9.0"})
        await facade.SetModelConstraints(application="", constraints={"cores": 2})
        assert (await facade.GetModelConstraints()).constraints.cores == 2


async def test_libjujus_controller_lists_models_and_clouds(controller, model):
    libjuju = LibjujuController()
    await libjuju.connect(
        endpoint=controller.endpoint,
        username="admin",
        password="letmein",
        cacert=controller.ca,
    )
    try:
        assert await libjuju.list_models() == ["cloud"]
        assert set((await libjuju.clouds()).clouds) == {"cloud-sandbox"}
        user = await libjuju.get_current_user()
        assert user is not None
        assert user.username == "admin"
    finally:
        await libjuju.disconnect()


async def test_the_controller_tells_of_itself_and_its_models(controller, connection, model):
    facade = client.ControllerFacade.from_connection(connection)
    config = (await facade.ControllerConfig()).config
    assert config["api-port"] == 17070
    assert config["ca-cert"] == controller.ca
    assert (await facade.ControllerVersion()).version == "3.6.28"
    of_model = [client.Entity(f"model-{model.uuid}")]
    told = (await facade.ControllerAPIInfoForModels(entities=of_model)).results[0]
    assert (told.addresses, told.cacert) == ([controller.endpoint], controller.ca)
    assert [m.model.name for m in (await facade.AllModels()).user_models] == ["cloud"]
    async with controller.connect(model.uuid) as own:
        await controller.deploy(own, model)
    status = await facade.ModelStatus(entities=[client.Entity(f"model-{model.uuid}")])
    counts = status.models[0]
    assert (counts.application_count, counts.unit_count, counts.hosted_machine_count) == (1, 1, 1)
    assert counts.applications[0].name == "keystone"


async def test_superuser_access_is_granted_and_revoked(controller, connection):
    users = client.UserManagerFacade.from_connection(connection)
    await users.AddUser(users=[client.AddUser(username="bob", password="bob")])
    facade = client.ControllerFacade.from_connection(connection)
    change = {"user-tag": "user-bob", "action": "grant", "access": "superuser"}
    await facade.ModifyControllerAccess(changes=[change])
    with pytest.raises(JujuError, match='user already has "superuser" access or greater'):
        await facade.ModifyControllerAccess(changes=[change])
    shown = await facade.GetControllerAccess(entities=[client.Entity("user-bob")])
    assert shown.results[0].result.access == "superuser"
    await facade.ModifyControllerAccess(changes=[{**change, "action": "revoke"}])
    shown = await facade.GetControllerAccess(entities=[client.Entity("user-bob")])
    assert shown.results[0].result.access == "login"
    await users.RemoveUser(entities=[client.Entity("user-bob")])
    with pytest.raises(JujuAPIError, match="invalid entity name or password"):
        async with controller.connect(user="bob", password="bob"):
            pass


async def test_a_cloud_is_updated_but_keeps_its_type(controller, connection):
    await add_metal(controller, connection)
    moved = {**MAAS, "endpoint": "https://127.0.0.2:5443/MAAS"}
    update = {"name": "metal", "cloud": moved}
    await controller.call(connection, "Cloud", 7, "UpdateCloud", clouds=[update])
    shown = await controller.call(
        connection, "Cloud", 7, "CloudInfo", entities=[{"tag": "cloud-metal"}]
    )
    assert shown["results"][0]["result"]["endpoint"] == moved["endpoint"]
    update = {"name": "metal", "cloud": {**MAAS, "type": "lxd"}}
    with pytest.raises(JujuError, match='cannot change cloud "metal" type from "maas" to "lxd"'):
        await controller.call(connection, "Cloud", 7, "UpdateCloud", clouds=[update])


async def test_a_model_changes_to_another_credential_of_its_cloud(controller, connection):
    await add_metal(controller, connection)
    made = await controller.call(
        connection,
        "ModelManager",
        10,
        "CreateModel",
        name="openstack",
        **{"owner-tag": "user-admin", "cloud-tag": "cloud-metal"},
    )
    other = KEY.replace("operator", "other")
    credential = {"auth-type": "oauth1", "attrs": {"maas-oauth": "d:e:f"}}
    await controller.call(
        connection,
        "Cloud",
        7,
        "AddCredentials",
        credentials=[{"tag": other, "credential": credential}],
    )
    change = {"model-tag": f"model-{made['uuid']}", "credential-tag": other}
    await controller.call(
        connection,
        "ModelManager",
        10,
        "ChangeModelCredential",
        **{"model-credentials": [change]},
    )
    with controller.state() as tx:
        assert models.get(tx, made["uuid"]).credential == "metal/admin/other"


async def test_the_model_defaults_and_secret_backends_are_told(controller, connection):
    facade = client.ModelManagerFacade.from_connection(connection)
    told = await facade.ModelDefaultsForClouds(entities=[client.Entity("cloud-sandbox")])
    assert told.results[0].config["image-stream"].default == "released"
    backends = await client.SecretBackendsFacade.from_connection(connection).ListSecretBackends(
        names=None, reveal=False
    )
    assert backends.results[0].result.name == "internal"
