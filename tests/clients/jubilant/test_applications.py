"""Applications, units and machines: deployed, changed, looked at and removed."""

from __future__ import annotations

import concurrent.futures
import json

import jubilant
import pytest
import yaml

from tests.clients.jubilant.conftest import settle


def test_an_application_from_deploy_to_removal(juju, charms):
    juju.deploy(
        charms / "web.charm",
        "shop",
        num_units=2,
        base="ubuntu@24.04",
        config={"port": 8080, "debug": True},
        constraints={"mem": "1G"},
        trust=True,
    )
    status = settle(juju)
    shop = status.apps["shop"]
    assert (shop.charm_name, shop.charm_origin) == ("web", "local")
    assert shop.base is not None
    assert shop.base.channel == "24.04"
    assert set(shop.units) == {"shop/0", "shop/1"}
    assert [unit.leader for unit in shop.units.values()].count(True) == 1
    assert shop.units["shop/0"].open_ports == ["80/tcp"]
    assert shop.version == "1.2.3"
    assert dict(juju.config("shop")) == {"port": 8080, "debug": True}
    assert juju.config("shop", app_config=True)["trust"] is True
    juju.config("shop", {"title": "new"}, reset=["debug"])
    assert juju.config("shop")["title"] == "new"
    juju.trust("shop", remove=True)
    assert juju.config("shop", app_config=True)["trust"] is False
    juju.remove_unit("shop/1")
    juju.wait(lambda status: set(status.apps["shop"].units) == {"shop/0"}, delay=0.4, successes=1)
    juju.remove_application("shop")
    juju.wait(lambda status: not status.apps and not status.machines, delay=0.4, successes=1)


def test_units_go_where_they_are_told(juju, charms):
    juju.cli("add-machine")
    juju.deploy(charms / "web.charm", to="0")
    juju.add_unit("web", to="lxd:0")
    juju.add_unit("web", num_units=2)
    status = settle(juju)
    assert sorted(unit.machine for unit in status.apps["web"].units.values()) == [
        "0",
        "0/lxd/0",
        "1",
        "2",
    ]
    assert set(status.machines["0"].containers) == {"0/lxd/0"}
    juju.add_machine(constraints={"cores": 2}, num_machines=2)
    assert set(juju.status().machines) == {"0", "1", "2", "3", "4"}


def test_a_refresh_brings_the_new_revision_to_every_unit(juju, charms):
    juju.deploy(charms / "web.charm", num_units=2)
    settle(juju)
    juju.refresh("web", path=charms / "web.charm", config={"port": 81})
    juju.wait(lambda status: status.apps["web"].charm_rev == 1, delay=0.4, successes=1)
    status = settle(juju)
    assert all(not unit.upgrading_from for unit in status.apps["web"].units.values())
    assert juju.config("web")["port"] == 81


def test_the_status_tells_which_charm_of_charmhub_is_newer_until_it_is_taken(juju):
    juju.deploy("memcached", channel="latest/stable", revision=30)
    found = settle(juju).apps["memcached"]
    assert (found.charm_rev, found.can_upgrade_to) == (30, "ch:amd64/memcached-37")

    juju.refresh("memcached")

    found = juju.wait(lambda status: status.apps["memcached"].charm_rev == 37, successes=1)
    assert found.apps["memcached"].can_upgrade_to == ""


def test_a_charm_of_charmhub_comes_by_name_channel_and_revision(juju):
    """A subordinate one: without a principal nothing of it runs."""
    juju.deploy("mysql-router", "router", channel="8.0/stable", base="ubuntu@24.04")
    router = juju.status().apps["router"]
    assert (router.charm, router.charm_name) == ("mysql-router", "mysql-router")
    assert (router.charm_origin, router.charm_channel) == ("charmhub", "8.0/stable")
    juju.deploy("mysql-router", "older", channel="8.0/stable", revision=router.charm_rev)
    assert juju.status().apps["older"].charm_rev == router.charm_rev
    juju.refresh("router", channel="8.0/edge")
    refreshed = juju.status().apps["router"]
    assert refreshed.charm_channel == "8.0/edge"
    assert refreshed.charm_rev >= router.charm_rev
    for words, message in (
        (("deploy", "mysql-router", "x", "--channel", "9.9/stable"), "9.9/stable"),
        (("deploy", "no-such-charm"), "no-such-charm"),
    ):
        with pytest.raises(jubilant.CLIError) as refusal:
            juju.cli(*words)
        assert refusal.value.returncode == 1
        assert message in refusal.value.stderr


def test_relations_and_subordinates(juju, charms):
    for name in ("web", "proxy", "agent"):
        juju.deploy(charms / f"{name}.charm")
    juju.integrate("web:site", "proxy")
    juju.integrate("agent", "web")
    status = juju.wait(
        lambda status: jubilant.all_active(status) and bool(status.get_units("agent")), delay=0.4
    )
    assert status.apps["proxy"].relations["backend"][0].related_app == "web"
    assert status.apps["agent"].subordinate_to == ["web"]
    assert set(status.apps["web"].units["web/0"].subordinates) == {"agent/0"}
    info = juju.show_unit("proxy/0")
    (relation,) = info.relation_info
    assert (relation.endpoint, relation.related_endpoint) == ("backend", "site")
    assert "ingress-address" in relation.related_units["web/0"].data
    juju.remove_relation("web", "proxy")
    juju.wait(lambda s: "backend" not in s.apps["proxy"].relations, delay=0.4, successes=1)


