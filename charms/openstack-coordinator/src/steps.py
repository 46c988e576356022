"""The words of a plan: every operation it may ask for, and every gate it may wait at.

The planner writes plans in these words, observing.py and gates.py judge them by a snapshot, and
performing.py carries them out. Each function makes one word; its docstring says what it asks,
when it counts as done, and what takes it back. Nothing else may be in a plan.

Rules that hold for all of them:

- Done is what a snapshot shows, never the success of a request: see rolling.py. What is done
  already is never asked for.
- A *wait* has nothing to perform. While it is not done, its observation is `working`.
- An operation on a unit or host that has gone is `failed`, unless its going was the aim.
- `unit` is a unit of Juju. Where it says so, `application/leader` stands for the leader at the
  time, as with `juju run`.
- `host` is a host as Nova names it.
- A version is a prefix of whole components: 25 is that of 25.0.1 and not of 250.1.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from charms.openstack_coordinator.v0.rolling_plan import Gate, Operation

PAUSED = "Paused"
"""How the message of a paused unit begins; its workload status is `maintenance`."""

MARK = "openstack-coordinator: "
"""How the reason begins with which a plan disables a host: no other's is enabled again."""

NEW = "New compute service disabled due to config option"
"""How Nova's reason begins for hosts that are new, where `enable-new-services` is false."""

CANARY = "openstack-coordinator-canary-"
"""The name of a canary guest is this and its host. It counts as no guest of the host."""

HELD = (
    "f=/run/juju-held-$JUJU_MODEL_UUID-${{JUJU_UNIT_NAME/\\//-}}; touch $f; "
    "while [ -e $f ] && [ $SECONDS -lt {seconds:.0f} ]; do sleep 1; done; rm -f $f"
    "  # openstack-coordinator holds this agent"
)
"""The command that keeps an agent busy while its file is there.

Juju does not end a command that runs, whoever cancels its task (3.6 and 4.0,
worker/uniter/runner, runCommandsWithTimeout): so it ends by itself.
"""

TELL = (
    "if [ -x hooks/update-status ]; then hooks/update-status; "
    "else JUJU_DISPATCH_PATH=hooks/update-status ./dispatch; fi"
)
"""The command, in the folder of a unit's charm, that runs the hook in which charms tell Juju how
they are and what they run."""

LET_GO = "f=/run/juju-held-{model}-{unit}; rm -f $f || sudo -n rm -f $f"
"""The command, on the unit's machine, that takes that file away. Juju runs it as `ubuntu`."""

FLAGS_SET = "OSDMAP_FLAGS"
"""Ceph's check: somebody set a flag, such as noout."""

UPGRADE_FINISHED = "OSD_UPGRADE_FINISHED"
"""Ceph's check: all disks are of a release, and it is not required of them yet."""

QUEUED = "queued for restart"
"""What a unit says, active all the same, while restarts that were put off are still to be done."""

VOCABULARY = 3
"""Rises when arguments of a step or a gate change: plans in the old words are not carried on."""

LEADER = "leader"
"""The number that stands for the leader in `application/leader`."""

HOUR = 3600.0
DAY = 24 * HOUR

Word = Literal["hold", "cold"]
"""What to do with a guest that cannot be migrated live: hold the plan, or move it cold, which
stops it for a while."""


def leader(application: str) -> str:
    """Whoever leads the application when the operation is performed."""
    return f"{application}/{LEADER}"


# -- charms and options ---------------------------------------------------------------------


def refresh_charm(application: str, channel: str, revision: int | None = None) -> Operation:
    """`juju refresh`: all units of the application get the charm at once.

    Done when the application follows the channel, and has the revision where one is given; its
    units may not have heard of it yet: `await_units` follows. Undone by a refresh to the channel
    and revision before, which charms bear until a workload was upgraded.
    """
    arguments: dict[str, Any] = {"application": application, "channel": channel}
    return Operation("refresh-charm", arguments | ({"revision": revision} if revision else {}))


def set_options(application: str, options: Mapping[str, Any]) -> Operation:
    """`juju config`; None resets an option to its default.

    Done when each option has the value in force, and None when its value is the default: where
    the snapshot does not tell defaults, when the value is empty. Undone by the values before.
    """
    return Operation("set-options", {"application": application, "options": dict(options)})


# -- units ----------------------------------------------------------------------------------


def pause_unit(unit: str) -> Operation:
    """The action `pause`: the unit serves no more until it is resumed.

    A cluster agent that is paused puts its node in standby, so that the virtual address goes
    elsewhere. Done when the workload is in maintenance with a message that begins with `Paused`
    and the agent is idle. Undone by `resume_unit`.
    """
    return Operation("pause-unit", {"unit": unit})


