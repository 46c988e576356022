"""Where a unit listens and is reached, by endpoint and by relation.

The rules are those of apiserver/facades/agent/uniter/networkinfoiaas.go. An endpoint has the
addresses of its machine in the space that it is bound to; that there are none is for whoever
asks to refuse. The space alpha also has the machine's preferred address, wherever that is.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from sandbox.juju.state import applications, machines, mirrored_relations, models
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import JUJU_INFO, Relation, Unit

ALPHA = "alpha"


@dataclasses.dataclass(frozen=True)
class Network:
    """What one endpoint of a unit has."""

    addresses: Sequence[dict[str, Any]]
    """Of the machine, in the endpoint's space."""
    ingress: Sequence[str]
    """Where others reach the unit."""
    egress: Sequence[str]
    """The subnets (CIDR) that its connections come from."""

    def settings(self) -> dict[str, str]:
        """What Juju itself puts into a unit's databag; a value that is empty is taken out."""
        ingress = self.ingress[0] if self.ingress else ""
        return {
            "egress-subnets": ",".join(self.egress),
            "ingress-address": ingress,
            "private-address": ingress,
        }


class UnitNetworks:
    """The networks of one unit, from one reading of its machine and bindings."""

    def __init__(self, tx: Transaction, unit: Unit) -> None:
        self._tx = tx
        self._unit = unit
        machine = machines.get(tx, unit.model, unit.machine) if unit.machine else None
        self._known = machine.addresses if machine else []
        application = applications.get(tx, unit.model, unit.application)
        self._bindings = application.bindings
        self._config = models.get_config(tx, unit.model)

    def has(self, endpoint: str) -> bool:
        """Whether the charm has such an endpoint or extra binding."""
        return bool(endpoint) and (endpoint in self._bindings or endpoint == JUJU_INFO.name)

    def of_endpoint(self, endpoint: str, relation: Relation | None = None) -> Network:
        """The network of an endpoint; in a relation of it, what holds for that one."""
        addresses = self._in_space(self._space(endpoint))
        ingress = [address["value"] for address in addresses]
        egress: Sequence[str] = ()
        if relation is not None:
            if self._is_public(endpoint, relation):
                ingress = [self._known[0]["value"]]
            egress = requested_egress(self._tx, relation)
        egress = egress or _subnets(str(self._config["egress-subnets"]))
        return Network(addresses, ingress, egress or [_subnet(each) for each in ingress[:1]])

    def _is_public(self, endpoint: str, relation: Relation) -> bool:
        """Whether other models are told the machine's preferred address, whatever the space."""
        if not self._known or self._space(endpoint) != ALPHA:
            return False
        return mirrored_relations.other(self._tx, relation) is not None

    def _space(self, endpoint: str) -> str:
        if endpoint != JUJU_INFO.name:
            bound = self._bindings.get(endpoint) or self._bindings.get("")
            if bound:
                return bound
        return str(self._config["default-space"] or ALPHA)

    def _in_space(self, space: str) -> list[dict[str, Any]]:
        preferred = self._known[0] if space == ALPHA and self._known else None
        found = [a for a in self._known if a is preferred or (a.get("space") or ALPHA) == space]
        return sorted(found, key=lambda address: address["value"])


def keep_egress(tx: Transaction, relation: Relation, subnets: Sequence[str]) -> None:
    """Note the subnets (CIDR) that `juju integrate --via` names for a relation."""
    if subnets:
        tx.insert(
            "relation_egress",
            model=relation.model,
            relation=relation.id,
            subnets_json=list(dict.fromkeys(subnets)),
        )


def requested_egress(tx: Transaction, relation: Relation) -> list[str]:
    """The subnets that were named for a relation with `--via`; none where none were."""
    known = tx.value(
        "SELECT subnets_json FROM relation_egress WHERE model = ? AND relation = ?",
        *(relation.model, relation.id),
    )
    return json.loads(known) if known else []


def ingress_of(tx: Transaction, consumed: Relation) -> list[str]:
    """The subnets that consumers come from, as the offering model is told.

    The consuming model's firewaller tells them while one of its units is in scope, if it is
    the side that requires (internal/worker/firewaller).
    """
    requirer = next(side.application for side in consumed.endpoints if side.role == "requirer")
    addresses = {
        str(row["address"])
        for row in tx.all(
            "SELECT json_extract(machines.addresses_json, '$[0].value') AS address"
            " FROM relation_units JOIN units ON units.model = relation_units.model"
            " AND units.name = relation_units.unit JOIN machines"
            " ON machines.model = units.model AND machines.id = units.machine"
            " WHERE relation_units.model = ? AND relation = ? AND in_scope = 1"
            " AND units.application = ?",
            *(consumed.model, consumed.id, requirer),
        )
        if row["address"]
    }
    if not addresses:
        return []
    configured = str(models.get_config(tx, consumed.model)["egress-subnets"])
    named = requested_egress(tx, consumed) or _subnets(configured)
    return sorted(named or map(_subnet, addresses))


def _subnets(text: str) -> list[str]:
    """A list of the model's configuration."""
    return [subnet.strip() for subnet in text.split(",")] if text else []


def _subnet(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"
