"""The order in which units hear of things, as Juju has it."""

from __future__ import annotations

from sandbox.juju.state import applications


async def test_a_new_leader_runs_install_created_elected_config_start(world):
    """A first unit: install, relation-created, leader-elected, config-changed, start."""
    world.deploy("app", peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    assert world.events("app/0") == [
        "install",
        "cluster-relation-created app",
        "leader-elected",
        "config-changed",
        "start",
    ]