def resume_unit(unit: str) -> Operation:
    """The action `resume`. Done when the unit is not paused, is active, and its agent is idle.

    Nothing needs to take it back.
    """
    return Operation("resume-unit", {"unit": unit})


def upgrade_unit(unit: str, version: str) -> Operation:
    """The action `openstack-upgrade`, of a charm whose `action-managed-upgrade` is true.

    Done when the action ended well, or when the unit has this workload version before it was
    asked for; and its agent is idle. Its workload status does not matter: it may be paused. Failed
    when the action failed, whatever the version: packages come before databases. It is not asked
    for twice, for the second time it finds the packages there and does nothing. Nothing takes it
    back: databases are migrated.
    """
    return Operation("upgrade-unit", {"unit": unit, "version": version})


def tell_version(unit: str, version: str) -> Operation:
    """Have the charm look at what it runs: no action tells Juju the workload version, hooks do.

    The command `TELL`, by `juju exec`. Done when the unit has this workload version and its agent
    is idle. Nothing needs to take it back.
    """
    return Operation("tell-version", {"unit": unit, "version": version})


def await_units(
    units: Sequence[str], version: str = "", *, restarted: bool = False, serving: bool = True
) -> Operation:
    """Wait until all of these units are active, idle, and of this version where one is given.

    Follows what reaches all units at once: a refresh, or an option by which a charm upgrades its
    workload itself. A unit that has not heard of its application's charm yet is waited for; one
    in error is `failed`. A wait: nothing takes it back.

    Args:
        units: their names.
        version: of their workload; empty for any.
        restarted: none says any more that restarts are `QUEUED`.
        serving: False where they need not be active, for what they lack comes back later.
    """
    arguments: dict[str, Any] = {"units": list(units)}
    more = {"version": version, "restarted": restarted, "idle": not serving}
    return Operation(
        "await-units", arguments | {key: value for key, value in more.items() if value}
    )


def await_unsealed(units: Sequence[str]) -> Operation:
    """Wait until somebody has unsealed these units, whose keys only the operator has.

    The status says so for as long as it lasts. Done when each is active and idle, and none says
    that it is sealed. A wait.
    """
    return Operation("await-unsealed", {"units": list(units)})


def run_action(unit: str, action: str, parameters: Mapping[str, Any] | None = None) -> Operation:
    """Another action of a charm that may safely be run twice; `unit` may name the leader.

    Done when Juju's record has a task of this action, on this unit or on any of the leader's
    application, with these parameters, that was enqueued since the step was begun and completed.
    Failed when the newest such task failed. What takes it back, the knowledge says.
    """
    arguments = {"unit": unit, "action": action, "parameters": dict(parameters or {})}
    return Operation("run-action", arguments)


def run_command(unit: str, command: str) -> Operation:
    """A command on the unit's machine as root, by `juju exec`, that may safely be run twice.

    For what no charm has an action. Done and failed as `run_action`; a command that exits other
    than with 0 failed.
    """
    return Operation("run-command", {"unit": unit, "command": command})


def hold_agent(unit: str, seconds: float) -> Operation:
    """Keep the unit's agent from running hooks: what reaches all units at once waits for it.

    An agent does one thing at a time. The command `HELD` with these seconds, by `juju exec`
    beside the machine's lock (`--parallel`), keeps that of the unit busy and stops nothing: its
    services, its subordinates and the rest of the machine go on. It ends by itself.

    Done when Juju's record has such a task running on the unit; working while one is pending.
    Undone by `release_agent`.
    """
    return Operation("hold-agent", {"unit": unit, "seconds": seconds})


def release_agent(unit: str, guard: str = "", *, serving: bool = True) -> Operation:
    """Let a held agent go on: cancel what is pending of `HELD`, and end what runs by `LET_GO`.

    `guard` is the unit that keeps its virtual address: where this is the way back of another step,
    it is paused meanwhile (planning/back.py), and `serving` is False for a unit that is blocked as
    long.

    Done when Juju's record has none that is pending or running. Undone by nothing: what waited
    has run.
    """
    more = {"guard": guard, "idle": not serving}
    return Operation("release-agent", {"unit": unit} | {key: v for key, v in more.items() if v})


def resolve_unit(unit: str) -> Operation:
    """`juju resolve`: run the failed hook again. Done when the unit is not in error."""
    return Operation("resolve-unit", {"unit": unit})


def add_units(application: str, nodes: Sequence[str]) -> Operation:
    """`juju add-unit`, one unit on each of these machines of MAAS, by system id, in one request.

    Done when each node is the instance of a machine that has an active and idle unit of the
    application. Working while any unit of the application waits for its machine or installs:
    so a repeated request cannot ask twice. Undone by removing the units on these nodes.
    """
    return Operation("add-units", {"application": application, "nodes": sorted(nodes)})


