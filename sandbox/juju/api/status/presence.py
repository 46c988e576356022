"""What a status shows of agents that the controller does not hear of. Pure.

The rules are those of apiserver/common/unitstatus.go and machinestatus.go; of Juju 4.0,
domain/status/service/status.go. Nothing of it is recorded, nor told to watchers.
"""

from __future__ import annotations

import dataclasses

from sandbox.juju.release import Release
from sandbox.juju.state import statuses
from sandbox.juju.state.statuses import Status

SILENT = "agent is not communicating with the server"
_INSTALLING = "running install hook"


def lost_unit(
    release: Release, unit: str, workload: Status, agent: Status
) -> tuple[Status, Status]:
    """The workload and agent status of a unit whose agent is gone, from those shown before."""
    if not _can_be_lost(release, workload, agent):
        return workload, agent
    if workload.status not in ("error", "terminated"):
        message = release.lost_workload.format(unit=unit)
        workload = dataclasses.replace(workload, status="unknown", message=message)
    return workload, dataclasses.replace(agent, status="lost", message=SILENT)


def lost_machine(status: Status) -> Status:
    """The status of a machine whose agent is gone."""
    if status.status in ("pending", "stopped"):
        return status
    return dataclasses.replace(status, status="down", message=SILENT)


def _can_be_lost(release: Release, workload: Status, agent: Status) -> bool:
    """Whether the agent was ever there: an agent that is not installed yet is not missed."""
    if agent.status == "allocating":
        return False
    if release.keeps_errors:
        return workload.status != "error"
    if agent.status == "executing":
        return agent.message != _INSTALLING
    return (workload.status, workload.message) not in (
        ("maintenance", statuses.INSTALLING_CHARM),
        ("waiting", statuses.AGENT_INITIALISING),
    )
