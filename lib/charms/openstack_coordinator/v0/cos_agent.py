"""The provider's side of the `cos_agent` interface: what a collector beside the unit takes on.

The other end is a subordinate, opentelemetry-collector or grafana-agent: it scrapes the unit, and
hands alert rules and dashboards on to Prometheus and Grafana. The schema is that of the library
`cos_agent` of grafana-agent: one key, `config`, in the databag of each unit. On PyPI there is no
package for it; `cosl`, which has parts, costs a hook 0.2 s to import.

    offer = cos_agent.Offer(rules=..., dashboards=..., targets=("127.0.0.1:10210",))
    cos_agent.publish(self, "cos-agent", offer)
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import lzma
import pathlib
from typing import Any

import ops

LIBID = "cd6763e5e07d494dbb846fd5e75982f2"
LIBAPI = 0
LIBPATCH = 1

logger = logging.getLogger(__name__)

KEY = "config"
TOPOLOGY = "%%juju_topology%%"
"""Stands in a rule's expression for the labels of this application: a collector that serves
several applications asks each rule of all."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """What a charm has for a collector."""

    rules: pathlib.Path
    """The folder of alert rules, as Prometheus reads them, with `TOPOLOGY` where it belongs."""
    dashboards: pathlib.Path
    """The folder of dashboards, as Grafana exports them."""
    targets: tuple[str, ...]
    """Where this unit is scraped: host:port."""
    path: str = "/metrics"


def publish(charm: ops.CharmBase, endpoint: str, offer: Offer) -> None:
    """Tell every collector on this endpoint. Changes nothing where it knows that already."""
    for relation in charm.model.relations[endpoint]:
        databag = relation.data[charm.unit]
        document = json.dumps(_document(charm, offer), sort_keys=True)
        try:
            if databag.get(KEY) != document:
                databag[KEY] = document
        except ops.ModelError as error:
            # The subordinate is not there yet: its relation-joined comes.
            logger.info("%s: not open yet: %s", endpoint, error)


def topology(charm: ops.CharmBase) -> dict[str, str]:
    """The labels that tell this application's metrics and alerts from others'."""
    return {
        "juju_model": charm.model.name,
        "juju_model_uuid": charm.model.uuid,
        "juju_application": charm.app.name,
        "juju_charm": charm.meta.name,
    }


def rule_groups(folder: pathlib.Path, labels: dict[str, str]) -> list[dict[str, Any]]:
    """The groups of alert rules in a folder, bound to the application that has these labels."""
    import yaml

    matchers = ",".join(f'{name}="{labels[name]}"' for name in sorted(labels) if name in _ASKED)
    groups: list[dict[str, Any]] = []
    for file in sorted(folder.glob("*.yaml")):
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in read["groups"]:
            prefix = f"{labels['juju_model']}_{labels['juju_model_uuid'][:8]}"
            name = f"{prefix}_{labels['juju_application']}_{group['name']}_rules"
            rules = [_bound(rule, matchers, labels) for rule in group["rules"]]
            groups.append({**group, "name": name.replace("-", "_"), "rules": rules})
    return groups


_ASKED = ("juju_model", "juju_model_uuid", "juju_application")


def _bound(rule: dict[str, Any], matchers: str, labels: dict[str, str]) -> dict[str, Any]:
    expression = rule["expr"].replace(TOPOLOGY, matchers)
    return {**rule, "expr": expression, "labels": {**labels, **rule.get("labels", {})}}


def _document(charm: ops.CharmBase, offer: Offer) -> dict[str, Any]:
    return {
        "metrics_alert_rules": {"groups": rule_groups(offer.rules, topology(charm))},
        "log_alert_rules": {},
        "dashboards": [
            packed(file.read_bytes()) for file in sorted(offer.dashboards.glob("*.json"))
        ],
        "metrics_scrape_jobs": [
            {
                "job_name": f"{charm.app.name}_0_default",
                "metrics_path": offer.path,
                "static_configs": [{"targets": list(offer.targets)}],
            }
        ],
        "log_slots": [],
        "subordinate": None,
        "tracing_protocols": None,
    }


def packed(dashboard: bytes) -> str:
    """A dashboard as it is handed on: compressed, and in letters."""
    return base64.b64encode(lzma.compress(dashboard)).decode()
