"""What Juju remembers of tasks, as its API gives it: all pages of the list, and results.

Action.ListOperations begins with the oldest, and shows no task's results. Juju 3.6 lists fifty
operations unless it is asked for more, 4.0 never more than fifty; 4.0 orders them by their numbers
as text, 10 before 9, and finds no command (`juju exec`) by the name `juju-exec`. Sources:
state/operation.go of 3.6, domain/operation/state/query.go of 4.0. So whoever wants the newest
reads all of them, and asks for the results by the tasks' numbers.

    found = await juju_tasks.listed(session, units=["keystone/0"], actions=["pause"])
    newest = await juju_tasks.with_results(session, [max(found)])
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Importing libjuju takes most of a second; what is pure here needs none of it.
    from charms.openstack_coordinator.v0.juju_session import Session

LIBID = "75d8f6b733fa4d79b3b3277db7e38557"
LIBAPI = 0
LIBPATCH = 1

EXEC = "juju-exec"
"""What Juju calls the action by which it runs a command."""

Raw = Mapping[str, Any]
"""One task, as Juju's API tells of it: rpc/params, ActionResult."""

_PAGE = 1000
"""Operations in one answer, where Juju gives as many as it is asked for."""


async def listed(
    session: Session, *, units: Collection[str] = (), actions: Collection[str] = ()
) -> dict[int, Raw]:
    """The tasks of these actions on these units by their numbers, without results.

    Args:
        session: with a model, and the facade Action 7.
        units: their names; those of all units when there are none.
        actions: their names; all when there are none.

    Raises:
        JujuApiError: they could not be read.
    """
    asked: dict[str, Any] = {"units": sorted(units)} if units else {}
    if actions and EXEC not in actions:
        asked["actions"] = sorted(actions)
    found: dict[int, Raw] = {}
    offset, truncated = 0, True
    while truncated:
        page = {"limit": _PAGE, "offset": offset}
        answer = await session.call("Action", "ListOperations", **asked, **page)
        operations = answer.get("results") or ()
        for operation in operations:
            for raw in operation.get("actions") or ():
                if raw.get("action") and not raw.get("error"):
                    found[number(raw)] = raw
        offset += len(operations)
        truncated = bool(answer.get("truncated")) and bool(operations)
    return {
        id_: raw
        for id_, raw in found.items()
        if (not units or unit(raw) in units) and (not actions or raw["action"]["name"] in actions)
    }


async def with_results(session: Session, numbers: Iterable[int]) -> dict[int, Raw]:
    """The tasks of these numbers with their results; without those that Juju has forgotten.

    Raises:
        JujuApiError: they could not be read.
    """
    entities = [{"tag": f"action-{id_}"} for id_ in numbers]
    if not entities:
        return {}
    answer = await session.call("Action", "Actions", entities=entities)
    return {number(raw): raw for raw in answer.get("results") or () if raw.get("action")}


def number(raw: Raw) -> int:
    """The task's, which Juju counts through the model."""
    return int(raw["action"]["tag"].rpartition("-")[2])


def unit(raw: Raw) -> str:
    """The name of its unit; of a machine's task a name that no unit has."""
    application, _, id_ = raw["action"]["receiver"].removeprefix("unit-").rpartition("-")
    return f"{application}/{id_}"
