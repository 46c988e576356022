"""Model and Controller, as charm authors use them against Juju 3.6."""

from __future__ import annotations

import asyncio

import pytest
import yaml
from juju.controller import Controller
from juju.errors import JujuAPIError, JujuError, JujuUnitError

from tests.clients.running_controller import environment


async def until(model, ready, seconds: float = 60):
    """Wait until something holds of the model as its watcher tells."""
    await model.block_until(ready, timeout=seconds, wait_period=0.1)


async def settled(model, *apps: str, **options) -> None:
    """Wait until these applications, or all, are active and idle."""
    await model.wait_for_idle(
        list(apps) or None, status="active", idle_period=0.2, timeout=60, **options
    )


async def test_the_controller_of_the_client_s_data_is_found(controller):
    assert controller.controller_name == "sandbox"
    version = str(controller.connection().info["server-version"])
    assert version.startswith("3.6.")
    assert (await controller.clouds()).clouds["cloud-localhost"].type_ == "lxd"


@pytest.mark.parametrize(
    ("username", "password", "refusal"),
    [
        ("admin", "wrong", "invalid entity name or password"),
        # Without a name the client offers macaroons, of which the controller takes none.
        ("", "", "no credentials provided"),
    ],
)
async def test_a_login_that_is_none_is_refused_and_says_why(juju_3_6, username, password, refusal):
    with environment(juju_3_6.environment):
        client = Controller()
        await client.connect("sandbox")
        parameters = client.connection().connect_params()
        await client.disconnect()
        with pytest.raises(JujuError, match=refusal):
            await Controller().connect(
                endpoint=parameters["endpoint"],
                cacert=parameters["cacert"],
                username=username,
                password=password,
            )


async def test_an_application_from_deploy_to_destroy(model, charms):
    web = await model.deploy(
        str(charms / "web.charm"),
        application_name="shop",
        num_units=2,
        config={"port": 8080},
        constraints={"mem": 1024},
    )
    await settled(model)
    assert web.status == "active"
    assert {unit.name for unit in web.units} == {"shop/0", "shop/1"}
    assert [await unit.is_leader_from_status() for unit in web.units].count(True) == 1
    assert (await web.get_config())["port"]["value"] == 8080
    await web.set_config({"title": "new"})
    assert (await web.get_config())["title"]["value"] == "new"
    await web.reset_config(["title"])
    assert (await web.get_constraints())["mem"] == 1024
    await web.set_trusted(True)
    assert (await web.get_trusted()) is True
    await web.add_unit(count=1)
    await settled(model, wait_for_exact_units=3)
    await web.destroy_unit("shop/2")
    await until(model, lambda: len(web.units) == 2)
    await web.refresh(path=str(charms / "web.charm"))
    await settled(model)
    await until(model, lambda: model.applications["shop"].charm_url.endswith("web-1"))
    assert (await model.get_status()).applications["shop"].charm_rev == 1
    await model.remove_application("shop", block_until_done=True, timeout=60)
    assert "shop" not in model.applications


async def test_actions_and_commands(model, charms):
    web = await model.deploy(str(charms / "web.charm"))
    await settled(model)
    unit = web.units[0]
    action = await unit.run_action("greet", name="bob")
    await action.wait()
    assert action.status == "completed"
    assert action.results["greeting"] == "hello bob"
    failed = await (await unit.run_action("fail")).wait()
    assert failed.status == "failed"
    assert failed.data["message"] == "as was asked"
    assert set(await web.get_actions()) >= {"greet", "fail", "slow"}
    run = await unit.run("echo hi", block=True)
    assert run.results["stdout"] == "hi\n"
    assert run.results["return-code"] == 0


async def test_relations_tell_the_watcher(model, charms):
    await model.deploy(str(charms / "web.charm"))
    await model.deploy(str(charms / "db.charm"))
    relation = await model.integrate("web", "db")
    assert relation.matches("web:store", "db:sql")
    await until(model, lambda: model.units["web/0"].workload_status_message.startswith("at mysql"))
    (related,) = model.applications["db"].relations
    assert related.key == "web:store db:sql"
    await model.applications["web"].destroy_relation("store", "db:sql")
    await until(model, lambda: not any(len(r.endpoints) == 2 for r in model.relations))


