"""The plan's actions, and the tick that carries a plan out: the charm's side of operations."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import arrivals
import gathering
import ops
import ticking
from charms.openstack_coordinator.v0 import juju_login, rolling
from charms.openstack_coordinator.v0.rolling_plan import WrongPlan
from ledger import Ledger, Past, Running

if TYPE_CHECKING:
    import advancing
    from ground import Ground
    from ledger import Approval

logger = logging.getLogger(__name__)

_SHORTEST = 8
"""Digits of a hash that name a plan."""

_STATUSES = {
    "blocked": ops.BlockedStatus,
    "maintenance": ops.MaintenanceStatus,
    "waiting": ops.WaitingStatus,
}


class Operations(ops.Object):
    """Makes plans, keeps them with the peers, and takes the one that runs forward."""

    def __init__(self, charm: ops.CharmBase, peers: str) -> None:
        super().__init__(charm, "operations")
        self._charm = charm
        self._peers = peers
        self._problem = ""
        self._leaving: Mapping[str, int] = {}
        actions = {
            "plan": self._on_plan,
            "show_plan": self._on_show_plan,
            "run": self._on_run,
            "pause": self._on_pause,
            "resume": self._on_resume,
            "skip": self._on_skip,
            "abort": self._on_abort,
            "rollback": self._on_rollback,
            "history": self._on_history,
        }
        for name, handler in actions.items():
            self.framework.observe(charm.on[name].action, handler)

    # -- what the charm asks ----------------------------------------------------------------

    @property
    def interval(self) -> float | None:
        """Seconds until the next tick that a plan needs; None when any will do."""
        running = self._running()
        return ticking.interval(running, time.time()) if running else None

    def status(self) -> ops.StatusBase | None:
        """Where the plan that runs stands; None when none does."""
        import progress

        running = self._running()
        told = progress.tell(running, self._charm.app.name, time.time()) if running else None
        if told is None:
            return None
        if self._problem:
            return ops.WaitingStatus(f"{told.message}; tries again: {self._problem}")
        return _STATUSES[told.severity](told.message)

    @property
    def problem(self) -> str:
        """Why the plan could not be taken further in this hook; empty when it could."""
        return self._problem

    def told(self) -> tuple[Running | None, Past | None]:
        """The plan at work as this hook sees it, and the last one that ended."""
        ledger, running = self._ledger(), self._running()
        if running is not None:
            return dataclasses.replace(running, leaving=self._leaving), None
        past = ledger.history if ledger else ()
        return None, past[-1] if past else None

    def advance(self) -> None:
        """Take the plan that runs one step further. For the leader only."""
        shared, running = self._shared(), self._running()
        if shared is None or running is None or running.over or running.foreign:
            return
        import asyncio

        import advancing

        try:
            way = self._way(gathering.gather(self._charm))
            new = asyncio.run(advancing.advance(running, way))
        except juju_login.InvalidLogin as error:
            self._problem = f"juju-credentials: {error}"
        except advancing.NotSeen as error:
            self._problem = str(error)
        else:
            self._leaving = new.leaving
            ledger = Ledger(shared)
            if new != running:
                ledger.keep(new, running)
            if new.over:
                ledger.close(new, time.time())
                arrivals.prove(shared, new.hosts_enabled)
                logger.info("plan %s: %s", new.plan.title, new.phase)

    def take_in(self) -> None:
        """Begin a plan for hypervisors that `juju add-unit` brought. For the leader only.

        A plan that was made and waits for its approval stays so.
        """
        shared = self._shared()
        if shared is None or not self._charm.config["take-in-hypervisors"]:
            return
        ledger, new = Ledger(shared), arrivals.new(shared)
        if not new or ledger.at_work:
            return
        import planmaking

        candidate = ledger.candidate
        try:
            self._begin(ledger, self._made({"request": "scale-out", "units": ",".join(new)}))
        except planmaking.NothingToDo:
            logger.info("%s: in service already", ", ".join(new))
        except (juju_login.InvalidLogin, planmaking.NotPlanned) as error:
            logger.warning("%s: not taken into service yet: %s", ", ".join(new), error)
            return
        else:
            if candidate is not None:
                ledger.propose(candidate)
        arrivals.settle(shared, new)

    # -- making and beginning ---------------------------------------------------------------

    def _on_plan(self, event: ops.ActionEvent) -> None:
        ledger = self._leading(event)
        if ledger is None:
            return
        asked = {name: value for name, value in event.params.items() if value not in ("", 0)}
        approval = self._make(event, asked)
        if approval is not None:
            ledger.propose(approval)
            event.set_results(_summary(approval, self._charm.app.name))

    def _make(self, event: ops.ActionEvent, asked: dict[str, Any]) -> Approval | None:
        """Plan; where that is refused the event fails, and says why."""
        import planmaking

        try:
            return self._made(asked)
        except juju_login.InvalidLogin as error:
            event.fail(f"juju-credentials: {error}")
        except planmaking.NotPlanned as error:
            event.fail(str(error))
        return None

    def _made(self, asked: Mapping[str, Any]) -> Approval:
        """A plan as the cloud is now; raises what `planmaking.make` and `gather` raise."""
        import planmaking

        ground = gathering.gather(self._charm)
        nodes = gathering.nodes(self._charm)
        return planmaking.make(asked, self._charm.config, ground, nodes)

    def _on_run(self, event: ops.ActionEvent) -> None:
        ledger = self._leading(event)
        if ledger is None:
            return
        candidate = ledger.candidate
        wanted = str(event.params["hash"]).strip()
        if candidate is None:
            event.fail(self._no_plan())
        elif len(wanted) < _SHORTEST or not candidate.plan.hash.startswith(wanted):
            event.fail(f"the plan has the hash {candidate.plan.hash}: show-plan shows it")
        elif ledger.at_work:
            event.fail("another plan runs: wait for its end, or abort it")
        else:
            self._begin_if_same(event, ledger, candidate)

    def _begin_if_same(self, event: ops.ActionEvent, ledger: Ledger, approved: Approval) -> None:
        """Begin what was approved, if the cloud would still be planned for like that."""
        made = self._make(event, dict(approved.asked))
        if made is None:
            return
        if made.plan.hash != approved.plan.hash:
            import difference

            changes = difference.shown(difference.between(approved.plan, made.plan))
            ledger.propose(made)
            event.fail(
                "the plan no longer fits the cloud. What differs now:\n"
                f"{changes}\nTo approve the new one: run hash={made.plan.short}"
            )
            return
        self._begin(ledger, approved)
        event.set_results({"hash": approved.plan.hash, "title": approved.plan.title})

    def _begin(self, ledger: Ledger, approval: Approval) -> None:
        import planmaking

        endpoints = planmaking.endpoints(gathering.gather(self._charm))
        journal = rolling.begin(approval.plan)
        ledger.begin(Running(approval, journal, begun=time.time(), endpoints=endpoints))
        logger.info("plan %s begun: %s", approval.plan.short, approval.plan.title)

    # -- steering ---------------------------------------------------------------------------

    def _on_pause(self, event: ops.ActionEvent) -> None:
        self._steer(event, Running.paused)

    def _on_resume(self, event: ops.ActionEvent) -> None:
        self._steer(event, Running.resumed)

    def _on_abort(self, event: ops.ActionEvent) -> None:
        self._steer(event, Running.aborted)

    def _steer(self, event: ops.ActionEvent, change: Callable[[Running], Running]) -> None:
        ledger = self._leading(event)
        running = self._at_work(event, ledger) if ledger else None
        if ledger is None or running is None:
            return
        if running.journal.mode == "aborting":
            event.fail("the plan is being aborted: wait for its end, then plan again or roll back")
            return
        new = change(running)
        ledger.keep(new, running)
        if new.over:
            ledger.close(new, time.time())
        event.set_results({"phase": new.phase})

    def _on_skip(self, event: ops.ActionEvent) -> None:
        ledger = self._leading(event)
        running = self._at_work(event, ledger) if ledger else None
        if ledger is None or running is None:
            return
        wanted, reason = str(event.params["step"]).strip(), str(event.params["reason"]).strip()
        found = running.named(wanted)
        if not found:
            event.fail(f"the plan has no step {wanted!r}: show-plan lists them")
        elif len(found) > 1:
            listed = "\n".join(found)
            event.fail(f"step: several begin like that; with --string-args name one of\n{listed}")
        elif not reason:
            event.fail("reason: say why, for whoever reads the history")
        elif (step := found[0]) in running.journal.finished:
            event.fail(f"{step} is finished already")
        else:
            journal = rolling.skip(running.journal, step, reason, time.time())
            new = dataclasses.replace(running, journal=journal)
            ledger.keep(new, running)
            event.set_results({"skipped": step, "phase": new.phase})

    def _on_rollback(self, event: ops.ActionEvent) -> None:
        ledger = self._leading(event)
        if ledger is None:
            return
        running = ledger.running
        if running is None:
            event.fail("no plan was begun")
            return
        from planning import back as planned_back

        flying = [id_ for id_, r in running.journal.records.items() if r.state == "requested"]
        if not running.over and (flying or running.phase not in ("held", "paused")):
            event.fail("the plan is at work: abort it first, and wait until it is aborted")
            return
        if running.foreign:
            event.fail("another revision of this charm made the plan: plan again, by its request")
            return
        try:
            back = planned_back.rollback(running.plan, running.journal)
        except rolling.PointOfNoReturn as error:
            event.fail(f"it is too late to roll back: {error}")
            return
        if not back.waves:
            event.fail("the plan has changed nothing: there is nothing to roll back")
            return
        if not running.over:
            ledger.close(
                dataclasses.replace(running, journal=rolling.abort(running.journal)), time.time()
            )
        asked = {"request": "rollback"}
        self._begin(
            ledger, dataclasses.replace(running.approval, plan=back, asked=asked, no_return="")
        )
        event.set_results({"hash": back.hash, "title": back.title})

    # -- showing ----------------------------------------------------------------------------

    def _on_show_plan(self, event: ops.ActionEvent) -> None:
        ledger = self._ledger()
        running = ledger.running if ledger else None
        candidate = ledger.candidate if ledger else None
        approval = candidate or (running.approval if running else None)
        if approval is None:
            event.fail(self._no_plan())
            return
        journal = running.journal if running and approval == running.approval else None
        import planmaking

        event.set_results(
            {
                "hash": approval.plan.hash,
                "phase": running.phase if running and journal else "proposed",
                "plan": planmaking.view(approval, journal, event.params["format"]),
            }
        )

    def _on_history(self, event: ops.ActionEvent) -> None:
        ledger = self._ledger()
        past = ledger.history if ledger else ()
        plain = [dataclasses.asdict(one) for one in reversed(past)]
        event.set_results({"history": json.dumps(plain, indent=2)})

    def _no_plan(self) -> str:
        return f"there is no plan: juju run {self._charm.app.name}/leader plan request=..."

    # -- the ledger -------------------------------------------------------------------------

    def _leading(self, event: ops.ActionEvent) -> Ledger | None:
        """The ledger; where this unit does not lead, the event fails."""
        ledger = self._ledger()
        if ledger is None or not self._charm.unit.is_leader():
            event.fail(f"only the leader does that: juju run {self._charm.app.name}/leader ...")
            return None
        return ledger

    def _at_work(self, event: ops.ActionEvent, ledger: Ledger) -> Running | None:
        running = ledger.running
        if running is None or running.over:
            event.fail("no plan is at work")
            return None
        return running

    def _shared(self) -> MutableMapping[str, str] | None:
        relation = self._charm.model.get_relation(self._peers)
        return relation.data[self._charm.app] if relation else None

    def _ledger(self) -> Ledger | None:
        shared = self._shared()
        return Ledger(shared) if shared is not None else None

    def _running(self) -> Running | None:
        ledger = self._ledger()
        if ledger is None or not ledger.at_work:
            return None
        try:
            return ledger.running
        except WrongPlan as error:
            logger.error("the plan that runs cannot be read: %s", error)
            return None

    def _way(self, ground: Ground) -> advancing.Way:
        import advancing

        return advancing.Way(
            ground=ground,
            nodes=gathering.nodes(self._charm),
            maker=f"made by {self._charm.app.name} of model {self._charm.model.uuid}",
            canary_image=str(self._charm.config["canary-image"]),
            holder=self._charm.unit.name,
            leads=self._charm.unit.is_leader,
        )


def _summary(approval: Approval, application: str) -> dict[str, str]:
    import plan_view

    plan = approval.plan
    steps = sum(len(wave.steps) for wave in plan.waves)
    summary = {
        "hash": plan.hash,
        "title": plan.title,
        "summary": f"{steps} steps in {len(plan.waves)} waves",
        "estimate": plan_view.duration(approval.seconds),
        "point-of-no-return": approval.no_return or "none: all of it can be rolled back",
        "next": f"juju run {application}/leader run hash={plan.short}",
    }
    if approval.notes:
        summary["notes"] = "\n".join(approval.notes)
    return summary
