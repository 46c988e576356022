"""The actions `why` and `verify`: questions about the cloud as it is at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gathering
import ops
from charms.openstack_coordinator.v0 import juju_login

if TYPE_CHECKING:
    from snapshot import Snapshot


class Inspection(ops.Object):
    """Answers questions; any unit may be asked, none changes anything."""

    def __init__(self, charm: ops.CharmBase) -> None:
        super().__init__(charm, "inspection")
        self._charm = charm
        self.framework.observe(charm.on.why_action, self._on_why)
        self.framework.observe(charm.on.verify_action, self._on_verify)

    def _on_why(self, event: ops.ActionEvent) -> None:
        seen = self._look(event)
        if seen is None:
            return
        import diagnosis
        import knowledge

        found = diagnosis.chains(seen, knowledge.load(), event.params.get("subject", ""))
        what = event.params.get("subject") or "OpenStack"
        event.set_results({"why": diagnosis.shown(found) or f"{what} is well"})

    def _on_verify(self, event: ops.ActionEvent) -> None:
        seen = self._look(event)
        if seen is None:
            return
        import knowledge
        import safety

        units = str(event.params["units"]).replace(",", " ").split()
        found = safety.reasons(seen, knowledge.load(), units, event.params["for"])
        against = [finding for finding in found if finding.severity == "blocked"]
        lines = [f"{finding}\n  {finding.remedy}" for finding in found]
        event.set_results(
            {"safe": str(not against).lower(), "reasons": "\n".join(lines) or "nothing against it"}
        )

    def _look(self, event: ops.ActionEvent) -> Snapshot | None:
        import asyncio

        import knowledge
        import planmaking
        from charms.openstack_coordinator.v0 import juju_session

        try:
            ground = gathering.gather(self._charm)
            charms = frozenset(knowledge.load().charms)
            nodes = gathering.nodes(self._charm)
            return asyncio.run(planmaking.look(ground, charms, nodes))
        except juju_login.InvalidLogin as error:
            event.fail(f"juju-credentials: {error}")
        except juju_session.JujuApiError as error:
            event.fail(f"the model could not be read: {error}")
        return None
