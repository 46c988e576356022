"""How far each step of a plan is, by what is seen of the world. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import juju_model
from charms.openstack_coordinator.v0.rolling import Observation
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step
from world import Application, Model, Server, Unit, World

_DONE = Observation("done")

_STOPPED = frozenset(
    {"ERROR", "PAUSED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF", "SUSPENDED"}
)
"""Statuses of Nova in which a server does not run and does not come back by itself."""


def observe(steps: Iterable[Step], world: World) -> dict[str, Observation]:
    """Step id -> what is seen of it. What could not be seen is left out."""
    seen = {step.id: _OBSERVERS[step.do.kind](step.do.arguments, world) for step in steps}
    return {id_: found for id_, found in seen.items() if found is not None}


def drift(plan: Plan, world: World) -> dict[str, str]:
    """Step -> how the world differs from it now, where the step has not been taken, or not kept.

    A unit that is not well is no drift: the plan has nothing to do about it.
    """
    steps = [step for wave in plan.waves for step in wave.steps if step.do.kind != "settled"]
    seen = observe(steps, world)
    return {id_: found.reason for id_, found in seen.items() if found.state == "absent"}


def takes_room(steps: Iterable[Step], world: World) -> bool:
    """Whether steps that are to be taken make machines or a network."""
    return any(_takes_room(step.do.kind, step.do.arguments, world) for step in steps)


def _takes_room(kind: str, arguments: Mapping[str, Any], world: World) -> bool:
    if kind == "network":
        return world.network == "absent"
    if kind == "model":
        return world.model == "absent"
    if kind != "application" or not arguments["units"] or not isinstance(world.model, Model):
        return False
    application = world.model.applications.get(arguments["name"])
    return application is None or len(application.alive) < arguments["units"]


def unwell(world: World) -> list[str]:
    """Units that are not active, with what they say, and machines without a server that runs."""
    if not isinstance(world.model, Model):
        return []
    told = [f"machine {name}: {why}" for name, why in sorted(world.model.failed_machines.items())]
    told += _unwell_servers(world.model, world.servers)
    for _, application in sorted(world.model.applications.items()):
        told += [
            f"{name}: {application.units[name].message or application.units[name].status}"
            for name in application.alive
            if application.units[name].status != "active"
        ]
    return told


def _unwell_servers(model: Model, servers: Iterable[Server] | None) -> Iterator[str]:
    """Machines whose servers do not run: Juju looks at a server that ran once rarely, if ever."""
    if servers is None:
        return
    known = {server.id: server for server in servers}
    for machine, instance in sorted(model.instances.items()):
        server = known.get(instance)
        if server is not None and server.status not in _STOPPED:
            continue
        another = f"juju remove-machine -m {model.name} {machine} --force has another one made"
        if server is None:
            yield f"machine {machine}: its server {instance} is gone from Nova: {another}"
            continue
        fault = f" ({server.fault})" if server.fault else ""
        mend = f"mend it in Nova, or {another}"
        yield f"machine {machine}: its server {instance} is {server.status}{fault}: {mend}"


def _absent(reason: str) -> Observation:
    return Observation("absent", reason=reason)


def _working(reason: str) -> Observation:
    return Observation("working", reason=reason)


def _network(_: Mapping[str, Any], world: World) -> Observation | None:
    return _present("the network", world.network)


def _cloud(_: Mapping[str, Any], world: World) -> Observation | None:
    return _present("the Juju cloud", world.cloud)


def _credential(_: Mapping[str, Any], world: World) -> Observation | None:
    return _present("the Juju credential", world.credential)


def _present(what: str, presence: str | None) -> Observation | None:
    if presence is None:
        return None
    if presence == "current":
        return _DONE
    return _absent(f"{what} is {'missing' if presence == 'absent' else 'not the current one'}")


def _model(_: Mapping[str, Any], world: World) -> Observation | None:
    if world.model is None or world.taken:
        return None
    if world.model == "absent":
        # Its machines are brought up with the credential.
        return _absent("the model is missing") if world.credential == "current" else None
    return _working("the model is being destroyed") if world.model.dying else _DONE


def _application(wanted: Mapping[str, Any], world: World) -> Observation | None:
    if not isinstance(world.model, Model) or world.model.dying:
        return None
    application = world.model.applications.get(wanted["name"])
    if application is None:
        return _absent("it is not deployed")
    if application.dying:
        return _working("it is being removed")
    differences = [
        *_differing_options(wanted, application),
        *juju_model.differing_constraints(wanted, application),
        *_differing_units(wanted, application),
        *(["it is not exposed"] if wanted["exposed"] and not application.exposed else []),
    ]
    return _absent(", ".join(differences)) if differences else _DONE


def _differing_options(wanted: Mapping[str, Any], application: Application) -> list[str]:
    return [
        f"{option} is {application.options.get(option)!r}"
        for option, value in sorted(wanted["options"].items())
        if application.options.get(option) != value
    ]


def _differing_units(wanted: Mapping[str, Any], application: Application) -> list[str]:
    found, asked = len(application.alive), wanted["units"]
    return [f"it has {found} of {asked} units"] if asked and found != asked else []


def _relation(ends: Mapping[str, Any], world: World) -> Observation | None:
    if not isinstance(world.model, Model) or world.model.dying:
        return None
    related = frozenset((ends["one"], ends["other"])) in world.model.relations
    return _DONE if related else _absent("it is missing")


def _settled(wanted: Mapping[str, Any], world: World) -> Observation | None:
    if not isinstance(world.model, Model):
        return None
    if world.model.failed_machines:
        return _absent(_short(unwell(world)))
    empty = [
        name
        for name in wanted["applications"]
        if not getattr(world.model.applications.get(name), "units", {})
    ]
    waiting = [*unwell(world), *(f"{name}: no units yet" for name in empty)]
    return _working(_short(waiting)) if waiting else _DONE


def _short(told: list[str]) -> str:
    more = f" and {len(told) - 2} more" if len(told) > 2 else ""
    return "; ".join(told[:2]) + more


def _kubeconfig(wanted: Mapping[str, Any], world: World) -> Observation | None:
    if world.kept:
        return _DONE
    if world.fetched is None or leader(world, wanted["application"]) is None:
        return None
    if world.fetched.state == "running":
        return _working("the action runs")
    reason = world.fetched.reason or "there is no kubeconfig"
    return _absent(reason)


def leader(world: World, application: str) -> str | None:
    """The leading unit of an application of the cluster."""
    if not isinstance(world.model, Model):
        return None
    units: Mapping[str, Unit] = getattr(world.model.applications.get(application), "units", {})
    return next((name for name, unit in sorted(units.items()) if unit.leader), None)


def _mark(_: Mapping[str, Any], world: World) -> Observation | None:
    if world.unmarked is None:
        return None
    if not world.unmarked:
        return _DONE
    return _absent(f"{len(world.unmarked)} volumes do not bear the cluster's tag")


def _destroy_model(_: Mapping[str, Any], world: World) -> Observation | None:
    if world.taken:
        return _DONE  # of that name there is somebody else's, so there is none of ours
    if world.model is None:
        return None
    if world.model == "absent":
        return _DONE
    return _working("Juju removes it") if world.model.dying else _absent("the model is there")


def _remove_credential(_: Mapping[str, Any], world: World) -> Observation | None:
    return _gone("the Juju credential", world.credential, world)


def _remove_cloud(_: Mapping[str, Any], world: World) -> Observation | None:
    return _gone("the Juju cloud", world.cloud, world)


def _gone(what: str, presence: str | None, world: World) -> Observation | None:
    if world.taken:
        return _DONE
    if presence is None:
        return None
    return _DONE if presence == "absent" else _absent(f"{what} is there")


def _sweep(_: Mapping[str, Any], world: World) -> Observation | None:
    if world.owned is None:
        return None
    left = [resource for resource in world.owned if not resource.going]
    if left:
        return _absent(f"left: {_short([str(resource) for resource in left])}")
    return _working("OpenStack deletes the last things") if world.owned else _DONE


_OBSERVERS: Mapping[str, Callable[[Mapping[str, Any], World], Observation | None]] = {
    "network": _network,
    "cloud": _cloud,
    "credential": _credential,
    "model": _model,
    "application": _application,
    "relation": _relation,
    "settled": _settled,
    "kubeconfig": _kubeconfig,
    "mark": _mark,
    "destroy-model": _destroy_model,
    "remove-credential": _remove_credential,
    "remove-cloud": _remove_cloud,
    "sweep": _sweep,
}