def remove_unit(unit: str) -> Operation:
    """`juju remove-unit`, never by force. Done when the model has no such unit. No way back."""
    return Operation("remove-unit", {"unit": unit})


def remove_machine(machine: str) -> Operation:
    """`juju remove-machine`, never by force: its node goes back to MAAS, and so to the pool.

    Done when the model has no such machine. It fails when units or containers are left on it.
    No way back.
    """
    return Operation("remove-machine", {"machine": machine})


# -- hosts of Nova --------------------------------------------------------------------------


def disable_host(host: str, why: str) -> Operation:
    """Schedule no guest on the host any more, with a reason that begins with `MARK`.

    Done when Nova's service is disabled, by whomever. `working` while Nova does not know the
    host: a new one registers by itself. Undone by `enable_host`.
    """
    return Operation("disable-host", {"host": host, "reason": f"{MARK}{why}"})


def enable_host(host: str) -> Operation:
    """Schedule guests on it again. Done when Nova's service is enabled and up.

    One whose reason begins with neither `MARK` nor `NEW` is left disabled, and counts as done:
    somebody disabled it meanwhile and has his reasons. Undone by `disable_host`.
    """
    return Operation("enable-host", {"host": host})


def drain_host(
    host: str, *, parallel: int, cannot: Word, words: Mapping[str, Word] | None = None
) -> Operation:
    """Move every guest away; the guests are those that the snapshot shows once it is disabled.

    Live migration of at most `parallel` guests at a time, each tried on up to three hosts. A
    guest that cannot move live: `cannot` for all, `words` for single ones by id. With `hold` the
    step fails, and names each such guest with its reason. A guest in error or in the midst of
    another task is waited for, then named. Done when the host has no guest and no migration, in
    or out. What it moved stays where it is: nothing takes it back.

    Args:
        host: the host to empty.
        parallel: how many migrations of this host at a time.
        cannot: for the guests that cannot be migrated live.
        words: guest id -> the operator's word for this one.
    """
    arguments = {"host": host, "parallel": parallel, "cannot": cannot}
    return Operation("drain-host", {**arguments, "words": dict(words or {})})


def boot_canary(host: str) -> Operation:
    """Boot a guest on this host, enabled or not, named `CANARY` and the host, and probe it.

    Done when it is active there, its ports are bound and active, and it answers where it can be
    probed. A canary in error is deleted, and the attempt failed. Undone by `remove_canary`.
    """
    return Operation("boot-canary", {"host": host})


def remove_canary(host: str) -> Operation:
    """Delete the canary. Done when Nova has none of this host. Nothing needs to take it back."""
    return Operation("remove-canary", {"host": host})


def map_hosts(hosts: Sequence[str]) -> Operation:
    """Have Nova map new hosts to their cell.

    Done when all are hypervisors of a cell with their service up. A host that registered itself
    is scheduled only from then on. Nothing takes it back.
    """
    return Operation("map-hosts", {"hosts": sorted(hosts)})


def set_zone(host: str, zone: str) -> Operation:
    """Put a host without guests into an availability zone, by Nova's aggregates.

    An aggregate that makes the zone is made where there is none. Done when Nova shows the host in
    the zone. Nothing takes it back.
    """
    return Operation("set-zone", {"host": host, "zone": zone})


def remove_compute_service(host: str) -> Operation:
    """Delete what Nova and Placement know of an empty, disabled host: service and provider.

    Done when neither knows it. No way back.
    """
    return Operation("remove-compute-service", {"host": host})


def remove_network_agent(host: str) -> Operation:
    """Delete the host's agents and its OVN chassis from Neutron, once its unit is gone.

    Done when Neutron lists no agent of the host. No way back.
    """
    return Operation("remove-network-agent", {"host": host})


# -- Ceph -----------------------------------------------------------------------------------


def set_noout(application: str) -> Operation:
    """`set-noout` by the leader of the monitors: OSDs that stop are not rebalanced away.

    Done when the cluster has the flag. Undone by `unset_noout`.
    """
    return Operation("set-noout", {"application": application})


def unset_noout(application: str) -> Operation:
    """`unset-noout`. Done when the cluster has no such flag. Undone by `set_noout`."""
    return Operation("unset-noout", {"application": application})


def require_osd_release(application: str, release: str) -> Operation:
    """`ceph osd require-osd-release` on the leader of the monitors.

    Done when the cluster requires this release. No way back: older OSDs cannot join any more.
    """
    return Operation("require-osd-release", {"application": application, "release": release})


# -- time, and nothing ----------------------------------------------------------------------


