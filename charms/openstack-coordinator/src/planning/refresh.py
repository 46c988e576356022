"""Charms to a newer revision, and applications restarted: in the order of upgrades."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from coherence import Finding

from planning import leftovers, preflight, put_off, restarts, ways
from planning.draft import Draft, Drafted, in_one_lane
from planning.outcome import reason

if TYPE_CHECKING:
    from planning.request import Refresh, Restart
    from planning.survey import Part


def refresh(draft: Draft, request: Refresh) -> Drafted:
    """`juju refresh` of one application after another, each well before the next.

    Juju gives the charm to all units at once. Where the charm can put its restarts off, they are
    done unit by unit; elsewhere the units' agents are held, and released one by one.
    """
    parts = _chosen(draft, request.applications)
    due = [part for part in parts if _due(part, request)]
    reasons = [
        *_unknown(draft, request.applications),
        *_against(request),
        *preflight.well(draft.survey, list(draft.survey.parts.values())),
    ]

    def waves() -> Iterator[Wave]:
        if due:
            yield from leftovers.waves(draft)
        for part in due:
            if put_off.can_be(draft, part):
                yield from put_off.refreshed(
                    draft, part, _work(draft, part, request, deferred=True)
                )
                yield from put_off.restarted(draft, part)
            else:
                yield from draft.begun(part.name, _refreshed(draft, part, request))

    def notes() -> Iterator[str]:
        yield from leftovers.notes(draft.survey)
        for part in due:
            if len(part.application.units) == 1 and not part.upgrade.together:
                yield f"{part.name}: has one unit; what its new charm restarts serves nobody then"

    return Drafted("refresh", tuple(reasons), waves, notes)


def _chosen(draft: Draft, names: tuple[str, ...]) -> list[Part]:
    parts = draft.survey.parts.values()
    return [part for part in parts if not names or part.name in names]


def _unknown(draft: Draft, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in sorted(set(names) - draft.survey.parts.keys()):
        yield reason(name, "is no application of OpenStack in this model", "see show-cloud")


def _against(request: Refresh) -> Iterator[Finding]:
    if request.revision and len(request.applications) != 1:
        yield reason("revision", "is of one application's charm", "name that application")
    if request.channel and not request.applications:
        yield reason("channel", "is not the same for all charms", "name the applications")


def _due(part: Part, request: Refresh) -> bool:
    application = part.application
    revision = request.revision or application.newest
    channel = request.channel or application.channel
    return bool(application.channel) and (
        application.revision != revision or application.channel != channel
    )


def _work(draft: Draft, part: Part, request: Refresh, *, deferred: bool) -> Iterator[Step]:
    application = part.application
    channel = request.channel or application.channel
    moved = channel != application.channel
    # The newest revision of another channel is known to nobody before.
    revision = request.revision or (None if moved else application.newest)
    return ways.refreshed(draft, part, channel, revision, "refresh", deferred=deferred)


def _refreshed(draft: Draft, part: Part, request: Refresh) -> Iterator[Step]:
    if restarts.RESTARTS in part.application.options and not part.upgrade.together:
        work = functools.partial(_work, draft, part, request, deferred=True)
        return restarts.with_restarts_put_off(draft, part, work)
    return _work(draft, part, request, deferred=False)


def restart(draft: Draft, request: Restart) -> Drafted:
    """Every unit paused and resumed, one at a time, the leader first."""
    parts = _chosen(draft, request.applications) if request.applications else []
    reasons = [
        *_unknown(draft, request.applications),
        *preflight.well(draft.survey, list(draft.survey.parts.values())),
        *_unpausable(draft, parts),
    ]

    def waves() -> Iterator[Wave]:
        yield from leftovers.waves(draft)
        for part in parts:
            yield from in_one_lane(part.name, _restarted(draft, part))

    def notes() -> Iterator[str]:
        yield from leftovers.notes(draft.survey)
        for part in parts:
            if len(part.application.units) == 1:
                yield f"{part.name}: has one unit, and serves nobody while it restarts"
            if part.upgrade.sealed:
                yield f"{part.name}: each unit comes back sealed, and waits for the keys"

    return Drafted("restart", tuple(reasons), waves, notes)


def _unpausable(draft: Draft, parts: list[Part]) -> Iterator[Finding]:
    for part in parts:
        actions = draft.survey.snapshot.actions.get(part.name)
        if part.upgrade.restart and (actions is None or part.upgrade.restart in actions):
            continue
        if actions is not None and not {"pause", "resume"} <= actions:
            yield reason(part.name, "its charm can neither pause nor resume", "restart it by hand")


def _restarted(draft: Draft, part: Part) -> Iterator[Step]:
    if part.upgrade.restart:
        yield from restarts.restarted(draft, part, part.upgrade.restart)
        return
    for place, unit in enumerate(part.units):
        found = draft.pause(part, unit, part.name)
        if place == 0:
            first = found[0]
            found[0] = dataclasses.replace(first, gates=(*first.gates, draft.whole()))
        yield from found
        yield from draft.resume(part, unit, part.name)
    timeout = part.upgrade.timeout
    yield draft.settle(part.name, "settle", part.application.units, timeout)
