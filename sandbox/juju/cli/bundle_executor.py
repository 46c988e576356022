"""Carries out a bundle's plan over the API, one change after the other."""

from __future__ import annotations

import functools
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.bundles import changes as steps
from sandbox.juju.bundles.bundle import Bundle
from sandbox.juju.bundles.model_state import parent
from sandbox.juju.bundles.storage_constraints import StorageConstraints, parse_storage
from sandbox.juju.cli.charm_origins import (
    add_charm,
    chosen_base,
    hub_origin,
    local_origin,
    parse_channel,
    read_packed,
    resolve,
    supported_bases,
    upload,
)
from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.cli.command import CommandError, Context
from sandbox.juju.cli.config import BRANCH
from sandbox.juju.cli.output import yaml_text
from sandbox.juju.cli.tags import is_unit, machine_tag, unit_tag
from sandbox.juju.cli.units import parse_placements
from sandbox.juju.client.bases import parse_base
from sandbox.juju.client.errors import ApiError, ClientError, raise_for

Json = dict[str, Any]
_MACHINE_SECONDS = 15.0
"""How long to wait for a unit to get its machine: Juju waits for its watcher and 5 s more."""


class BundleExecutor:
    """Turns changes into calls and keeps what each made, for those that build on it."""

    def __init__(
        self,
        context: Context,
        bundle: Bundle,
        folder: pathlib.Path,
        storages: Mapping[str, Mapping[str, StorageConstraints]],
    ) -> None:
        self._context = context
        self._bundle = bundle
        self._folder = folder
        self._storages = storages
        self._connection = context.session.to_model()
        self._made: dict[str, str] = {}
        """Change -> the charm URL, application, machine, or unit that came of it."""
        self._origins: dict[str, Json] = {}
        """Charm URL -> its origin."""
        self._architectures: dict[str, str] = {}

    def carry_out(self, changes: Sequence[steps.Change]) -> None:
        """Tell and do every change; with --dry-run only tell.

        Raises:
            CommandError: the controller refused one; those before it remain done.
        """
        context = self._context
        dry_run = context.arguments["dry-run"]
        context.print("Changes to deploy bundle:\n" if dry_run else "Executing changes:\n")
        for change in changes:
            context.print("".join(f"- {line}\n" for line in change.told()))
            if dry_run:
                continue
            try:
                self._do(change)
            except ClientError as error:
                raise CommandError(f"cannot deploy bundle: {error}") from error
        if not dry_run:
            context.inform("Deploy of bundle completed.")

    @functools.singledispatchmethod
    def _do(self, change: steps.Change) -> None:
        raise TypeError(f"unknown change type: {type(change).__name__}")

    def _outcome(self, reference: str) -> str:
        """What a `$change` stands for; anything else stands for itself."""
        if not reference.startswith("$"):
            return reference
        name, colon, endpoint = reference[1:].partition(":")
        return self._made[name] + (f":{endpoint}" if colon else "")

    # Charms and applications

    @_do.register
    def _(self, change: steps.AddCharm) -> None:
        if change.charm.startswith(("/", ".")):
            path = pathlib.Path(self._folder, change.charm)
            try:
                archive = read_packed(path)
            except ClientError as error:
                raise CommandError(f'cannot deploy local charm at "{path}": {error}') from error
            url = upload(self._connection, archive)
            wanted = change.base or str(chosen_base("", supported_bases(archive), "") or "")
            parsed = parse_charm_url(url)
            base = parse_base(wanted) if wanted else None
            self._origins[url] = local_origin(
                base, parsed.revision if parsed else 0, change.architecture
            )
        else:
            url = self._add_from_hub(change)
        self._made[change.id] = url

    def _add_from_hub(self, change: steps.AddCharm) -> str:
        base = parse_base(change.base) if change.base else None
        asked = hub_origin(
            parse_channel(change.channel or "stable"),
            architecture=change.architecture,
            base=base,
            revision=-1 if change.revision is None else change.revision,
        )
        name = change.charm
        try:
            url, origin, supported = resolve(self._connection, name, asked)
        except ApiError as error:
            raise CommandError(f'cannot resolve "{name}": {error}') from error
        chosen = chosen_base(change.base, supported, "", force=self._context.arguments["force"])
        if chosen is not None:
            origin = {**origin, "base": chosen.wire}
        try:
            stored = add_charm(
                self._connection, url, origin, force=self._context.arguments["force"]
            )
        except ApiError as error:
            raise CommandError(f'cannot add charm "{name}": {error}') from error
        self._origins[url] = stored
        return url

    @_do.register
    def _(self, change: steps.Deploy) -> None:
        url = self._outcome(change.charm)
        options = dict(change.options)
        if (
            self._context.arguments["trust"]
            and self._bundle.applications[change.application].needs_trust
        ):
            options["trust"] = "true"
        origin = self._origin(url, change.channel, change.base)
        argument: Json = {
            "application": change.application,
            "charm-url": url,
            "charm-origin": origin,
            "channel": origin.get("risk") or "",
            "num-units": change.units,
            "config-yaml": yaml_text({change.application: options}) if options else "",
            "constraints": constraints.parse(change.constraints),
            "storage": self._wire_storage(change),
            "endpoint-bindings": dict(change.bindings),
            "resources": self._resources(change.application, url, origin, change.resources),
            "Force": self._context.arguments["force"],
        }
        try:
            self._connection.one("Application", "Deploy", {"applications": [argument]})
        except ApiError as error:
            raise CommandError(
                f'cannot deploy application "{change.application}": {error}'
            ) from error
        self._made[change.id] = change.application

    def _origin(self, url: str, channel: str, base: str) -> Json:
        """The origin of a charm, asking the controller for one that this plan did not add."""
        origin = self._origins.get(url)
        if origin is None:
            origin = self._stored_origin(url, channel, base)
            self._origins[url] = origin
        return {**origin, "base": parse_base(base).wire} if base else dict(origin)

    def _stored_origin(self, url: str, channel: str, base: str) -> Json:
        parsed = parse_charm_url(url)
        wanted = parse_base(base) if base else None
        if url.startswith("local:"):
            return local_origin(wanted, parsed.revision if parsed else 0)
        name = parsed.name if parsed else url
        asked = hub_origin(parse_channel(channel or "stable"), architecture="", base=wanted)
        full, origin, _ = resolve(self._connection, name, asked)
        stored = add_charm(self._connection, full, origin)
        self._origins[full] = stored
        return stored

    def _wire_storage(self, change: steps.Deploy) -> Json:
        given = self._storages.get(change.application, {})
        specs = {name: parse_storage(text) for name, text in change.storage.items()}
        return {name: spec.wire for name, spec in {**specs, **given}.items()}

    def _resources(
        self, application: str, url: str, origin: Json, wanted: Mapping[str, int | str]
    ) -> Json:
        if not wanted:
            return {}
        from sandbox.juju.cli.resources import add_pending_resources

        given = {
            name: str(value) if isinstance(value, int) else self._resource_path(value)
            for name, value in wanted.items()
        }
        ids = add_pending_resources(self._context, application, url, origin, given)
        for name in sorted(ids):
            self._context.inform(f"  added resource {name}")
        return ids

    def _resource_path(self, value: str) -> str:
        path = pathlib.Path(self._folder, value)
        return str(path) if path.exists() else value

    @_do.register
    def _(self, change: steps.UpgradeCharm) -> None:
        url = self._outcome(change.charm)
        origin = self._origin(url, change.channel, change.base)
        self._connection.call(
            "Application",
            "SetCharm",
            {
                "application": change.application,
                "generation": BRANCH,
                "charm-url": url,
                "charm-origin": origin,
                "channel": origin.get("risk") or "",
                "force": self._context.arguments["force"],
                "force-units": False,
                "force-base": False,
                "resource-ids": self._resources(change.application, url, origin, change.resources),
            },
        )

    @_do.register
    def _(self, change: steps.SetOptions) -> None:
        self._context.explain("  setting options:")
        for key, value in change.options.items():
            shown = f'"{value}"' if isinstance(value, str) else value
            self._context.explain(f"    {key}: {shown}")
        settings = {
            "application": change.application,
            "generation": BRANCH,
            "config": {},
            "config-yaml": yaml_text({change.application: dict(change.options)}),
        }
        try:
            self._connection.one("Application", "SetConfigs", {"Args": [settings]})
        except ApiError as error:
            raise CommandError(
                f'cannot update options for application "{change.application}": {error}'
            ) from error

    @_do.register
    def _(self, change: steps.SetConstraints) -> None:
        self._connection.call(
            "Application",
            "SetConstraints",
            {
                "application": change.application,
                "constraints": constraints.parse(change.constraints),
            },
        )

    @_do.register
    def _(self, change: steps.Expose) -> None:
        name = self._outcome(change.application)
        endpoints = {key: exposure.wire for key, exposure in change.endpoints.items()}
        try:
            self._connection.call(
                "Application", "Expose", {"application": name, "exposed-endpoints": endpoints}
            )
        except ApiError as error:
            raise CommandError(f"cannot expose application {name}: {error}") from error

    @_do.register
    def _(self, change: steps.SetAnnotations) -> None:
        entity = self._outcome(change.entity)
        tag = machine_tag(entity) if change.kind == "machine" else f"application-{entity}"
        annotations = [{"entity": tag, "annotations": dict(change.annotations)}]
        answer = self._connection.call("Annotations", "Set", {"annotations": annotations})
        for result in answer.get("results") or []:
            raise_for(result)

    # Machines, units, relations

    @_do.register
    def _(self, change: steps.AddMachine) -> None:
        wanted: Json = {
            "constraints": constraints.parse(change.constraints),
            "jobs": ["JobHostUnits"],
        }
        if change.base:
            wanted["base"] = parse_base(change.base).wire
        if change.container:
            wanted["container-type"] = change.container
            if change.host:
                host = self._machine(change.host)
                # Containers are never nested: beside a unit in a container means its host.
                wanted["parent-id"] = parent(host) or host
        try:
            result = self._connection.one(
                "MachineManager", "AddMachines", {"params": [wanted]}, within="machines"
            )
        except ApiError as error:
            raise CommandError(f"cannot create machine for holding units: {error}") from error
        self._made[change.id] = result["machine"]

    @_do.register
    def _(self, change: steps.AddUnit) -> None:
        application = self._outcome(change.application)
        target = ""
        placement: list[Json] = []
        if change.to:
            container, colon, reference = change.to.rpartition(":")
            target = self._machine(reference)
            placement = parse_placements(f"{container}{colon}{target}")
        try:
            answer = self._connection.call(
                "Application",
                "AddUnits",
                {"application": application, "num-units": 1, "placement": placement},
            )
        except ApiError as error:
            raise CommandError(
                f'cannot add unit for application "{application}": {error}'
            ) from error
        units = answer.get("units") or []
        self._made[change.id] = target if target and ":" not in change.to else units[0]

    def _machine(self, reference: str) -> str:
        """The machine that a change made, or on which the unit that it made has landed."""
        outcome = self._outcome(reference)
        if not is_unit(outcome):
            return outcome
        deadline = time.monotonic() + _MACHINE_SECONDS
        while time.monotonic() < deadline:
            result = self._connection.one(
                "Application", "UnitsInfo", {"entities": [{"tag": unit_tag(outcome)}]}
            )
            if machine := (result.get("result") or {}).get("machine"):
                return machine
            time.sleep(0.1)
        raise CommandError(f"cannot resolve machine: unit {outcome} was given none in time")

    @_do.register
    def _(self, change: steps.AddRelation) -> None:
        endpoints = [self._outcome(change.endpoint1), self._outcome(change.endpoint2)]
        try:
            self._connection.call("Application", "AddRelation", {"endpoints": endpoints})
        except ApiError as error:
            # Endpoints that the bundle leaves out may turn out to be related already.
            if error.already_exists:
                return
            raise CommandError(
                f'cannot add relation between "{endpoints[0]}" and "{endpoints[1]}": {error}'
            ) from error

    # Offers

    @_do.register
    def _(self, change: steps.ConsumeOffer) -> None:
        from sandbox.juju.cli.offers import consume, parse_offer_url

        url = parse_offer_url(change.url)
        if url is None:
            raise CommandError(f'application offer URL has invalid form: "{change.url}"')
        name = consume(self._context, url, change.application)
        self._made[change.id] = name
        self._context.inform(f"Added {change.url} as {name}")

    @_do.register
    def _(self, change: steps.CreateOffer) -> None:
        session = self._context.session
        offer = {
            "model-tag": f"model-{session.model().uuid}",
            "offer-name": change.offer,
            "application-name": change.application,
            "application-description": "",
            "endpoints": {endpoint: endpoint for endpoint in change.endpoints},
            "owner-tag": f"user-{session.user}",
        }
        session.to_controller().one("ApplicationOffers", "Offer", {"Offers": [offer]})

    @_do.register
    def _(self, change: steps.GrantOffer) -> None:
        session = self._context.session
        url = f"{session.model().name}.{change.offer}"
        grant = {
            "user-tag": f"user-{change.user}",
            "action": "grant",
            "access": change.access,
            "offer-url": url,
        }
        try:
            session.to_controller().one(
                "ApplicationOffers", "ModifyOfferAccess", {"changes": [grant]}
            )
        except ApiError as error:
            if "user already has" not in str(error):
                raise CommandError(
                    f"cannot grant {change.access} access to user {change.user} on offer "
                    f"{url}: {error}"
                ) from error