def soak(seconds: float) -> Operation:
    """Wait and see. Done when the step was begun this long ago, by the journal. A wait."""
    return Operation("soak", {"seconds": seconds})


def nothing() -> Operation:
    """Always done: what takes back a step that leaves nothing to take back."""
    return Operation("nothing")


# -- gates ----------------------------------------------------------------------------------


def quorum(application: str, without: Sequence[str], least: int) -> Gate:
    """Without these units, at least `least` units of the application serve.

    A unit serves when it is active and its agent neither lost nor in error. Units that have been
    removed or added since the plan was made count as they are now.
    """
    arguments = {"application": application, "without": sorted(without), "least": least}
    return Gate("quorum", arguments, patience=HOUR)


def healthy(applications: Sequence[str], besides: Sequence[str] = ()) -> Gate:
    """Every unit of these applications is active and idle, but for those in `besides`.

    A unit that has not heard of its application's charm yet is not well either.
    `besides` are what the plan itself took down; subordinates of theirs count with them. With no
    application named, those of the whole model count.
    """
    arguments = {"applications": sorted(applications), "besides": sorted(besides)}
    return Gate("healthy", arguments, patience=HOUR)


def held(units: Sequence[str]) -> Gate:
    """The agents of all these units are held: what reaches all of them at once waits for each."""
    return Gate("held", {"units": list(units)}, patience=600.0)


def leads(unit: str) -> Gate:
    """The unit leads its application: who leads migrates the database that all of them share."""
    return Gate("leads", {"unit": unit}, 600.0)


def versions_agree(application: str, version: str) -> Gate:
    """Every unit of the application has this workload version."""
    return Gate("versions-agree", {"application": application, "version": version}, HOUR)


def vip_away(unit: str, agents: str) -> Gate:
    """No virtual address is on the unit's machine, all are elsewhere, and none may come back.

    By the word of the cluster agents, an application, whose unit beside this one is paused.
    Closed until they have told: see virtual.py.
    """
    return Gate("vip-away", {"unit": unit, "agents": agents}, 600.0)


def api_probe(failures: int) -> Gate:
    """The probe of the APIs is at work, and saw at most so many failures since the plan began.

    Closed as well while the newest answer of any API is a failure or older than two minutes, and
    where no probe is set up: the planner asks for it only where there is one.
    """
    return Gate("api-probe", {"failures": failures}, HOUR)


def ceph_health(application: str, allow: Sequence[str] = ()) -> Gate:
    """The cluster of these monitors is HEALTH_OK but for the checks allowed, all OSDs up and in.

    Without an observation of Ceph it is closed.
    """
    return Gate("ceph-health", {"application": application, "allow": sorted(allow)}, 4 * HOUR)


def capacity(hosts: Sequence[str]) -> Gate:
    """By Placement, the guests of these hosts fit on the other hosts that are enabled and up.

    Each guest needs a host of its own zone with room for all of its flavor, largest first. Open
    for hosts without guests. Prove it before anything moves, and again before each drain.
    """
    return Gate("capacity", {"hosts": sorted(hosts)}, 4 * HOUR)


def empty(host: str) -> Gate:
    """The host is disabled and has no guest and no migration, in or out, by a fresh look."""
    return Gate("empty", {"host": host}, 600.0)


def other_zones_up(zone: str) -> Gate:
    """No hypervisor of another zone is down, or disabled by a plan: one zone at a time."""
    return Gate("other-zones-up", {"zone": zone}, 4 * HOUR)


def down_in_zone(zone: str, most: int, besides: str) -> Gate:
    """Besides this host, fewer than `most` hosts of the zone are down or disabled by a plan."""
    return Gate("down-in-zone", {"zone": zone, "most": most, "besides": besides}, 4 * HOUR)


def pool(nodes: Sequence[str]) -> Gate:
    """The pool has these nodes, by system id, ready or claimed by Juju, and calls none unfit."""
    return Gate("pool", {"nodes": sorted(nodes)}, 4 * HOUR)


def bmc(nodes: Sequence[str]) -> Gate:
    """The pool knows no fault of these nodes: their BMCs answer and call them healthy.

    Unlike `pool` it is open for nodes that the pool does not know.
    """
    return Gate("bmc", {"nodes": sorted(nodes)}, 4 * HOUR)


def window(cron: str, hours: float, timezone: str) -> Gate:
    """A maintenance window: open for `hours` from each time of the cron expression.

    Args:
        cron: minute, hour, day of month, month, day of week, as in crontab(5).
        hours: how long each window is.
        timezone: of the IANA database, for example Europe/Rome; daylight saving counts.
    """
    arguments = {"cron": cron, "hours": hours, "timezone": timezone}
    return Gate("window", arguments, patience=35 * DAY)
