"""The coordinator's adapter against a controller's real API: TLS, login, facades, refusals."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import cloud
import juju_api
import pytest
from charms.openstack_coordinator.v0 import juju_login, juju_session

from sandbox.authority import Authority
from sandbox.juju.state import machines


def credentials(controller: Any, **changed: Any) -> juju_login.Login:
    given = {
        "username": "writer",
        "password": "open sesame",
        "endpoints": (controller.endpoint,),
        "ca_certificate": controller.ca,
    }
    return juju_login.Login(**{**given, **changed})


def unused_endpoint(controller: Any) -> str:
    return controller.endpoint.replace(":17070", ":17071")


async def test_one_look_reads_applications_machines_and_options(controller: Any) -> None:
    async with juju_api.session(credentials(controller), controller.model) as model:
        status = await model.full_status()
        options = await model.options(["keystone"])
    seen = cloud.from_full_status(status, options)
    keystone = seen.applications["keystone"]
    assert (keystone.charm, keystone.base) == ("keystone", "ubuntu@24.04")
    assert keystone.options["vip"] == "10.0.0.5"
    assert keystone.options["openstack-origin"] == "distro"
    assert [unit.name for unit in keystone.units] == ["keystone/0"]
    assert seen.machines["0"].provisioned
    assert seen.machines["1"].unmatched


async def test_a_machine_that_found_no_metal_is_provisioned_again(controller: Any) -> None:
    async with juju_api.session(credentials(controller), controller.model) as model:
        await model.retry_provisioning(["1"])
    with controller.store.transaction() as tx:
        assert machines.get(tx, controller.model, "1").retry_provisioning


async def test_a_machine_that_is_not_in_error_any_more_is_let_be(controller: Any) -> None:
    async with juju_api.session(credentials(controller), controller.model) as model:
        await model.retry_provisioning(["0", "1"])
    with controller.store.transaction() as tx:
        assert not machines.get(tx, controller.model, "0").retry_provisioning
        assert machines.get(tx, controller.model, "1").retry_provisioning


async def test_a_user_who_may_only_read_cannot_retry(controller: Any) -> None:
    reader = credentials(controller, username="reader")
    async with juju_api.session(reader, controller.model) as model:
        await model.full_status()
        with pytest.raises(juju_session.RequestRefused, match="permission denied"):
            await model.retry_provisioning(["1"])


async def test_an_application_that_went_meanwhile_is_left_out(controller: Any) -> None:
    async with juju_api.session(credentials(controller), controller.model) as model:
        assert (await model.options(["glance", "keystone"])).keys() == {"keystone"}


async def test_a_wrong_password_is_refused_and_no_password_is_logged(
    controller: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = credentials(controller, password="open barley")
    with pytest.raises(juju_session.LoginRefused, match="writer: invalid entity name or password"):
        async with juju_api.session(wrong, controller.model):
            pass
    async with juju_api.session(credentials(controller), controller.model):
        pass
    assert "barley" not in caplog.text
    assert "sesame" not in caplog.text
    assert "sesame" not in repr(credentials(controller))


async def test_an_unknown_model_is_refused(controller: Any) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(juju_session.LoginRefused, match="unknown model"):
        async with juju_api.session(credentials(controller), nowhere):
            pass


async def test_another_authority_is_not_trusted(controller: Any, tmp_path: Any) -> None:
    other = credentials(controller, ca_certificate=Authority(tmp_path / "other", "other").pem)
    with pytest.raises(juju_session.LoginRefused, match="is not trusted: check ca-cert"):
        async with juju_api.session(other, controller.model):
            pass


async def test_where_nobody_listens_it_is_unreachable(controller: Any) -> None:
    gone = credentials(controller, endpoints=(unused_endpoint(controller),))
    with pytest.raises(juju_session.Unreachable, match="nobody listens"):
        async with juju_api.session(gone, controller.model):
            pass


async def test_a_controller_that_hangs_is_unreachable_in_time(
    controller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(juju_session, "CONNECT_TIMEOUT", 0.2)
    with socket.create_server((controller.home.controller_address, 0)) as silent:
        endpoint = f"{controller.home.controller_address}:{silent.getsockname()[1]}"
        hung = credentials(controller, endpoints=(endpoint,))
        with pytest.raises(juju_session.Unreachable, match="timed out"):
            await asyncio.wait_for(_open(hung, controller.model), 10)


async def test_the_next_endpoint_is_tried_when_one_is_down(controller: Any) -> None:
    both = credentials(controller, endpoints=(unused_endpoint(controller), controller.endpoint))
    async with juju_api.session(both, controller.model) as model:
        assert (await model.full_status())["applications"].keys() == {"keystone"}


async def test_a_controller_that_goes_away_in_the_middle_is_unreachable(controller: Any) -> None:
    async with juju_api.session(credentials(controller), controller.model) as model:
        await controller.server.stop()
        with pytest.raises(juju_session.Unreachable):
            await model.full_status()


async def _open(given: juju_login.Login, model: str) -> None:
    async with juju_api.session(given, model):
        pass
