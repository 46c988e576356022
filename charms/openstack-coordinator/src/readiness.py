"""Is OpenStack ready? The one answer that the status, the action and the relations share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import coherence

if TYPE_CHECKING:
    from cloud import Cloud
    from knowledge import Knowledge


@dataclasses.dataclass(frozen=True)
class ApplicationReport:
    """One application of the cloud, as the operator sees it."""

    name: str
    charm: str
    revision: int
    channel: str
    base: str
    version: str
    units: int
    active: int


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What one look at the model led to."""

    release: str
    """For example 2024.1; empty while no application tells."""
    applications: tuple[ApplicationReport, ...]
    hypervisors: int
    """Units that run guests and are active."""
    findings: tuple[coherence.Finding, ...]

    @property
    def ready(self) -> bool:
        """Nothing is missing, incoherent or still settling."""
        return not self.findings

    @property
    def settled(self) -> bool:
        """Nothing comes up or changes by itself, though an operator may have something to do."""
        return all(finding.severity == "blocked" for finding in self.findings)

    @property
    def severity(self) -> coherence.Severity | None:
        """The gravest finding's; None when ready."""
        return self.findings[0].severity if self.findings else None

    @property
    def summary(self) -> str:
        """One line for a status: the size when ready, else the first findings and counts."""
        if self.ready:
            return (
                f"OpenStack {self.release} ready: {len(self.applications)} applications, "
                f"{self.hypervisors} hypervisors"
            )
        grave = [finding for finding in self.findings if finding.severity == self.severity]
        first = "; ".join(str(finding) for finding in grave[:_NAMED])
        rest = f" (and {len(grave) - _NAMED} more)" if len(grave) > _NAMED else ""
        waiting = len(self.findings) - len(grave)
        also = f", {waiting} still settling" if waiting else ""
        return f"{first}{rest}{also}"


_NAMED = 2
"""How many findings a status names: it has one line."""


def assess(cloud: Cloud, knowledge: Knowledge) -> Assessment:
    """Judge the cloud."""
    members = coherence.members(cloud, knowledge)
    release = coherence.current_release(members, knowledge)
    return Assessment(
        release=release.name if release else "",
        applications=tuple(_report(member) for member in members),
        hypervisors=len(hypervisor_hosts(cloud, knowledge)),
        findings=coherence.findings(cloud, knowledge),
    )


def hypervisor_hosts(cloud: Cloud, knowledge: Knowledge) -> dict[str, str]:
    """The units that run guests and are active -> the name of their machine, which is Nova's."""
    return {
        unit.name: machine.hostname if (machine := cloud.machine(unit)) else ""
        for member in coherence.members(cloud, knowledge)
        if knowledge.roles[member.charm.role].hypervisor
        for unit in member.application.units
        if unit.workload == "active"
    }


def _report(member: coherence.Member) -> ApplicationReport:
    application = member.application
    return ApplicationReport(
        name=application.name,
        charm=application.charm,
        revision=application.revision,
        channel=application.channel,
        base=application.base,
        version=application.version,
        units=len(application.units),
        active=sum(unit.workload == "active" for unit in application.units),
    )
