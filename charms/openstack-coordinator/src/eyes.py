"""The charm's side of being watched: its metrics, alert rules and dashboard for a collector."""

from __future__ import annotations

import pathlib
import time
from collections import Counter
from typing import TYPE_CHECKING

import ops
from charms.openstack_coordinator.v0 import cos_agent, metrics_endpoint
from readiness import Assessment

if TYPE_CHECKING:
    from collections.abc import Iterable

    import look
    from charms.openstack_coordinator.v0.exposition import Sample
    from operations import Operations

ENDPOINT = "cos-agent"
_SRC = pathlib.Path(__file__).parent


class Eyes(ops.Object):
    """Serves metrics where a collector is related; without one nothing listens."""

    def __init__(self, charm: ops.CharmBase, operations: Operations) -> None:
        super().__init__(charm, "eyes")
        self._charm = charm
        self._operations = operations
        self._endpoint = metrics_endpoint.MetricsEndpoint(pathlib.Path(charm.charm_dir))

    def reconcile(self, last: look.Look | None) -> None:
        """Have scrapes answered, and tell the collector where, with rules and dashboard.

        What the leader has to show changes with its ticks only: between them it is not known what
        the last one saw.
        """
        if not self._watched:
            self.close()
            return
        if not self._charm.unit.is_leader():
            import metrics

            self._write(metrics.of_standby())
        elif not self._endpoint.written:
            self.show(last)
        port = self._endpoint.ensure(int(self._charm.config["metrics-port"]))
        offer = cos_agent.Offer(
            rules=_SRC / "prometheus_alert_rules",
            dashboards=_SRC / "grafana_dashboards",
            targets=(f"{metrics_endpoint.HOST}:{port}",),
            path=metrics_endpoint.PATH,
        )
        cos_agent.publish(self._charm, ENDPOINT, offer)

    def show(self, last: look.Look | None) -> None:
        """What the leader has to show after a tick."""
        if not self._watched:
            return
        import metrics

        running, past = self._operations.told()
        outcome = last.outcome if last else None
        assessed = outcome if isinstance(outcome, Assessment) else None
        view = metrics.View(
            now=time.time(),
            failed=bool(self._operations.problem) or (last is not None and assessed is None),
            ready=assessed.ready if assessed else None,
            findings=Counter(f.severity for f in assessed.findings) if assessed else {},
            running=running,
            past=past,
        )
        self._write(metrics.of_leader(view))

    def close(self) -> None:
        """Answer no more scrapes."""
        self._endpoint.stop()

    def _write(self, samples: Iterable[Sample]) -> None:
        from charms.openstack_coordinator.v0 import exposition

        self._endpoint.write(exposition.text(samples))

    @property
    def _watched(self) -> bool:
        return any(relation.active for relation in self._charm.model.relations[ENDPOINT])
