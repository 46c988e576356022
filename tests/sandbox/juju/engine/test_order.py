"""The order in which units hear of things, as Juju has it."""

from __future__ import annotations

import asyncio

from sandbox.juju.state import applications, models, relations, removal, units

LEADER = ["install", "leader-elected", "config-changed", "start"]
DATABASE = {"provides": {"db": {"interface": "sql"}}}
CLIENT = {"requires": {"db": {"interface": "sql"}}}


async def test_a_first_unit_is_installed_elected_configured_and_started(world):
    """Every existing relation is created between install and leader-elected."""
    world.deploy("app", peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    assert world.events("app/0") == [
        "install",
        "cluster-relation-created app",
        "leader-elected",
        "config-changed",
        "start",
    ]
    assert world.status("app/0") == "unknown"
    assert world.agent("app/0") == "idle"


async def test_peers_join_then_change_once_each(world):
    """After joined(U) comes changed(U); the leader alone is elected."""
    world.deploy("app", num_units=3, peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    elected = [n for n in range(3) if "leader-elected" in world.events(f"app/{n}")]
    assert len(elected) == 1
    for number in range(3):
        joined = [e for e in world.events(f"app/{number}") if "joined" in e or "-changed app" in e]
        others = [f"app/{n}" for n in range(3) if n != number]
        assert sorted(joined) == sorted(
            f"cluster-relation-{kind} {other}"
            for other in others
            for kind in ("joined", "changed")
        )
        for other in others:
            at = joined.index(f"cluster-relation-joined {other}")
            assert joined[at + 1] == f"cluster-relation-changed {other}"


async def test_a_relation_added_later_is_created_joined_and_changed(world):
    world.deploy("mysql", **DATABASE)
    world.deploy("wiki", **CLIENT)
    await world.settled()
    world.relate("wiki", "mysql")
    await world.settled()
    assert world.events("wiki/0")[len(LEADER) :] == [
        "db-relation-created mysql",
        "db-relation-joined mysql/0",
        "db-relation-changed mysql/0",
    ]


async def test_application_data_is_told_before_units_join(world):
    """The leader of the database writes application data when the relation is created."""
    script = (
        'case "$JUJU_DISPATCH_PATH" in hooks/db-relation-created)'
        ' relation-set --app -r "$JUJU_RELATION_ID" url=sql://x ;; esac'
    )
    world.deploy("mysql", script, **DATABASE)
    await world.settled()
    world.deploy("wiki", **CLIENT)
    await world.settled()
    world.relate("wiki", "mysql")
    await world.settled()
    told = world.events("wiki/0")[len(LEADER) :]
    assert "db-relation-changed mysql" in told
    assert told[0] == "db-relation-created mysql"


async def test_many_changes_of_a_databag_are_told_once(world):
    """Changes coalesce: a slow reader hears of the last of them."""
    world.deploy("mysql", **DATABASE)
    world.deploy("wiki", 'case "$JUJU_DISPATCH_PATH" in *-changed) sleep 0.3 ;; esac', **CLIENT)
    world.relate("wiki", "mysql")
    await world.settled()
    before = len(world.events("wiki/0"))
    for number in range(5):
        task = await world.run(
            "mysql/0", "juju-exec", command=f"relation-set -r 0 n={number}", timeout=0
        )
        assert task.results["return-code"] == 0
    await world.settled()
    told = world.events("wiki/0")[before:]
    assert set(told) == {"db-relation-changed mysql/0"}
    assert 1 <= len(told) < 5


async def test_a_removed_relation_departs_every_unit_then_breaks(world):
    world.deploy("mysql", num_units=2, **DATABASE)
    world.deploy("wiki", **CLIENT)
    relation = world.relate("wiki", "mysql")
    await world.settled()
    before = len(world.events("wiki/0"))
    world.do(removal.destroy_relation, relation.id)
    await world.until(lambda: not world.do(relations.all_relations))
    await world.settled()
    assert world.events("wiki/0")[before:] == [
        "db-relation-departed mysql/0",
        "db-relation-departed mysql/1",
        "db-relation-broken mysql",
    ]


async def test_a_removed_unit_leaves_its_relations_then_stops_and_goes(world):
    world.deploy("mysql", num_units=2, peers={"cluster": {"interface": "c"}}, **DATABASE)
    world.deploy("wiki", **CLIENT)
    world.relate("wiki", "mysql")
    await world.settled()
    at = len(world.events("mysql/1"))
    world.remove_unit("mysql/1")
    await world.until(lambda: "mysql/1" not in world.do(units.names, "mysql"))
    gone = world.events("mysql/1")[at:]
    assert gone == [
        "db-relation-departed wiki/0",
        "db-relation-broken wiki",
        "cluster-relation-departed mysql/0",
        "stop",
        "remove",
    ]
    await world.settled()
    assert "db-relation-departed mysql/1" in world.events("wiki/0")
    assert "cluster-relation-departed mysql/1" in world.events("mysql/0")
    assert not world.charm_folder("mysql/1").exists()


async def test_a_subordinate_appears_beside_its_principal_and_goes_with_it(world):
    world.deploy(
        "ntp",
        subordinate=True,
        requires={"host": {"interface": "juju-info", "scope": "container"}},
    )
    world.deploy("wiki", num_units=2, **CLIENT)
    world.relate("ntp:host", "wiki")
    await world.until(lambda: len(world.do(units.names, "ntp")) == 2)
    await world.settled()
    beside = {u.name: u.principal for u in world.do(units.of_application, "ntp")}
    principal = beside["ntp/0"]
    assert world.events("ntp/0")[-2:] == [
        f"host-relation-joined {principal}",
        f"host-relation-changed {principal}",
    ]
    assert not [e for e in world.events(principal) if "relation" in e], "juju-info has no hooks"
    world.remove_unit(principal)
    await world.until(lambda: principal not in world.do(units.names, "wiki"))
    assert world.events("ntp/0")[-2:] == ["stop", "remove"]
    assert "ntp/0" not in world.do(units.names, "ntp")


async def test_a_changed_option_is_told_and_an_unchanged_one_is_not(world):
    world.deploy("app", config={"colour": {"type": "string", "default": "red"}})
    await world.settled()
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.settled()
    assert world.events("app/0") == [*LEADER, "config-changed"]
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.settled()
    assert world.events("app/0") == [*LEADER, "config-changed"]


async def test_every_hook_is_told_of_its_relation(world):
    """JUJU_RELATION, its id, the remote unit and application are in the environment."""
    record = 'env | grep ^JUJU_RE | sort > "$CHARM_DIR/$(basename $JUJU_DISPATCH_PATH)"'
    world.deploy("mysql", **DATABASE)
    world.deploy("wiki", record, **CLIENT)
    relation = world.relate("wiki", "mysql")
    await world.settled()
    assert world.written("wiki/0", "db-relation-joined").splitlines() == [
        "JUJU_RELATION=db",
        f"JUJU_RELATION_ID=db:{relation.id}",
        "JUJU_REMOTE_APP=mysql",
        "JUJU_REMOTE_UNIT=mysql/0",
    ]


async def test_one_machine_runs_one_hook_at_a_time(world):
    """A subordinate and its principal share a machine, and so a lock."""
    exclusive = (
        'mkdir "$CHARM_DIR/../../busy-$JUJU_MACHINE_ID" || exit 1\n'
        'sleep 0.05\nrmdir "$CHARM_DIR/../../busy-$JUJU_MACHINE_ID"'
    )
    world.deploy(
        "ntp",
        exclusive,
        subordinate=True,
        requires={"host": {"interface": "juju-info", "scope": "container"}},
    )
    world.deploy("wiki", exclusive, num_units=2, **CLIENT)
    world.relate("ntp:host", "wiki")
    await world.until(lambda: len(world.do(units.names, "ntp")) == 2)
    await world.settled()
    assert not [line for line in world.log() if line.startswith("ERROR")]


async def test_update_status_comes_at_the_models_interval(world):
    """A shorter interval takes effect at once, as `juju model-config` does in Juju."""
    world.deploy("app")
    await world.settled()
    world.do(models.set_config, {"update-status-hook-interval": "1s"})
    await world.until(lambda: world.events("app/0").count("update-status") == 2, 5)
    await world.settled()


async def test_an_update_status_that_comes_due_during_a_hook_runs_after_it(world):
    """As in Juju, which looks before a hook runs whether one is due, and not after it."""
    world.deploy(
        "app",
        '[ "$JUJU_HOOK_NAME" = config-changed ] && [ "$(config-get colour)" = blue ] || exit 0\n'
        "touch ../begun; while [ ! -e ../go ]; do sleep 0.05; done",
        config={"colour": {"type": "string", "default": "red"}},
    )
    await world.settled()
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.until(lambda: (world.charm_folder("app/0") / "../begun").exists())
    world.do(models.set_config, {"update-status-hook-interval": "1s"})
    await asyncio.sleep(1.3)  # it comes a fifth of the interval early or late
    world.do(models.set_config, {"update-status-hook-interval": "1h"})
    (world.charm_folder("app/0") / "../go").touch()
    await world.until(lambda: "update-status" in world.events("app/0"))
    await world.settled()
    assert world.events("app/0")[-2:] == ["config-changed", "update-status"]