def test_a_bundle_with_an_overlay(juju, charms, tmp_path):
    bundle = {
        "default-base": "ubuntu@24.04/stable",
        "applications": {
            "web": {"charm": str(charms / "web.charm"), "num_units": 1},
            "proxy": {"charm": str(charms / "proxy.charm"), "num_units": 1},
        },
        "relations": [["web:site", "proxy:backend"]],
    }
    overlay = {"applications": {"web": {"num_units": 2, "options": {"port": 8443}}}}
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(bundle))
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    juju.deploy(tmp_path / "bundle.yaml", overlays=[tmp_path / "overlay.yaml"])
    status = settle(juju)
    assert len(status.apps["web"].units) == 2
    assert juju.config("web")["port"] == 8443


def test_an_exported_bundle_makes_the_same_model_again(juju, charms, tmp_path):
    juju.deploy(charms / "web.charm", num_units=2, config={"port": 8080}, constraints={"cores": 2})
    juju.deploy(charms / "db.charm", storage={"data": "rootfs,2G"})
    juju.deploy(charms / "agent.charm")
    juju.integrate("web", "db")
    juju.integrate("web", "agent")
    juju.cli("expose", "web")
    juju.offer("db", endpoint="backup", name="dumps")
    settle(juju, "web", "db")
    exported = juju.cli("export-bundle")
    for name in ("web", "db", "agent"):
        exported = exported.replace(f"local:{name}-0", str(charms / f"{name}.charm"))
    (tmp_path / "bundle.yaml").write_text(exported)
    with jubilant.temp_model() as again:
        again.wait_timeout = 60
        again.deploy(tmp_path / "bundle.yaml")
        settle(again, "web", "db")
        assert set(again.status().offers) == {"dumps"}
        exported_again = again.cli("export-bundle")
    for name in ("web", "db", "agent"):
        exported_again = exported_again.replace(f"local:{name}-0", str(charms / f"{name}.charm"))
    assert list(yaml.safe_load_all(exported_again)) == list(yaml.safe_load_all(exported))


def test_a_failed_hook_is_an_error_that_wait_can_watch_for(juju, charms):
    juju.model_config({"automatically-retry-hooks": False})
    juju.deploy(charms / "web.charm", config={"title": "broken"})
    with pytest.raises(jubilant.WaitError):
        juju.wait(jubilant.all_active, error=jubilant.any_error, delay=0.4)
    status = juju.status()
    assert status.apps["web"].units["web/0"].workload_status.message == (
        'hook failed: "config-changed"'
    )
    juju.config("web", {"title": "mended"})
    juju.cli("resolved", "web/0")
    settle(juju)


def test_a_wait_survives_a_controller_that_dies_and_comes_back(juju, charms, controller):
    juju.deploy(charms / "web.charm", num_units=2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(settle, juju)
        controller.kill()
        controller.start()
        assert len(waiting.result().apps["web"].units) == 2


def test_waiting_has_an_end(juju, charms):
    juju.deploy(charms / "web.charm")
    with pytest.raises(TimeoutError):
        juju.wait(lambda status: "nothing" in status.apps, timeout=0.5, delay=0.4)


def test_storage_and_resources_come_with_the_deploy(juju, charms, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html/>")
    juju.deploy(charms / "proxy.charm", resources={"page": str(page)})
    juju.deploy(charms / "db.charm", storage={"data": "rootfs,2G"})
    status = settle(juju)
    assert list(status.storage.storage) == ["data/0"]
    listed = json.loads(juju.cli("resources", "proxy", "--format", "json"))["resources"]
    assert [(entry["name"], entry["origin"]) for entry in listed] == [("page", "upload")]
    assert juju.exec('cat "$(resource-get page)"', unit="proxy/0").stdout == "<html/>"
    page.write_text("<html>anew</html>")
    juju.cli("attach-resource", "proxy", f"page={page}")
    settle(juju)
    assert juju.exec('cat "$(resource-get page)"', unit="proxy/0").stdout == "<html>anew</html>"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("deploy", "./nothing.charm"), 1, "nothing.charm"),
        (("config", "web", "colour=red"), 1, 'unknown option "colour"'),
        (("config", "web", "port=many"), 1, 'option "port" expected int, got "many"'),
        (("add-unit", "nothing"), 1, 'application "nothing" not found'),
        (("remove-unit", "web/9"), 1, 'unit "web/9" does not exist'),
        (("integrate", "web", "web"), 1, "no relations found"),
        (("integrate", "web"), 2, "an integration must involve two applications"),
        (("remove-relation", "web", "nothing"), 1, 'application "nothing" not found'),
        (("refresh", "nothing", "--path", "./x"), 1, 'application "nothing" not found'),
        (("trust", "nothing"), 1, 'application "nothing" not found'),
        (("show-unit", "web/9"), 1, 'unit "web/9" not found'),
        (("model-config", "no-such-key"), 1, '"no-such-key" is not a key of the currently'),
        (("resolved", "web/0"), 1, 'unit "web/0" is not in an error state'),
    ],
)
def test_refusals_end_with_juju_s_exit_codes_and_words(deployed, words, code, message):
    with pytest.raises(jubilant.CLIError) as refusal:
        deployed.cli(*words)
    assert (refusal.value.returncode, refusal.value.stderr) == (code, refusal.value.stderr)
    assert message in refusal.value.stderr
