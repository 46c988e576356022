"""Models, their settings, clouds and credentials."""

from __future__ import annotations

import json

import jubilant
import pytest

from tests.clients.jubilant.conftest import settle


def test_the_command_tells_the_version_of_the_controller_in_focus(juju, controller):
    assert ".".join(map(str, juju.version().tuple[:2])) == controller.series
    status = juju.status()
    assert status.model.version.startswith(f"{controller.series}.")
    assert status.model.controller == "sandbox"
    assert status.model.cloud == "localhost"


def test_a_temporary_model_is_gone_at_the_end(controller):
    with jubilant.temp_model() as client:
        assert client.status().model.name == client.model
        name = client.model
    models = json.loads(jubilant.Juju().cli("models", "--format", "json"))["models"]
    assert name not in [model["short-name"] for model in models]


def test_a_model_s_configuration_is_set_and_reset(juju):
    assert juju.model_config()["automatically-retry-hooks"] is True
    juju.model_config({"update-status-hook-interval": "10m", "automatically-retry-hooks": False})
    assert juju.model_config()["update-status-hook-interval"] == "10m"
    juju.model_config(reset=["update-status-hook-interval", "automatically-retry-hooks"])
    assert juju.model_config()["automatically-retry-hooks"] is True


def test_a_model_s_constraints_are_those_of_new_machines(juju, charms):
    juju.model_constraints({"mem": "2G", "cores": 2})
    assert juju.model_constraints() == {"mem": 2048, "cores": 2}
    juju.deploy(charms / "web.charm")
    machine = settle(juju).machines["0"]
    assert "mem=2048M" in machine.constraints


def test_a_model_is_described(juju):
    info = juju.show_model()
    assert info.short_name == juju.model
    assert info.life == "alive"
    assert info.cloud == "localhost"
    assert juju.show_model(f"sandbox:admin/{juju.model}").model_uuid == info.model_uuid


def test_a_model_is_destroyed_with_all_that_is_in_it(juju, charms):
    name = juju.model
    juju.deploy(charms / "db.charm", num_units=2)
    juju.deploy(charms / "web.charm")
    juju.integrate("web", "db")
    juju.add_secret("key", {"value": "x"})
    settle(juju)
    juju.destroy_model(name, destroy_storage=True)
    assert juju.model is None
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.show_model(name)
    assert f"model sandbox:admin/{name} not found" in refusal.value.stderr


def test_switching_changes_which_model_commands_mean(juju):
    juju.cli("switch", juju.model, include_model=False)
    assert jubilant.Juju().status().model.name == juju.model
    juju.cli("switch", "sandbox", include_model=False)
    assert jubilant.Juju().cli("switch").strip() == f"sandbox:admin/{juju.model}"


CLOUD = {"clouds": {"metal": {"type": "maas", "auth-types": ["oauth1"], "endpoint": "http://m"}}}


def test_a_cloud_and_its_credential_are_added_and_updated(juju, controller):
    name = f"metal-{controller.series.replace('.', '-')}"
    cloud = {"clouds": {name: CLOUD["clouds"]["metal"]}}
    juju.add_cloud(name, cloud, controller="sandbox", force=True)
    secret = {"auth-type": "oauth1", "maas-oauth": "a:b:c"}
    juju.add_credential(name, {"credentials": {name: {"me": secret}}}, controller="sandbox")
    moved = {"clouds": {name: {**CLOUD["clouds"]["metal"], "endpoint": "http://elsewhere"}}}
    juju.update_cloud(name, moved, controller="sandbox")
    shown = juju.cli("clouds", "--controller", "sandbox", "--format", "json", include_model=False)
    assert json.loads(shown)[name]["endpoint"] == "http://elsewhere"
    # Of several clouds a user must choose one, which the other tests do not.
    juju.cli("remove-credential", name, "me", "--controller", "sandbox", include_model=False)
    juju.cli("remove-cloud", name, "--controller", "sandbox", include_model=False)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("add-model", "Bad_Name"),
            2,
            '"Bad_Name" is not a valid name: model names may only contain lowercase letters,'
            " digits and hyphens",
        ),
        (("show-model", "nothing"), 1, "model sandbox:admin/nothing not found"),
        (
            ("destroy-model", "nothing", "--no-prompt"),
            1,
            "model sandbox:admin/nothing not found",
        ),
        (("switch", "nothing"), 1, "nothing"),
        (("no-such-command",), 2, 'juju: "no-such-command" is not a juju command'),
    ],
)
def test_refusals_end_with_juju_s_exit_codes_and_words(controller, words, code, message):
    juju = jubilant.Juju()
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.cli(*words, include_model=False)
    assert refusal.value.returncode == code
    assert message in refusal.value.stderr


def test_ssh_keys_come_and_go(juju):
    key = (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJjYmNiY2JjYmNiY2JjYmNiY2JjYmNiY2JjYmNiY2Jj me@home"
    )
    juju.add_ssh_key(key)
    assert "me@home" in juju.cli("ssh-keys")
    juju.remove_ssh_key("me@home")
    assert "me@home" not in juju.cli("ssh-keys")
