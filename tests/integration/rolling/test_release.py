"""A release upgrade by the packed charm, as an operator does it, and its leader lost midway."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections import Counter
from typing import Any

import pytest
from charms.openstack_coordinator.v0.rolling_plan import short

from sandbox.juju.state.store import Store
from tests.integration.coordinator.model import CHARM, Model

ENDS_WITHIN = 900.0
KEYSTONE = tuple(f"keystone/{number}" for number in range(3))
AGENTS = tuple(f"keystone-hacluster/{number}" for number in range(3))

COLLECTOR = "collector"
METRIC = "openstack_coordinator_"


class Watch:
    """Looks at these units all the time, and remembers the worst that it saw.

    Which were paused is read from the controller's own record: a pause may be shorter than a look.
    """

    def __init__(self, model: Model, watched: tuple[str, ...] = KEYSTONE) -> None:
        self._watched = watched
        self.most_down: tuple[str, ...] = ()
        self._model = model
        self._before = self._pauses()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def paused(self) -> set[str]:
        """Those that were paused since it looks."""
        return set((self._pauses() - self._before).elements())

    def _pauses(self) -> Counter[str]:
        store = Store(self._model.home.folder("juju") / "juju.db", read_only=True)
        with store.reading() as tx:
            rows = tx.all("SELECT unit FROM runs WHERE kind = 'action pause' AND exit_code = 0")
        store.close()
        return Counter(row["unit"] for row in rows if row["unit"] in self._watched)

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            try:
                units = self._model.units()
            except (AssertionError, OSError):  # the controller is busy, or begins again
                continue
            down = tuple(
                u for u in self._watched if units[u]["workload-status"]["current"] != "active"
            )
            self.most_down = max(self.most_down, down, key=len)


def targets(model: Model) -> dict[str, str]:
    """Unit of the coordinator -> where its collector is told to scrape it."""
    found = {}
    for name in model.units(COLLECTOR):
        shown = json.loads(model.juju("show-unit", name, "--format", "json"))[name]
        for relation in shown["relation-info"]:
            for principal, data in relation.get("related-units", {}).items():
                if config := data["data"].get("config"):
                    (job,) = json.loads(config)["metrics_scrape_jobs"]
                    found[principal] = job["static_configs"][0]["targets"][0]
    return found


def scrape(target: str) -> set[str]:
    """The samples of a unit; none while nobody answers there."""
    try:
        with urllib.request.urlopen(f"http://{target}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return set()
    return {line for line in lines if not line.startswith("#")}


def test_a_refresh_is_rolled_back_from_its_midst(model: Model) -> None:
    """Some units have the new charm and some are held: all come back, one after another."""
    before = model.status()["applications"]["keystone"]["charm-rev"]
    made = model.act("plan", "request=refresh", "applications=keystone")
    model.act("run", f"hash={made['hash']}")
    with Watch(model, AGENTS) as watch:
        model.wait(lambda: len(watch.paused) >= 2, ENDS_WITHIN)
        assert model.status()["applications"]["keystone"]["charm-rev"] > before
        model.act("abort")
        model.wait(lambda: _phases(model) == ["aborted"], 120)
        model.act("rollback")
        model.wait(lambda: _phases(model) == ["done", "aborted"], ENDS_WITHIN)
    assert len(watch.most_down) == 1, "one address at a time is away"
    assert model.status()["applications"]["keystone"]["charm-rev"] == before
    model.wait(lambda: _well(model, *KEYSTONE, *AGENTS))


def _phases(model: Model) -> list[str]:
    return [past["phase"] for past in _history(model)]


def _well(model: Model, *units: str) -> bool:
    seen = model.units()
    return all(
        seen[unit]["workload-status"]["current"] == "active"
        and seen[unit]["juju-status"]["current"] == "idle"
        for unit in units
    )


@pytest.fixture(scope="module")
def plan(model: Model) -> dict[str, str]:
    return model.act("plan", "request=release", "packages=true", "unattended-off=true")


def test_a_plan_says_what_it_does_before_anything_is_touched(
    model: Model, plan: dict[str, str]
) -> None:
    assert "2024.1" in plan["title"]
    shown = model.act("show-plan")["plan"]
    for unit in KEYSTONE:
        assert f"{unit} pause" in shown
    assert shown.index("keystone-hacluster") < shown.index("keystone/0 pause")
    assert {unit["workload-status"]["current"] for unit in model.units("keystone").values()} == {
        "active"
    }


def test_the_release_is_reached_unit_by_unit_though_the_leader_is_lost(
    model: Model, plan: dict[str, str]
) -> None:
    ended = len(_history(model))
    model.act("run", f"hash={short(plan['hash'])}")
    with Watch(model) as watch:
        model.wait(lambda: bool(watch.paused), ENDS_WITHIN)
        leader = model.leader(CHARM)
        model.juju("remove-unit", leader, "--no-prompt", "--force")
        model.wait(lambda: leader not in model.units() and bool(model.leader(CHARM)), 120)
        model.wait(lambda: len(_history(model)) > ended, ENDS_WITHIN)
    assert _history(model)[0]["phase"] == "done"
    assert len(watch.most_down) == 1, "one unit at a time"
    assert watch.paused == set(KEYSTONE)
    application = model.status()["applications"]["keystone"]
    assert application["charm-channel"] == "2024.1/stable"
    assert {unit["workload-status"]["current"] for unit in application["units"].values()} == {
        "active"
    }
    assert application["version"].startswith("25.")
    assert model.option("keystone", "openstack-origin") == "cloud:jammy-caracal"


def test_a_second_plan_finds_nothing_left_to_do(model: Model) -> None:
    with pytest.raises(AssertionError, match="the newest that is known"):
        model.act("plan", "request=release")


def test_a_restart_is_rolled_back_from_its_midst(model: Model) -> None:
    ended = len(_history(model))
    made = model.act("plan", "request=restart", "applications=keystone")
    model.act("run", f"hash={made['hash']}")
    with Watch(model) as watch:
        model.wait(lambda: bool(watch.paused), ENDS_WITHIN)
        model.act("abort")
        model.wait(lambda: len(_history(model)) == ended + 1, 120)
        model.act("rollback")
        model.wait(lambda: len(_history(model)) == ended + 2, ENDS_WITHIN)
    assert _phases(model)[:2] == ["done", "aborted"]
    assert {unit["workload-status"]["current"] for unit in model.units("keystone").values()} == {
        "active"
    }


def test_a_plan_waits_and_goes_on_when_its_password_is_changed_under_it(model: Model) -> None:
    ended = len(_history(model))
    made = model.act("plan", "request=restart", "applications=keystone")
    model.act("run", f"hash={made['hash']}")
    with Watch(model) as watch:
        model.wait(lambda: bool(watch.paused), ENDS_WITHIN)
        model.juju("change-user-password", "coordinator", "--no-prompt", stdin="another one\n")
        model.says("tries again", "invalid entity name or password")
        model.juju("update-secret", "account", "password=another one", *model.account)
        model.wait(lambda: len(_history(model)) > ended, ENDS_WITHIN)
    assert _history(model)[0]["phase"] == "done"
    assert watch.paused == set(KEYSTONE)
    assert len(watch.most_down) == 1


def _history(model: Model) -> list[dict[str, Any]]:
    """The plans that came to their end, the newest first."""
    return json.loads(model.act("history")["history"])


def test_a_collector_beside_each_unit_reads_how_far_a_plan_is(model: Model) -> None:
    model.juju("deploy", "opentelemetry-collector", COLLECTOR, "--channel", "2/stable")
    model.juju("integrate", f"{CHARM}:cos-agent", f"{COLLECTOR}:cos-agent")
    units = len(model.units(CHARM))
    model.wait(lambda: len(targets(model)) == units, 120)
    found = targets(model)
    assert len(set(found.values())) == units, "each unit of a machine that they share has a port"
    leader = found[model.leader(CHARM)]
    # Without hypervisors it is no cloud.
    model.wait(lambda: f"{METRIC}cloud_ready 0" in scrape(leader), 120)
    standbys = [scrape(target) for target in found.values() if target != leader]
    assert standbys == [{f"{METRIC}leader 0"}] * (units - 1)
    made = model.act("plan", "request=restart", "applications=keystone")
    model.act("run", f"hash={made['hash']}")
    running = f'{METRIC}plan_phase{{phase="running"}} 1'
    model.wait(lambda: running in scrape(leader), ENDS_WITHIN)
    samples = scrape(leader)
    assert f'{METRIC}plan_info{{request="restart",hash="{short(made["hash"])}"}} 1' in samples
    assert any(sample.startswith(f"{METRIC}plan_left_seconds ") for sample in samples)
    model.wait(lambda: f'{METRIC}plan_phase{{phase="done"}} 1' in scrape(leader), ENDS_WITHIN)
    model.juju("remove-relation", CHARM, COLLECTOR)
    model.wait(lambda: not any(map(scrape, found.values())), 120)


def test_questions_are_answered(model: Model) -> None:
    assert model.act("why", "subject=keystone")["why"] == "keystone is well"
    safe = model.act("verify", "units=mysql/0", "for=pause")
    assert safe["safe"] == "true"
    two = model.act("verify", "units=mysql/0,mysql/1", "for=reboot")
    assert two["safe"] == "false"
    assert "a majority of them must" in two["reasons"]


def test_nothing_is_left_ticking_fast(model: Model) -> None:
    model.juju("run", f"{CHARM}/leader", "show-cloud")
    time.sleep(1)
    assert (
        not model.status()["applications"][CHARM]["application-status"]
        .get("message", "")
        .startswith("OpenStack 2024.1:")
    )
