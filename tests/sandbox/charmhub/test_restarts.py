"""What waits while a charm's `enable-auto-restarts` is false, and what does it after all."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import actions, assess, deferral, upgrade
from sandbox.charmhub.runtime.world import Refused, World

QUEUED = "Services queued for restart: openvswitch-switch, ovn-host"
SKIPPED = "Hooks skipped due to disabled auto restarts: configure_ovs, install"


def described(name: str) -> dict[str, Any]:
    """The charm, of which nothing is required and whose upgrade takes no time."""
    description = descriptions.load()[name]
    compiled = descriptions.compiled(description, description.releases[-1])
    status = {**compiled["status"], "required": {}}
    return {**compiled, "status": status, "cluster": None, "upgrade-takes": 0}


def unit(name: str, release: str, **flags: Any) -> World:
    """A unit that puts restarts off."""
    config = {"enable-auto-restarts": False}
    return World(f"{name}/0", release=release, config=config, flags=flags)


def restart(world: World, name: str, action: str, **parameters: Any) -> list[str]:
    """The services that an action restarts, its parameters filled up as Juju does."""
    description = described(name)
    defaults = {"deferred-only": False, "services": "", "run-hooks": True}
    how = description["actions"][action].get("restarts")
    return deferral.services(description, world, how, {**defaults, **parameters}) if how else []


def test_a_refresh_of_ovn_chassis_restarts_nothing_while_restarts_are_put_off(monkeypatch):
    description, world = described("ovn-chassis"), unit("ovn-chassis", "bobcat")
    monkeypatch.setattr(upgrade, "stop_service", lambda *_: pytest.fail("it was stopped"))

    upgrade.refreshed(description, world)

    assert world.release == "caracal"
    assert assess.status(description, world) == ("active", QUEUED)


def test_ovn_chassis_tells_which_work_its_hooks_have_left_undone():
    description, world = described("ovn-chassis"), unit("ovn-chassis", "caracal")
    deferral.observe(description, world, "update-status")
    assert assess.status(description, world) == ("active", "Unit is ready")

    upgrade.install(description, world, "caracal")
    deferral.observe(description, world, "upgrade-charm")

    assert assess.status(description, world) == ("active", f"{QUEUED}. {SKIPPED}")
    since = world.flags["deferred"]["ovn-host"]
    told = actions.run(description, world, "show-deferred-events")["output"].splitlines()
    assert told == [
        "hooks:",
        "- configure_ovs",
        "- install",
        "restarts:",
        f"- {since} openvswitch-switch                       Package update",
        f"- {since} ovn-host                                 Package update",
    ]


def test_what_waits_is_all_that_an_ovn_charm_says_and_the_last_that_rabbitmq_does():
    for name, shown in (
        ("ovn-central", ("active", "Services queued for restart: ovn-central")),
        (
            "rabbitmq-server",
            (
                "waiting",
                "Waiting for all 3 peers to complete the cluster.. "
                "Services queued for restart: rabbitmq-server",
            ),
        ),
    ):
        description = descriptions.load()[name]
        compiled = descriptions.compiled(description, description.releases[-1])
        alone = unit(name, "caracal")
        alone.config["min-cluster-size"] = 3
        deferral.queue(compiled, alone)
        assert assess.status(compiled, alone) == shown


def test_the_hook_that_turns_the_option_leaves_nothing_undone():
    description, world = described("ovn-chassis"), unit("ovn-chassis", "caracal")
    deferral.observe(description, world, "upgrade-charm")
    world.turned = True

    deferral.observe(description, world, "config-changed")

    assert assess.status(description, world) == ("active", "Unit is ready")


def test_rabbitmq_leaves_hooks_undone_until_they_may_run():
    description, world = described("rabbitmq-server"), unit("rabbitmq-server", "caracal")
    for event in ("upgrade-charm", "config-changed", "update-status"):
        deferral.observe(description, world, event)
    skipped = "Hooks skipped due to disabled auto restarts: amqp-relation-changed, config-changed"
    assert assess.status(description, world) == ("active", f"Unit is ready. {skipped}")

    world.config["enable-auto-restarts"] = True
    deferral.observe(description, world, "config-changed")

    skipped = "Hooks skipped due to disabled auto restarts: amqp-relation-changed"
    assert assess.status(description, world) == ("active", f"Unit is ready. {skipped}")


@pytest.mark.parametrize("name", ["rabbitmq-server", "ovn-chassis"])
def test_run_deferred_hooks_does_what_hooks_left_and_restarts(name):
    description = described(name)
    world = unit(name, "caracal", skipped=["config-changed"])
    deferral.queue(description, world)

    restarted = restart(world, name, "run-deferred-hooks")

    assert set(restarted) == set(description["queues"])
    assert world.flags["skipped"] == []


def test_run_deferred_hooks_of_ovn_central_restarts_nothing():
    world = unit("ovn-central", "caracal", deferred={"ovn-central": 1})
    assert restart(world, "ovn-central", "run-deferred-hooks") == []
    assert world.flags["deferred"] == {"ovn-central": 1}


def test_restart_services_wants_to_know_which():
    world = unit("ovn-central", "caracal", deferred={"ovn-central": 1})
    with pytest.raises(Refused, match=r"^Please specify deferred-only or services$"):
        restart(world, "ovn-central", "restart-services")
    with pytest.raises(Refused, match=r"^Cannot set deferred-only and services$"):
        restart(
            world,
            "ovn-central",
            "restart-services",
            **{"deferred-only": True, "services": "ovn-northd"},
        )
    with pytest.raises(Refused, match=r"stop request: ovn-nortd didn't stop cleanly\.$"):
        restart(world, "ovn-central", "restart-services", services="ovn-northd ovn-nortd")


def test_a_service_that_is_restarted_waits_no_more_and_the_others_do():
    description = described("ovn-chassis")
    world = unit("ovn-chassis", "caracal")
    deferral.queue(description, world)

    upgrade.restart(
        description, world, restart(world, "ovn-chassis", "restart-services", services="ovn-host")
    )

    waiting = "Services queued for restart: openvswitch-switch"
    assert assess.status(description, world) == ("active", waiting)


def test_a_unit_that_was_paused_and_resumed_has_been_restarted():
    description = described("rabbitmq-server")
    world = unit("rabbitmq-server", "caracal")
    deferral.queue(description, world)

    actions.run(description, world, "pause")
    actions.run(description, world, "resume")

    assert assess.status(description, world) == ("active", "Unit is ready")
