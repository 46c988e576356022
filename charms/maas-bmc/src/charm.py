#!/usr/bin/env python3
"""The maas-bmc charm: the mechanism of bare metal."""

from __future__ import annotations

import collections
import json
import pathlib
import random
from typing import TYPE_CHECKING

import ops
from charms.openstack_coordinator.v0.tick import IDLE_INTERVAL, Ticker

if TYPE_CHECKING:
    from configuration import Configuration
    from ledger import Ledger
    from rounds import Outcome

# What needs pydantic or requests is imported where the leader uses it: the hook of a unit that
# stands by costs no more than ops itself.

ENDPOINT = "baremetal-nodes"
PEERS = "units"
BLOCKED_INTERVAL = 15.0
"""Seconds between two looks while the operator has to do something."""
_CA_FILE = ".ca-bundle.pem"


class Blocked(Exception):
    """The operator has to do something; the message says what."""


class MaasBmcCharm(ops.CharmBase):
    """Reads MAAS and BMCs in short rounds, and carries out what the other side wants."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self._ticker = Ticker(self)
        self._status: ops.StatusBase | None = None
        for event in (
            self.on.start,
            self.on.upgrade_charm,
            self.on.config_changed,
            self.on.leader_elected,
            self.on.secret_changed,
            self.on.update_status,
            self.on[ENDPOINT].relation_created,
            self.on[ENDPOINT].relation_changed,
            self.on[ENDPOINT].relation_broken,
            self._ticker.on.tick,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)
        framework.observe(self.on.list_nodes_action, self._on_list_nodes)
        framework.observe(self.on.power_action, self._on_power)
        framework.observe(self.on.sync_action, self._on_sync)

    def _reconcile(self, _: ops.EventBase) -> None:
        self._run_round(anew=False)

    def _on_stop(self, _: ops.StopEvent) -> None:
        self._ticker.stop()

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if self._status is not None:
            event.add_status(self._status)

    def _run_round(self, *, anew: bool) -> Outcome | None:
        """One round, for the leader; None when there was none to be had."""
        if not self.unit.is_leader():
            self._ticker.stop()
            self._status = ops.ActiveStatus("stands by for the leader")
            return None
        peers = self.model.get_relation(PEERS)
        if peers is None:
            self._status = ops.WaitingStatus("waiting for the peer relation")
            return None
        try:
            configuration = self._configuration()
        except Blocked as blocked:
            # A secret that is granted later fires no event here, and somebody is waiting for it.
            self._ticker.ensure(BLOCKED_INTERVAL)
            self._status = ops.BlockedStatus(str(blocked))
            return None
        return self._round(configuration, peers.data[self.app], anew=anew)

    def _round(
        self, configuration: Configuration, databag: ops.RelationDataContent, *, anew: bool
    ) -> Outcome:
        import ledger as ledgers
        import rounds
        from bmcs import Network
        from charms.maas_bmc.v0.baremetal_nodes import BaremetalNodesProvider
        from maas import connect

        provider = BaremetalNodesProvider(self, ENDPOINT)
        desires = provider.desires()
        ledger = ledgers.load(databag, configuration.url)
        if anew:
            ledger = rounds.start_over(ledger)
        ca_file = self._ca_file(configuration)
        with connect(configuration.url, configuration.key, ca_file) as maas:
            outcome = rounds.run(
                ledger,
                desires.machines,
                maas,
                Network(ca_file),
                configuration.accounts,
                random.Random(),  # noqa: S311 - picks whom to ask next
            )
        ledgers.save(databag, outcome.ledger)
        provider.publish(outcome.ledger.machines.values(), outcome.ledger.sync)
        busy = outcome.busy or outcome.error is not None
        quiet = max(IDLE_INTERVAL, configuration.poll_interval)
        self._ticker.ensure(configuration.poll_interval if busy else quiet)
        self._status = _status(outcome, desires.problem)
        return outcome

    def _configuration(self) -> Configuration:
        """The checked configuration.

        Raises:
            Blocked: with the remedy.
        """
        import configuration

        maas_secret = self._secret("maas-credentials")
        if maas_secret is None:
            raise Blocked(
                "maas-credentials is not set: add-secret <name> api-key=<key>,"
                f" grant-secret <name> {self.app.name}, then config {self.app.name}"
                " maas-credentials=<secret id>"
            )
        try:
            return configuration.read(self.config, maas_secret, self._secret("bmc-credentials"))
        except configuration.Invalid as invalid:
            # Without the cause: what it holds was read from a secret.
            raise Blocked(str(invalid)) from None

    def _secret(self, option: str) -> dict[str, str] | None:
        """The latest content of the secret in an option; None when the option is not set."""
        secret_id = self.config.get(option)
        if not secret_id:
            return None
        try:
            return self.model.get_secret(id=str(secret_id)).get_content(refresh=True)
        except ops.SecretNotFoundError:
            raise Blocked(
                f"{option}: there is no secret {secret_id}, or it is not granted:"
                f" grant-secret <name> {self.app.name}"
            ) from None
        except ops.ModelError:
            raise Blocked(
                f"{option}: secret {secret_id} is not granted: grant-secret <name> {self.app.name}"
            ) from None

    def _ca_file(self, configuration: Configuration) -> pathlib.Path | None:
        if not configuration.ca_bundle:
            return None
        path = self.charm_dir / _CA_FILE
        path.write_text(configuration.ca_bundle, encoding="utf-8")
        return path

    def _on_list_nodes(self, event: ops.ActionEvent) -> None:
        ledger = self._ledger(event)
        if ledger is None:
            return
        status, role = event.params.get("status"), event.params.get("role")
        nodes = [
            machine.model_dump(exclude_defaults=True, mode="json")
            for machine in ledger.machines.values()
            if status in (None, machine.status) and role in (None, machine.role)
        ]
        event.set_results({"count": len(nodes), "nodes": json.dumps(nodes)})

    def _on_power(self, event: ops.ActionEvent) -> None:
        ledger = self._ledger(event)
        if ledger is None:
            return
        import rounds
        from bmcs import BmcError, Network
        from maas import MaasError, connect

        system_id = event.params["system-id"]
        power = "on" if event.params["state"] else "off"
        machine = ledger.machines.get(system_id)
        if machine is None:
            event.fail(f"there is no machine {system_id}: list-nodes shows those that there are")
            return
        try:
            configuration = self._configuration()
            ca_file = self._ca_file(configuration)
            with connect(configuration.url, configuration.key, ca_file) as maas:
                rounds.switch(machine, power, maas, Network(ca_file), configuration.accounts)
        except (Blocked, BmcError, MaasError) as error:
            event.fail(str(error))
        else:
            event.set_results({"system-id": system_id, "hostname": machine.hostname})

    def _on_sync(self, event: ops.ActionEvent) -> None:
        if self._ledger(event) is None:
            return
        outcome = self._run_round(anew=True)
        if outcome is None:
            event.fail(self._status.message if self._status else "not now")
        elif outcome.error is not None:
            event.fail(str(outcome.error))
        else:
            sync = outcome.ledger.sync
            event.set_results({"machines": len(outcome.ledger.machines), "unread": sync.unread})

    def _ledger(self, event: ops.ActionEvent) -> Ledger | None:
        """What was read so far; None when the action cannot be answered here, and why."""
        peers = self.model.get_relation(PEERS)
        if not self.unit.is_leader() or peers is None:
            event.fail(f"only the leader knows: run it on {self.app.name}/leader")
            return None
        import ledger as ledgers

        databag = peers.data[self.app]
        return ledgers.load(databag, databag.get("region", ""))


def _status(outcome: Outcome, problem: str) -> ops.StatusBase:
    """The status after a round."""
    from maas import Unreachable

    if isinstance(outcome.error, Unreachable):
        return ops.WaitingStatus(str(outcome.error))
    if outcome.error is not None:
        return ops.BlockedStatus(str(outcome.error))
    if problem:
        return ops.BlockedStatus(f"{ENDPOINT}: {problem}")
    return ops.ActiveStatus(_counts(outcome.ledger))


def _counts(ledger: Ledger) -> str:
    """How many machines there are of each MAAS status, and what is wrong with BMCs."""
    machines = ledger.machines.values()
    statuses = collections.Counter(machine.status for machine in machines)
    parts = [f"{count} {status}" for status, count in sorted(statuses.items())]
    silent = sum(machine.bmc.reachable is False for machine in machines)
    if silent:
        parts.append(f"{silent} with a BMC that cannot be read")
    if ledger.unread:
        parts.append(f"{len(ledger.unread)} still to be read")
    return f"{len(machines)} machines: {', '.join(parts)}" if machines else "no machines in MAAS"


if __name__ == "__main__":
    ops.main(MaasBmcCharm)
