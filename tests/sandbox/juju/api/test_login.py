"""Who may connect, and what the controller tells them."""

from __future__ import annotations

import pytest
from juju.client import client
from juju.errors import JujuAPIError

from sandbox.juju.state import accounts


async def test_libjuju_connects_to_the_controller_with_user_and_password(controller):
    async with controller.connect() as connection:
        assert connection.info["server-version"] == "3.6.28"
        assert connection.info["user-info"]["controller-access"] == "superuser"
        assert "model-tag" not in connection.info
        assert connection.facades["ModelManager"] == 10
        assert connection.facades["Cloud"] == 7


async def test_libjuju_connects_to_a_model_and_finds_the_facades_of_juju_3_6(controller, model):
    async with controller.connect(model.uuid) as connection:
        assert connection.info["model-tag"] == f"model-{model.uuid}"
        wanted = {
            "Action": 7,
            "Annotations": 2,
            "Application": 20,
            "Charms": 6,
            "Client": 8,
            "MachineManager": 10,
            "ModelConfig": 3,
            "Resources": 3,
            "SSHClient": 4,
            "Secrets": 2,
            "Spaces": 6,
            "Storage": 6,
            "Subnets": 5,
        }
        assert {name: connection.facades[name] for name in wanted} == wanted


@pytest.mark.parametrize("user", ["admin", "nobody"])
async def test_a_wrong_password_and_an_unknown_user_are_refused_alike(controller, user):
    with pytest.raises(JujuAPIError) as refusal:
        async with controller.connect(user=user, password="wrong"):
            pass
    assert refusal.value.error_code == "unauthorized access"
    assert refusal.value.message == "invalid entity name or password"


async def test_a_user_without_access_to_a_model_cannot_log_in_to_it(controller, model):
    with controller.store.transaction() as tx:
        accounts.add_user(tx, "guest", "secret")
    with pytest.raises(JujuAPIError) as refusal:
        async with controller.connect(model.uuid, "guest", "secret"):
            pass
    assert refusal.value.error_code == "unauthorized access"
    assert refusal.value.message == "permission denied"


async def test_full_status_of_an_empty_model(controller, model):
    async with controller.connect(model.uuid) as connection:
        facade = client.ClientFacade.from_connection(connection)
        status = await facade.FullStatus(patterns=[])
    assert status.model.name == "cloud"
    assert status.applications == {}
