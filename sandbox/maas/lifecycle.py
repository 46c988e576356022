"""The life of a machine as pure functions: what each operation is allowed to do, and does.

Every function takes the machine as it is and returns the `Step` to take, or raises the refusal
that MAAS answers with. Nothing here reads a clock, a store or a network.
Source: MAAS 3.7, maasserver/models/node.py and metadataserver/api.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from sandbox.maas import event_types as types
from sandbox.maas.event_types import EventType
from sandbox.maas.refusals import BadRequest, Conflict, FieldErrors, Forbidden
from sandbox.maas.statuses import COMMISSIONABLE, FAILURES, RELEASABLE, TRANSITIONS, Status

Power = Literal["on", "off", "unknown", "error"]
Signal = Literal["OK", "FAILED", "WORKING", "TESTING", "COMMISSIONING"]

DEFAULT_SERIES = ("ubuntu", "noble")


@dataclasses.dataclass(frozen=True)
class Machine:
    """What decides about a machine's next step."""

    system_id: str
    hostname: str
    status: Status
    previous_status: Status = Status.NEW
    owner: str | None = None
    locked: bool = False
    power_state: Power = "unknown"
    power_type: str = "redfish"
    osystem: str = ""
    commissioned: bool = False
    """Its last commissioning passed."""
    on_network: bool = True
    """A NIC of it is configured on a subnet."""
    has_disk: bool = True


@dataclasses.dataclass(frozen=True)
class Note:
    """An event to write."""

    type: EventType
    description: str = ""
    action: str = ""


@dataclasses.dataclass(frozen=True)
class PowerCall:
    """A power action that must follow; `revert` is the status to go back to when it fails."""

    action: Literal["on", "cycle", "off"]
    revert: Status | None = None


@dataclasses.dataclass(frozen=True)
class Step:
    """What an operation does: a new status, changed columns, events, a power action."""

    status: Status | None = None
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    power: PowerCall | None = None
    claim_address: bool = False
    """The machine's NICs get their addresses."""
    free_address: bool = False
    """The addresses go back, and what the owner had written about the machine is forgotten."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """The changed columns; a machine that becomes New or Ready has no owner any more."""
        if self.status in (Status.NEW, Status.READY):
            return {**self.changes, "owner": None}
        return self.changes


NOTHING = Step()


def by(user: str | None, comment: str | None = None) -> str:
    """Who asked, and why, as MAAS writes it into its events."""
    if user is None:
        return comment or ""
    return f"({user}) - {comment}" if comment else f"({user})"


def require_unlocked(machine: Machine) -> None:
    """Forbidden, with no text, for a locked machine."""
    if machine.locked:
        raise Forbidden()


def move(machine: Machine, status: Status) -> None:
    """Conflict when the machine may not go to this status from where it is."""
    if status != machine.status and status not in TRANSITIONS.get(machine.status, frozenset()):
        raise Conflict(f"Invalid transition: {machine.status.label} -> {status.label}.")


def commission(machine: Machine, user: str) -> Step:
    """Start the cycle that finds out what the machine is and whether it works."""
    if machine.status not in COMMISSIONABLE:
        text = "Commission is not available because of the current state of the node."
        raise FieldErrors({"__all__": [text]})
    if not machine.power_type:
        raise BadRequest("Unconfigured power type. Please configure the power type and try again.")
    action: Literal["on", "cycle"] = "cycle" if machine.power_state == "on" else "on"
    return Step(
        status=Status.COMMISSIONING,
        changes={"owner": user, "netboot": 1, "commissioning_status": 0, "testing_status": 0},
        notes=(
            Note(types.USER_COMMISSION, by(user), "start commissioning"),
            Note(types.COMMISSIONING),
        ),
        power=PowerCall(action, revert=machine.status),
    )


def acquire(machine: Machine, user: str, agent_name: str, comment: str | None = None) -> Step:
    """Claim a Ready machine for a user."""
    if machine.owner is not None and machine.owner != user:
        raise Conflict("Can't allocate a machine belonging to another user.")
    move(machine, Status.ALLOCATED)
    return Step(
        status=Status.ALLOCATED,
        changes={"owner": user, "agent_name": agent_name},
        notes=(Note(types.USER_ACQUIRE, by(user, comment), "acquire"),),
    )


def deploy(machine: Machine, user: str, series: tuple[str, str], comment: str | None) -> Step:
    """Install an operating system; `series` is its (osystem, distro_series)."""
    if Status.DEPLOYING not in TRANSITIONS.get(machine.status, frozenset()):
        raise Conflict(f"Can't deploy a machine that is in the '{machine.status.label}' state")
    if not machine.on_network:
        raise FieldErrors({"network": ["Node must be configured to use a network"]})
    if not machine.has_disk:
        raise FieldErrors(
            {
                "storage": [
                    "Specify a storage device to be able to deploy this node.",
                    "Mount the root '/' filesystem to be able to deploy this node.",
                ]
            }
        )
    action: Literal["on", "cycle"] = "cycle" if machine.power_state == "on" else "on"
    return Step(
        status=Status.DEPLOYING,
        changes={"osystem": series[0], "distro_series": series[1], "netboot": 1},
        notes=(
            Note(types.USER_DEPLOY, by(user, comment), "start"),
            Note(types.DEPLOYING),
        ),
        power=PowerCall(action),
        claim_address=True,
    )


def release(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Give the machine back; asking twice is no error."""
    if machine.status in (Status.RELEASING, Status.READY):
        return NOTHING
    if machine.status not in RELEASABLE:
        raise Conflict(
            f"Machine cannot be released in its current state ('{machine.status.label}')."
        )
    requested = Note(types.USER_RELEASE, by(user, comment), "release")
    cleared = {
        "agent_name": "",
        "osystem": "",
        "distro_series": "",
        "hwe_kernel": None,
        "netboot": 1,
        "user_data": None,
        "enable_hw_sync": 0,
    }
    if machine.power_state == "off":
        done = released(machine)
        return dataclasses.replace(
            done,
            changes={**cleared, **done.changes},
            notes=(requested, Note(types.RELEASING), *done.notes),
        )
    return Step(
        status=Status.RELEASING,
        changes=cleared,
        notes=(requested, Note(types.RELEASING)),
        power=PowerCall("off", revert=machine.status),
    )


