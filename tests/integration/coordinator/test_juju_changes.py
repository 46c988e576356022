"""What a plan asks of Juju, against a controller's real API; each may be asked for twice."""

from __future__ import annotations

from typing import Any

import cloud
import juju_api
import pytest
from charms.openstack_coordinator.v0 import juju_login, juju_session

from sandbox.juju.state import tasks, units
from tests.integration.coordinator.test_juju_api import credentials

HUB = {
    "CharmName": "glance",
    "ApplicationName": "glance",
    "channel": "2023.2/stable",
    "base": {"name": "ubuntu", "channel": "22.04/stable"},
    "ConfigYAML": "",
    "Cons": {},
    "num-units": 1,
}


def session(controller: Any, **changed: Any) -> Any:
    return juju_api.session(credentials(controller, **changed), controller.model)


async def application(model: Any, name: str) -> cloud.Application:
    status = await model.full_status()
    options = await model.options([name])
    return cloud.from_full_status(status, options).applications[name]


async def deploy_from_hub(controller: Any) -> None:
    login: juju_login.Login = credentials(controller)
    versions = {"Application": {19, 20}}
    async with juju_session.session(login, versions, controller.model) as opened:
        await opened.call_one("Application", "DeployFromRepository", Args=[HUB])


async def test_a_refresh_follows_the_channel_and_keeps_the_base(controller: Any) -> None:
    await deploy_from_hub(controller)
    async with session(controller) as model:
        before = await application(model, "glance")
        assert before.channel == "2023.2/stable"
        await model.refresh("glance", "2024.1/stable", None)
        after = await application(model, "glance")
        assert (after.channel, after.base) == ("2024.1/stable", "ubuntu@22.04")
        assert after.revision > before.revision
        await model.refresh("glance", "2024.1/stable", None)
        assert await application(model, "glance") == after, "asked for twice it is done once"
        await model.refresh("glance", "2023.2/stable", before.revision)
        assert (await application(model, "glance")).revision == before.revision


async def test_a_charm_from_a_file_is_left_to_who_has_the_file(controller: Any) -> None:
    async with session(controller) as model:
        with pytest.raises(juju_api.LocalCharm, match="juju refresh keystone --path"):
            await model.refresh("keystone", "2024.1/stable", None)


async def test_a_channel_that_is_not_there_is_refused(controller: Any) -> None:
    await deploy_from_hub(controller)
    async with session(controller) as model:
        with pytest.raises(juju_session.RequestRefused):
            await model.refresh("glance", "1999.1/stable", None)


async def test_options_are_set_and_given_their_defaults_back(controller: Any) -> None:
    async with session(controller) as model:
        await model.set_options("keystone", {"openstack-origin": "cloud:jammy-caracal"})
        assert (await application(model, "keystone")).options["openstack-origin"] == (
            "cloud:jammy-caracal"
        )
        await model.reset_options("keystone", ["openstack-origin"])
        assert (await application(model, "keystone")).options["openstack-origin"] == "distro"
        with pytest.raises(juju_session.RequestRefused, match="no-such"):
            await model.set_options("keystone", {"no-such": "x"})


async def test_an_action_is_remembered_with_its_time_and_its_end(controller: Any) -> None:
    await deploy_from_hub(controller)
    async with session(controller) as model:
        assert "pause" in (await model.actions(["glance"]))["glance"]
        await model.run_action("glance/0", "pause", {})
        (task,) = await model.tasks(["glance/0"], ["pause", "resume"])
        assert (task.unit, task.action, task.status) == ("glance/0", "pause", "pending")
        assert task.enqueued > 1.7e9
        assert task.completed == 0
        await model.cancel([task.id, "99"])
        (task,) = await model.tasks(["glance/0"], ["pause"])
        assert task.ended
        with pytest.raises(juju_session.RequestRefused, match="fly on glance/0"):
            await model.run_action("glance/0", "fly", {})


async def test_the_newest_tasks_are_seen_with_their_results_however_many_there_were(
    controller: Any,
) -> None:
    """Juju lists the oldest first, 4.0 fifty at a time and 10 before 9, and none with results."""
    with controller.store.transaction() as tx:
        for number in range(120):
            request = tasks.Request("keystone/0", "juju-exec", {"command": "true", "timeout": 0})
            (made,) = tasks.enqueue(tx, controller.model, [request]).tasks
            code = 1 if number == 118 else 0
            if number < 119:
                results = {"return-code": code, "stdout": f"look {number}"}
                tasks.finish(tx, controller.model, made.id, "completed", results=results)
    async with session(controller) as model:
        answers = await model.answers(["keystone/0"], ["juju-exec"])
    assert len(answers) == 120
    assert [task.status for task, _ in answers[-3:]] == ["completed", "failed", "pending"]
    assert answers[-2][0].message == "exit code 1:"
    assert answers[-3][1]["stdout"] == "look 117"


async def test_a_command_is_for_the_models_administrators(controller: Any) -> None:
    async with session(controller) as model:
        with pytest.raises(juju_session.RequestRefused, match="juju grant <user> admin <model>"):
            await model.run_command("keystone/0", "true", 60)
    async with session(controller, username="owner") as model:
        await model.run_command("keystone/0", "true", 60, parallel=True)
        (task,) = await model.tasks(["keystone/0"], ["juju-exec"])
        assert task.parameters["command"] == "true"
    with controller.store.transaction() as tx:
        assert tasks.get(tx, controller.model, int(task.id)).parallel, (
            "it keeps nobody else on the machine waiting"
        )


async def test_units_and_machines_come_and_go(controller: Any) -> None:
    async with session(controller) as model:
        await model.add_units("keystone", 1, ["node-9"])
        found = await application(model, "keystone")
        assert [unit.name for unit in found.units] == ["keystone/0", "keystone/1"]
        await model.remove_unit("keystone/1")
        with controller.store.transaction() as tx:
            left = units.of_application(tx, controller.model, "keystone")
        assert "alive" not in {u.life for u in left if u.name == "keystone/1"}
        await model.remove_unit("keystone/9")
        with pytest.raises(juju_session.RequestRefused):
            await model.remove_machine("0")
        await model.remove_machine("77")


async def test_an_error_that_is_over_already_needs_no_resolving(controller: Any) -> None:
    async with session(controller) as model:
        await model.resolve_error("keystone/0")
