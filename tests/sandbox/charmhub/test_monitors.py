"""Ceph's monitors take turns to another release, and each waits until all of them have it."""

from __future__ import annotations

import pathlib
import threading
import time
from typing import Any

import pytest

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import ceph, locking, upgrade
from sandbox.charmhub.runtime.world import World


@pytest.fixture
def mon() -> dict[str, Any]:
    description = descriptions.load()["ceph-mon"]
    return {**descriptions.compiled(description, description.releases[-1]), "upgrade-takes": 0.05}


@pytest.fixture
def monitors(tmp_path: pathlib.Path, mon: dict[str, Any]) -> list[World]:
    """Three of reef."""
    worlds = [World(f"ceph-mon/{number}", release="bobcat") for number in range(3)]
    for world in worlds:
        world.shared = str(tmp_path)
        ceph.tell(mon, world, going=False)
    return worlds


def test_the_first_waits_for_the_last_and_lets_the_others_have_their_turns(mon, monitors):
    first, *others = monitors
    upgrade.move(mon, first, "caracal")
    assert ceph.behind(mon, first) == ["ceph-mon-1", "ceph-mon-2"]
    waiting = threading.Thread(target=upgrade.await_monitors, args=(mon, first))
    waiting.start()

    upgrade.move(mon, others[0], "caracal")
    time.sleep(0.5)
    assert waiting.is_alive()
    upgrade.move(mon, others[1], "caracal")

    waiting.join(5)
    assert not waiting.is_alive()


def test_one_whose_others_are_held_gives_up_and_its_next_try_ends_well(mon, monitors, monkeypatch):
    monkeypatch.setattr(upgrade, "EVERY_MONITOR_WITHIN", 0.3)
    upgrade.move(mon, monitors[0], "caracal")
    with pytest.raises(upgrade.NotUpgraded, match="ceph-mon-1, ceph-mon-2"):
        upgrade.await_monitors(mon, monitors[0])

    for world in monitors[1:]:
        upgrade.move(mon, world, "caracal")
    for world in monitors:
        upgrade.await_monitors(mon, world)


def test_one_that_is_down_stays_in_the_map_and_is_waited_for(mon, monitors):
    ceph.leave(mon, monitors[2])
    quorum = ceph.command(ceph.place(mon, monitors[0]), ["quorum_status"])
    assert quorum.count("juju-") == 3, "two in the quorum, and its leader"

    upgrade.move(mon, monitors[0], "caracal")

    assert "ceph-mon-2" in ceph.behind(mon, monitors[0])
    ceph.tell(mon, monitors[2], going=True)
    assert ceph.behind(mon, monitors[0]) == ["ceph-mon-1"]


def test_without_a_newer_ceph_in_it_nothing_is_upgraded(mon, monitors, monkeypatch):
    """Ubuntu's archives of Yoga, Zed and Antelope have the same Ceph."""
    monkeypatch.setattr(upgrade, "stop_service", lambda *_: pytest.fail("it was stopped"))
    world = monitors[0]
    world.release = "yoga"
    assert not upgrade.takes_turn(mon, world, "antelope")

    with locking.Held(f"{world.shared}/turns/ceph-mon"):
        upgrade.move(mon, world, "antelope")
