"""jubilant, unpatched, drives the sandbox through this command."""

from __future__ import annotations

import pathlib
import sys

import jubilant
import pytest


@pytest.fixture
def client(juju, model) -> jubilant.Juju:
    binary = pathlib.Path(sys.executable).parent / "juju"
    return jubilant.Juju(model=model, cli_binary=str(binary), wait_timeout=60)


def test_an_application_from_deploy_to_refresh(client: jubilant.Juju, charms):
    client.deploy(charms / "web.charm", num_units=2, config={"port": 8080})
    client.deploy(charms / "front.charm", "shop")
    client.integrate("web", "shop")
    status = client.wait(jubilant.all_active, delay=0.2)
    assert set(status.apps["web"].units) == {"web/0", "web/1"}
    assert status.apps["web"].relations["site"][0].related_app == "shop"
    assert client.config("web")["port"] == 8080
    client.config("web", {"title": "new"})
    client.config("web", reset="title")
    client.refresh("web", path=charms / "web.charm")
    client.wait(lambda status: status.apps["web"].charm_rev == 1, delay=0.2, successes=1)
    unit = client.show_unit("shop/0")
    assert unit.relation_info[0].endpoint == "backend"
    client.remove_relation("web", "shop")
    client.remove_application("shop", force=True)
    client.wait(lambda status: "shop" not in status.apps, delay=0.2, successes=1)


def test_actions_commands_and_secrets(client: jubilant.Juju, charms, model):
    client.deploy(charms / "web.charm")
    client.wait(jubilant.all_agents_idle, delay=0.2)
    task = client.run("web/leader", "greet", {"name": "bob"})
    assert task.results == {"greeting": "hello bob"}
    assert task.log[0].endswith("greeting")
    with pytest.raises(ValueError, match="not defined"):
        client.run("web/0", "nope")
    assert client.exec("echo hi", unit="web/0").stdout == "hi\n"
    with pytest.raises(jubilant.TaskError) as failed:
        client.exec("exit 4", unit="web/0")
    assert failed.value.task.return_code == 4
    uri = client.add_secret("maas", {"api-key": "hunter2"}, info="the key")
    client.grant_secret("maas", "web")
    assert client.show_secret(uri, reveal=True).content == {"api-key": "hunter2"}
    assert [secret.name for secret in client.secrets()] == ["maas"]
    client.remove_secret("maas")
    client.model_constraints({"mem": "2G"})
    assert client.model_constraints() == {"mem": 2048}
    assert client.show_model().short_name == model
    assert client.version().tuple[:2] == (3, 6)
    assert "unit-web-0" in client.debug_log(limit=20)
    assert client.ssh("web/0", "echo from a shell") == "from a shell\n"