def released(machine: Machine) -> Step:
    """The release is over: the machine is off."""
    return Step(
        status=Status.READY if machine.commissioned else Status.NEW,
        notes=(Note(types.RELEASED),),
        free_address=True,
    )


def mark_broken(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Take the machine out of service, with a reason that stays until it is fixed."""
    move(machine, Status.BROKEN)
    notes = (Note(types.USER_MARK_BROKEN, by(user, comment), "mark broken"),)
    changes: dict[str, Any] = {"error_description": comment or ""}
    if machine.status not in RELEASABLE:
        return Step(Status.BROKEN, changes, notes)
    gone = release(machine, user)
    return Step(
        Status.BROKEN,
        {**gone.changes, **changes},
        notes + gone.notes,
        PowerCall("off") if gone.power else None,
        free_address=gone.free_address,
    )


def mark_fixed(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Put a broken machine back into service as it is, without commissioning."""
    if machine.status is not Status.BROKEN:
        raise Conflict("Can't mark a non-broken node as 'Ready'.")
    back = Status.DEPLOYED if machine.previous_status is Status.DEPLOYED else Status.READY
    return Step(
        status=back,
        changes={"error_description": "", "osystem": "", "distro_series": "", "hwe_kernel": None},
        notes=(Note(types.USER_MARK_FIXED, by(user, comment), "mark fixed"),),
    )


_ABORTS = {
    Status.COMMISSIONING: (
        Status.NEW,
        Note(types.USER_ABORT_COMMISSIONING, action="abort commissioning"),
        Note(types.ABORTED_COMMISSIONING),
    ),
    Status.DEPLOYING: (
        Status.ALLOCATED,
        Note(types.USER_ABORT_DEPLOYMENT, action="abort deploying"),
        Note(types.ABORTED_DEPLOYMENT),
    ),
    Status.TESTING: (
        Status.READY,
        Note(types.USER_ABORT_TESTING, action="abort testing"),
        Note(types.ABORTED_TESTING),
    ),
}


def abort(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Stop what is in progress."""
    if machine.status not in _ABORTS:
        raise Conflict(
            f"Cannot abort in current state: node {machine.system_id} is in state "
            f"{machine.status.label}."
        )
    back, requested, aborted = _ABORTS[machine.status]
    if machine.status is Status.TESTING and not machine.commissioned:
        back = Status.NEW
    return Step(
        status=back,
        notes=(dataclasses.replace(requested, description=by(user, comment)), aborted),
        power=PowerCall("off"),
    )


def lock(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Protect a deployed machine from every change."""
    if machine.locked:
        raise Conflict("Machine is already locked")
    if machine.status not in (Status.DEPLOYED, Status.DEPLOYING):
        raise Conflict("Can't lock, node is not deployed or deploying")
    note = Note(types.USER_LOCK, by(user, comment), "lock")
    return Step(changes={"locked": 1}, notes=(note,))


def unlock(machine: Machine, user: str, comment: str | None = None) -> Step:
    """End the protection."""
    if not machine.locked:
        raise Conflict("Machine is not locked")
    note = Note(types.USER_UNLOCK, by(user, comment), "unlock")
    return Step(changes={"locked": 0}, notes=(note,))


def override_failed_testing(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Use the machine in spite of its failed tests."""
    if machine.status is not Status.FAILED_TESTING:
        raise Conflict("Unable to override node status. Node is not in 'Failed testing' status.")
    note = Note(types.USER_OVERRIDE_TESTING, by(user, comment), "ignore failed tests")
    return Step(
        status=Status.DEPLOYED if machine.osystem else Status.READY,
        changes={"error_description": ""},
        notes=(note,),
    )


def power_on(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Switch a machine on that has an owner; an allocated one is deployed by it."""
    if machine.owner is None:
        raise Conflict("Can't start node: it hasn't been allocated.")
    if machine.status is Status.ALLOCATED:
        return deploy(machine, user, DEFAULT_SERIES, comment)
    note = Note(types.USER_START, by(user, comment), "start")
    return Step(notes=(note,), power=PowerCall("on"))


def power_off(machine: Machine, user: str, comment: str | None = None) -> Step:
    """Switch a machine off, whatever it does."""
    return Step(notes=(Note(types.USER_STOP, by(user, comment), "stop"),), power=PowerCall("off"))


def powered(machine: Machine, state: Power) -> Step:
    """MAAS learns the machine's power state."""
    changes = {"power_state": state}
    if machine.status is Status.RELEASING and state == "off":
        done = released(machine)
        return dataclasses.replace(done, changes={**changes, **done.changes})
    return Step(changes=changes)


def power_failed(machine: Machine, call: PowerCall, user: str | None, error: str) -> Step:
    """A power action failed for good: back to where the machine was, or failed."""
    failures = {
        "on": types.POWER_ON_FAILED,
        "off": types.POWER_OFF_FAILED,
        "cycle": types.POWER_CYCLE_FAILED,
    }
    word = {"on": "on", "off": "off", "cycle": "cycle"}[call.action]
    failed = Note(failures[call.action], f"Power {word} for the node failed: {error}")
    if machine.status is Status.DEPLOYING:
        return _join(failed, mark_failed(machine, error))
    if machine.status is Status.RELEASING and call.revert is not None:
        return Step(status=call.revert, changes={"power_state": "error"}, notes=(failed,))
    if call.revert is None or machine.status is not Status.COMMISSIONING:
        return Step(changes={"power_state": "error"}, notes=(failed,))
    reverted = Note(
        types.POWER_QUERY_FAILED,
        f"{by(user)} - Aborting {machine.status.name} and reverting to {call.revert.name}. "
        "Unable to power control the node. Please check power credentials.",
    )
    return Step(
        status=call.revert,
        changes={"power_state": "error"},
        notes=(failed, reverted),
    )


def mark_failed(machine: Machine, comment: str) -> Step:
    """What was in progress did not succeed; nothing happens to a machine at rest."""
    failed = FAILURES.get(machine.status)
    if failed is None:
        return NOTHING
    return Step(
        status=failed,
        changes={"error_description": comment},
        notes=(Note(types.MARK_FAILED, comment),),
    )


def _join(first: Note, step: Step) -> Step:
    return dataclasses.replace(step, notes=(first, *step.notes))


def signalled(machine: Machine, signal: Signal, error: str = "") -> Step:
    """The machine itself reports how it gets on (metadata API, op=signal)."""
    if machine.status is Status.COMMISSIONING:
        return _commissioning_signalled(signal, error)
    if machine.status is Status.TESTING:
        return _testing_signalled(machine, signal, error)
    if machine.status is Status.DEPLOYING:
        if signal == "FAILED":
            text = "Installation failed (refer to the installation log for more information)."
            return mark_failed(machine, text)
        return NOTHING
    if machine.status in (Status.NEW, Status.READY, Status.DEPLOYED, Status.ALLOCATED):
        return NOTHING
    raise Conflict(f"Machine status isn't valid (status is {machine.status.label})")


def _commissioning_signalled(signal: Signal, error: str) -> Step:
    if signal == "OK":
        return Step(
            Status.READY,
            {"commissioned": 1, "commissioning_status": 2, "error_description": ""},
            (Note(types.READY),),
        )
    if signal == "FAILED":
        return Step(
            Status.FAILED_COMMISSIONING,
            {"commissioned": 0, "commissioning_status": 3, "error_description": error},
            (Note(types.FAILED_COMMISSIONING),),
        )
    if signal == "TESTING":
        return Step(
            Status.TESTING,
            {"commissioned": 1, "commissioning_status": 2, "testing_status": 1},
            (Note(types.TESTING),),
        )
    return Step(changes={"commissioning_status": 1})


def _testing_signalled(machine: Machine, signal: Signal, error: str) -> Step:
    if signal == "OK":
        if machine.previous_status in (Status.DEPLOYED, Status.ALLOCATED):
            return Step(machine.previous_status, {"testing_status": 2})
        return Step(
            Status.READY,
            {"testing_status": 2, "error_description": ""},
            (Note(types.READY),),
        )
    if signal == "FAILED":
        return Step(
            Status.FAILED_TESTING,
            {"testing_status": 3, "error_description": error},
            (Note(types.FAILED_TESTING),),
        )
    return NOTHING


def booted(machine: Machine) -> Step:
    """The installed system has come up and said so: the deployment is over."""
    if machine.status is not Status.DEPLOYING:
        return NOTHING
    return Step(Status.DEPLOYED, {"error_description": ""}, (Note(types.DEPLOYED),))