async def test_subordinates_and_machines(model, charms):
    machine = await model.add_machine()
    await model.deploy(str(charms / "web.charm"), to=machine.id)
    await model.deploy(str(charms / "agent.charm"), num_units=0)
    await model.integrate("agent", "web")
    await until(model, lambda: "agent/0" in model.units)
    await settled(model, "web")
    assert model.units["agent/0"].principal_unit == "web/0"
    assert model.machines[machine.id].dns_name.startswith("127.")
    await model.set_constraints({"mem": 2048})
    assert (await model.get_constraints())["mem"] == 2048
    await model.set_config({"update-status-hook-interval": "10m"})
    assert (await model.get_config())["update-status-hook-interval"].value == "10m"
    await model.applications["web"].set_annotations({"owner": "me"})
    assert await model.applications["web"].get_annotations() == {"owner": "me"}


async def test_a_bundle(model, charms, tmp_path):
    bundle = {
        "default-base": "ubuntu@24.04/stable",
        "applications": {
            "web": {"charm": str(charms / "web.charm"), "num_units": 1, "options": {"port": 81}},
            "db": {"charm": str(charms / "db.charm"), "num_units": 1},
        },
        "relations": [["web:store", "db:sql"]],
    }
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(bundle))
    await model.deploy(str(tmp_path / "bundle.yaml"))
    await settled(model)
    assert (await model.applications["web"].get_config())["port"]["value"] == 81
    assert len(model.applications["db"].relations) == 1


async def test_secrets(model, charms):
    await model.deploy(str(charms / "web.charm"))
    uri = await model.add_secret("maas", ["api-key=hunter2"], info="the key")
    assert uri.startswith("secret:")
    await model.grant_secret("maas", "web")
    (secret,) = await model.list_secrets(show_secrets=True)
    assert secret.label == "maas"
    await model.update_secret("maas", ["api-key=hunter3"], new_name="maas", info="new")
    (secret,) = await model.list_secrets()
    assert secret.latest_revision == 2
    await model.revoke_secret("maas", "web")
    await model.remove_secret("maas")
    assert await model.list_secrets() == []


async def test_an_offer_is_consumed_by_another_model(controller, model, charms):
    other = await controller.add_model("offering")
    try:
        await other.deploy(str(charms / "db.charm"))
        await other.create_offer("db:sql", offer_name="mysql")
        await until(other, lambda: "db" in other.application_offers)
        assert other.application_offers["db"].offer_name == "mysql"
        await model.deploy(str(charms / "web.charm"))
        name = await model.consume("admin/offering.mysql", application_alias="sql")
        assert name == "sql"
        await model.integrate("web:store", "sql:sql")
        await until(
            model, lambda: model.units["web/0"].workload_status_message.startswith("at mysql")
        )
        assert "sql" in model.remote_applications
        (offer,) = (await other.list_offers()).results
        assert offer.offer_name == "mysql"
        assert len(offer.connections) == 1
        await model.remove_saas("sql")
        await until(model, lambda: "sql" not in model.remote_applications)
        await other.remove_offer("admin/offering.mysql", force=True)
        await until(other, lambda: not other.application_offers)
    finally:
        await other.disconnect()
        await controller.destroy_model("offering", force=True, destroy_storage=True, max_wait=0)


async def test_a_failed_hook_ends_the_wait(model, charms):
    await model.set_config({"automatically-retry-hooks": "false"})
    await model.deploy(str(charms / "web.charm"), config={"title": "broken"})
    with pytest.raises(JujuUnitError):
        await model.wait_for_idle(status="active", timeout=60, raise_on_error=True)
    await model.applications["web"].set_config({"title": "mended"})
    await model.units["web/0"].resolved(retry=True)
    await settled(model, raise_on_error=False)


async def test_a_model_is_destroyed_with_everything_in_it(controller, model, charms):
    await model.deploy(str(charms / "db.charm"))
    await settled(model)
    await controller.destroy_model(model.name, destroy_storage=True)
    for _ in range(100):
        if model.name not in await controller.list_models():
            break
        await asyncio.sleep(0.1)
    assert model.name not in await controller.list_models()


async def test_refusals_carry_juju_s_words(model, charms):
    await model.deploy(str(charms / "web.charm"))
    with pytest.raises(JujuAPIError, match='application "nothing" not found'):
        await model.integrate("web", "nothing")
    with pytest.raises(JujuError, match='unknown option "colour"'):
        await model.applications["web"].set_config({"colour": "red"})
