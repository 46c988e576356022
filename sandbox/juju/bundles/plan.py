"""From a bundle and what the model holds now to the changes that are missing.

A pure function of its arguments. The order and the numbers of steps are Juju's
(core/bundle/changes/handlers.go): applications, machines, offers, relations, units; then a
stable sort so that every step follows what it requires.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.bundles.bundle import Application, Bundle
from sandbox.juju.bundles.changes import (
    AddCharm,
    AddMachine,
    AddRelation,
    Change,
    ConsumeOffer,
    CreateOffer,
    Deploy,
    Expose,
    GrantOffer,
    SetAnnotations,
    SetConstraints,
    SetOptions,
    UpgradeCharm,
    ordered,
)
from sandbox.juju.bundles.charms import Resolved, channel_of, same_channel
from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.machine_map import infer_machine_map
from sandbox.juju.bundles.model_state import ModelState, Numbers, PresentApplication
from sandbox.juju.bundles.model_state import same_constraints as constraints_hold
from sandbox.juju.bundles.natural import naturally
from sandbox.juju.bundles.units import UnitPlanner
from sandbox.juju.client.bases import base_of_series, parse_base


@dataclasses.dataclass(frozen=True)
class Request:
    """What to plan: the bundle, the model, and what the planner cannot find out by itself."""

    bundle: Bundle
    model: ModelState
    resolved: Mapping[str, Resolved] = dataclasses.field(default_factory=dict)
    """Application -> what Charmhub has for its charm and channel, or what a file holds."""
    machine_map: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Machine of the bundle -> machine of the model, as the user maps them."""
    force: bool = False


def plan(request: Request) -> list[Change]:
    """The changes that make the model hold what the bundle asks for, in order.

    Raises:
        BundleError: a charm would go to another channel or backwards, machines cannot be
            matched, or placements go in a circle.
    """
    planner = _Planner(request)
    planner.applications()
    planner.machines()
    planner.offers()
    planner.relations()
    UnitPlanner(planner).place_all()
    planner.check_machines_used()
    return ordered(planner.changes)


