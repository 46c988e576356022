"""What a status shows of units and machines whose agents the controller does not hear of."""

from __future__ import annotations

import pytest

from sandbox.juju import release
from sandbox.juju.api.status.presence import SILENT, lost_machine, lost_unit
from sandbox.juju.state import presence, statuses
from sandbox.juju.state.statuses import Status

IDLE = Status("idle", since="2026-01-01")
LOST = "agent lost, see 'juju show-status-log app/0'"
LOST_4_0 = "agent lost, see `juju debug-logs` or `juju show-status-log` for more information"


def shown(workload, agent=IDLE, known=release.JUJU_3_6):
    """Status and message of the workload, and of the agent."""
    return tuple(
        (status.status, status.message) for status in lost_unit(known, "app/0", workload, agent)
    )


def test_a_unit_whose_agent_is_gone_is_lost_and_nobody_knows_its_workload():
    assert shown(Status("active", "ready")) == (("unknown", LOST), ("lost", SILENT))


def test_a_lost_unit_keeps_the_time_of_its_status():
    workload, agent = lost_unit(
        release.JUJU_3_6, "app/0", Status("active", since="2025-12-31"), IDLE
    )
    assert (workload.since, agent.since) == ("2025-12-31", "2026-01-01")


@pytest.mark.parametrize("status", ["error", "terminated"])
def test_an_error_or_the_end_of_a_lost_unit_stays_to_be_read(status):
    assert shown(Status(status, "why")) == ((status, "why"), ("lost", SILENT))


@pytest.mark.parametrize(
    ("workload", "agent"),
    [
        (Status("waiting", "waiting for machine"), Status("allocating")),
        (Status("waiting", "agent initialising"), IDLE),
        (Status("maintenance", "installing charm software"), IDLE),
        (Status("maintenance", "busy"), Status("executing", "running install hook")),
    ],
)
def test_an_agent_that_is_only_being_installed_is_not_missed(workload, agent):
    assert shown(workload, agent) == tuple((s.status, s.message) for s in (workload, agent))


def test_an_agent_in_any_later_hook_is_missed():
    assert shown(Status("active"), Status("executing", "running start hook"))[1][0] == "lost"


def test_juju_4_words_it_anew_and_shows_a_failed_hook_instead():
    known = release.JUJU_4_0
    assert shown(Status("active"), known=known) == (("unknown", LOST_4_0), ("lost", SILENT))
    failed = Status("error", "hook failed")
    assert shown(failed, known=known) == (("error", "hook failed"), ("idle", ""))


def test_a_machine_is_down_unless_it_is_still_to_come_or_stopped():
    assert lost_machine(Status("started", since="2026")) == Status("down", SILENT, since="2026")
    for status in (Status("pending"), Status("stopped")):
        assert lost_machine(status) == status


async def test_status_shows_who_is_lost_and_the_application_keeps_its_own(controller, model):
    """As in Juju an application's status is derived from what its units said last."""
    with controller.state() as tx:
        now = 1e9
        presence.leave(tx, model.uuid, ("unit", "keystone/0"), now)
        presence.leave(tx, model.uuid, ("machine", "0"), now)
    async with controller.connect(model.uuid) as connection:
        await controller.deploy(connection, model)
        with controller.state() as tx:
            statuses.set_status(tx, model.uuid, "workload", "keystone/0", "active", "ready")
            statuses.set_status(tx, model.uuid, "agent", "keystone/0", "idle")
            statuses.set_status(tx, model.uuid, "machine", "0", "started")
        status = await controller.call(connection, "Client", 8, "FullStatus", patterns=[])
    application = status["applications"]["keystone"]
    unit, machine = application["units"]["keystone/0"], status["machines"]["0"]
    assert unit["agent-status"]["status"] == "lost"
    assert unit["workload-status"]["info"] == LOST.replace("app/0", "keystone/0")
    assert application["status"]["status"] == "active"
    assert (machine["agent-status"]["status"], machine["agent-status"]["info"]) == ("down", SILENT)


def test_the_earliest_notice_of_an_absence_counts(controller, model):
    with controller.state() as tx:
        for noticed in (50.0, 180.0):
            presence.leave(tx, model.uuid, ("unit", "app/0"), noticed)
        assert presence.missing(tx, model.uuid, 49) == frozenset()
        assert presence.missing(tx, model.uuid, 50) == {("unit", "app/0")}
        presence.come_back(tx, model.uuid, ("unit", "app/0"))
        assert presence.missing(tx, model.uuid, 1e9) == frozenset()
