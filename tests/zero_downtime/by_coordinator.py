"""Changes as openstack-coordinator makes them: a plan, approved by its hash, runs by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sandbox.client import Juju

_COORDINATOR = "openstack-coordinator"
_LEADER = f"{_COORDINATOR}/leader"
_SOAK = 10
"""Seconds between the first hypervisor and the others: no fault shows itself here by waiting."""
_WITHIN = 3 * 3600.0


class Held(Exception):
    """The plan was refused or does not go on; the message is the coordinator's."""


class Coordinator:
    """Plans and runs by the charm's actions, and waits for the end."""

    def __init__(self, juju: Juju, say: Callable[[str], None] = print) -> None:
        self._juju = juju
        self._say = say

    def refresh(self) -> None:
        """Every charm of OpenStack to the newest revision of its channel.

        Raises:
            Held: there is no plan for this cloud, or it is held.
        """
        self._carry_out("request=refresh")

    def upgrade(self) -> None:
        """OpenStack to its next release.

        Raises:
            Held: there is no plan for this cloud, or it is held.
        """
        self._carry_out("request=release", "errands=none")

    def _carry_out(self, *asked: str) -> None:
        """Make a plan, approve it, and wait until it is done.

        Raises:
            Held: there is no such plan for this cloud, or it is held.
        """
        self._juju("config", _COORDINATOR, f"soak={_SOAK}")
        plan = self._run("plan", *asked)
        self._say(f"{plan['title']}: {plan['summary']}, {plan['estimate']}")
        self._run("run", f"hash={plan['hash']}")
        deadline, shown = time.monotonic() + _WITHIN, ""
        while (phase := self._run("show-plan")["phase"]) != "done":
            status = self._status()
            if phase in ("held", "aborted") or time.monotonic() > deadline:
                raise Held(f"the plan is {phase}: {status}")
            if status != shown:
                shown = status
                self._say(shown)
            time.sleep(10)

    def _run(self, action: str, *parameters: str) -> dict[str, Any]:
        (task,) = self._juju.json("run", _LEADER, action, *parameters).values()
        if task["status"] != "completed":
            raise Held(f"{action}: {task.get('message', '')}")
        return task["results"]

    def _status(self) -> str:
        application = self._juju.json("status")["applications"][_COORDINATOR]
        leader = next(unit for unit in application["units"].values() if unit.get("leader"))
        return leader["workload-status"].get("message", "")