class _Planner:
    """The changes so far, and who made what."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.bundle = request.bundle
        self.model = request.model
        self.changes: list[Change] = []
        self.numbers = Numbers(request.model)
        self.machine_map = infer_machine_map(request.bundle, request.model, request.machine_map)
        self.added: dict[str, str] = {}
        """Application or remote application -> the id of the change that adds it."""
        self.added_machines: dict[str, AddMachine] = {}
        """Machine of the bundle -> the change that adds it."""

    def next_id(self, method: str) -> str:
        """The id for the next change."""
        return f"{method}-{len(self.changes)}"

    def add(self, change: Change) -> Change:
        """Append a change."""
        self.changes.append(change)
        return change

    def base_of(self, name: str, app: Application) -> str:
        """The base for an application: what its file or its own keys say, or the bundle's."""
        resolved = self.request.resolved.get(name)
        return (resolved.base if resolved else "") or self.stated_base(app.base, app.series)

    def stated_base(self, base: str, series: str) -> str:
        """A base from the keys of an application or machine, or the bundle's default."""
        for stated, named in ((base, series), (self.bundle.default_base, self.bundle.series)):
            if stated or named:
                return str(parse_base(stated) if stated else base_of_series(named))
        return ""

    # Applications

    def applications(self) -> None:
        """Charms, applications, and what changes of applications that are there."""
        charms: dict[tuple[Any, ...], str] = {}
        for name in naturally(self.bundle.applications):
            app = self.bundle.applications[name]
            present = self.model.applications.get(name)
            charm_change = self._charm(name, app, present, charms)
            if present is None:
                self._deploy(name, app, charm_change)
            else:
                self._update(name, app, present, charm_change)
            self._annotate(name, app, present)

    def _charm(
        self,
        name: str,
        app: Application,
        present: PresentApplication | None,
        charms: dict[tuple[Any, ...], str],
    ) -> str:
        """The id of the change that stores the charm, or nothing when the model has it."""
        if app.is_local and present is not None:
            # Deploying a bundle again leaves local charms as they are.
            return ""
        arch = constraints.parse(app.constraints).get("arch") or "amd64"
        resolved = self.request.resolved.get(name, Resolved())
        base = self.base_of(name, app)
        key = (app.charm, arch, base, channel_of(app), resolved.revision)
        if key in charms:
            return charms[key]
        for other in self.model.applications.values():
            if (
                other.charm == app.charm
                and other.architecture == arch
                and other.base == base
                and same_channel(other.channel, channel_of(app))
                and resolved.revision in (-1, other.revision)
            ):
                return ""
        change = AddCharm(
            self.next_id("addCharm"), (), app.charm, app.revision, base, app.channel, arch
        )
        self.add(change)
        charms[key] = change.id
        return change.id

    def _deploy(self, name: str, app: Application, charm_change: str) -> None:
        change = Deploy(
            self.next_id("deploy"),
            (charm_change,) if charm_change else (),
            charm=f"${charm_change}" if charm_change else app.charm,
            application=name,
            base=self.base_of(name, app),
            channel=app.channel,
            options=app.options,
            constraints=app.constraints,
            storage=app.storage,
            devices=app.devices,
            bindings=app.bindings,
            resources=app.resources,
            charm_url=app.charm,
            units=app.units if self.bundle.type else 0,
        )
        self.add(change)
        self.added[name] = change.id
        if app.wants_exposure:
            expose = Expose(
                self.next_id("expose"), (change.id,), f"${change.id}", name, app.exposed_endpoints
            )
            self.add(expose)

    def _update(
        self, name: str, app: Application, present: PresentApplication, charm_change: str
    ) -> None:
        if self._upgrades(name, app, present):
            self.add(
                UpgradeCharm(
                    self.next_id("upgradeCharm"),
                    (charm_change,) if charm_change else (),
                    charm=f"${charm_change}" if charm_change else app.charm,
                    application=name,
                    base=self.base_of(name, app),
                    channel=app.channel,
                    resources=app.resources,
                    charm_url=app.charm,
                )
            )
        options = {
            key: value
            for key, value in app.options.items()
            if key not in present.options or present.options[key] != value
        }
        if options:
            self.add(SetOptions(self.next_id("setOptions"), (), name, options))
        if not constraints_hold(app.constraints, present.constraints):
            change = SetConstraints(self.next_id("setConstraints"), (), name, app.constraints)
            self.add(change)
        same_exposure = present.exposed and dict(present.exposed_endpoints) == dict(
            app.exposed_endpoints
        )
        if app.wants_exposure and not same_exposure:
            self.add(Expose(self.next_id("expose"), (), name, name, app.exposed_endpoints))

    def _upgrades(self, name: str, app: Application, present: PresentApplication) -> bool:
        """Whether the application gets another charm.

        Raises:
            BundleError: it would go to another channel or to an older revision.
        """
        if app.is_local:
            return False
        if app.charm != present.charm:
            return True
        resolved = self.request.resolved.get(name, Resolved(app.channel))
        if not present.channel:
            if app.channel and not self.request.force:
                raise BundleError(
                    f'upgrades not supported when the channel for "{name}" is unknown; '
                    "use --force to override"
                )
            return bool(app.channel)
        if not self.request.force and not same_channel(present.channel, resolved.channel):
            verb = "requested" if app.channel else "resolved"
            raise BundleError(
                f'application "{name}": upgrades not supported across channels '
                f'(existing: "{present.channel}", {verb}: "{resolved.channel}"); '
                "use --force to override"
            )
        if -1 < resolved.revision < present.revision:
            raise BundleError(
                f'application "{name}": downgrades are not currently supported: deployed '
                f"revision {present.revision} is newer than requested revision "
                f"{resolved.revision}"
            )
        return resolved.revision > present.revision

    def _annotate(self, name: str, app: Application, present: PresentApplication | None) -> None:
        known = present.annotations if present else {}
        changed = {k: v for k, v in app.annotations.items() if known.get(k) != v}
        if not changed:
            return
        made = self.added.get(name, "") if present is None else ""
        self.add(
            SetAnnotations(
                self.next_id("setAnnotations"),
                (made,) if made else (),
                f"${made}" if made else name,
                "application",
                changed,
                name,
            )
        )

    # Machines

    def machines(self) -> None:
        """The machines that the bundle declares and the model lacks, each after the one before."""
        before: tuple[str, ...] = ()
        for name in naturally(self.bundle.machines):
            machine = self.bundle.machines[name]
            present = self.machine_map.get(name, "")
            known = self.model.machines.get(present)
            requires: tuple[str, ...] = ()
            if known is None:
                change = AddMachine(
                    self.next_id("addMachines"),
                    before,
                    base=self.stated_base(machine.base, machine.series),
                    constraints=machine.constraints,
                    number=self.numbers.machine(),
                    bundle_machine=name,
                )
                self.add(change)
                self.added_machines[name] = change
                before = (*before, change.id)
                requires = (change.id,)
                entity, target = f"${change.id}", f"new machine {change.number}"
            else:
                entity, target = present, f"existing machine {present}"
            have = known.annotations if known else {}
            changed = {k: v for k, v in machine.annotations.items() if have.get(k) != v}
            if changed:
                self.add(
                    SetAnnotations(
                        self.next_id("setAnnotations"),
                        requires,
                        entity,
                        "machine",
                        changed,
                        target,
                    )
                )

    def check_machines_used(self) -> None:
        """Refuse to add a machine of the bundle that nothing goes to.

        Raises:
            BundleError: one is unused, so the bundle's machines do not match the model's.
        """
        used = {required for change in self.changes for required in change.requires}
        for name, change in self.added_machines.items():
            others = [other.id for other in self.added_machines.values()]
            by_units = any(
                change.id in other.requires and other.id not in others for other in self.changes
            )
            if change.id not in used or not by_units:
                raise BundleError(self._unused(name))

    def _unused(self, name: str) -> str:
        mapped = {self.machine_map.get(machine) for machine in self.bundle.machines}
        free = [f'"{m}"' for m in naturally(self.model.machines) if m not in mapped]
        perhaps = ""
        if len(free) == 1:
            perhaps = f", perhaps to unreferenced model machine {free[0]}"
        elif free:
            perhaps = f", perhaps to one of model machines [{', '.join(free)}]"
        hosts = [
            app
            for app in naturally(self.bundle.applications)
            if name in self.bundle.applications[app].to
        ]
        target = f" - the target should host [{', '.join(hosts)}]" if hosts else ""
        return (
            "bundle and machine mapping are inconsistent: need an explicit entry mapping "
            f'bundle machine "{name}"{perhaps}{target}'
        )

    # Offers and relations

    def offers(self) -> None:
        """What is consumed from other models and offered to them."""
        for name in sorted(self.bundle.saas):
            consume = ConsumeOffer(self.next_id("consumeOffer"), (), self.bundle.saas[name], name)
            self.add(consume)
            self.added[name] = consume.id
        for name in naturally(self.bundle.applications):
            present = self.model.applications.get(name)
            for offer, spec in sorted(self.bundle.applications[name].offers.items()):
                update = present is not None and offer in present.offers
                made = self.added.get(name, "")
                change = CreateOffer(
                    self.next_id("createOffer"),
                    (made,) if made and not update else (),
                    name,
                    spec.endpoints,
                    offer,
                    update,
                )
                self.add(change)
                for user, access in sorted(spec.acl.items()):
                    grant_id = self.next_id("grantOfferAccess")
                    self.add(GrantOffer(grant_id, (change.id,), user, access, offer))

    def relations(self) -> None:
        """The relations that the model lacks."""
        for pair in self.bundle.relations:
            ends = [_end(text) for text in pair]
            if self.model.has_relation(ends[0], ends[1]):
                continue
            requires: list[str] = []
            endpoints: list[str] = []
            for (application, endpoint), text in zip(ends, pair, strict=True):
                if application in self.model.applications:
                    endpoints.append(text)
                    continue
                made = self.added[application]
                requires.append(made)
                endpoints.append(f"${made}:{endpoint}" if endpoint else f"${made}")
            self.add(
                AddRelation(
                    self.next_id("addRelation"),
                    tuple(sorted(set(requires))),
                    endpoints[0],
                    endpoints[1],
                    pair[0],
                    pair[1],
                )
            )


def _end(text: str) -> tuple[str, str]:
    application, _, endpoint = text.partition(":")
    return application, endpoint
