"""What `show-cloud` answers: a table to read, or the same as YAML or JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import yaml
from readiness import ApplicationReport, Assessment

if TYPE_CHECKING:
    from computes import Room

Format = Literal["text", "yaml", "json"]

_COLUMNS = ("Application", "Version", "Channel", "Rev", "Base", "Active")
_ROOM_COLUMNS = ("Zone", "Hypervisors", "Guests", "VCPUs", "Memory GiB", "Disk GiB")


@dataclasses.dataclass(frozen=True)
class Extras:
    """What only the leader can tell, and only while OpenStack answers."""

    room: tuple[Room, ...] = ()
    left: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Former tenant -> what its project still holds."""


def render(assessment: Assessment, extras: Extras, form: Format) -> str:
    """The assessment in the form asked for."""
    if form == "text":
        return _text(assessment, extras)
    plain = _plain(assessment, extras)
    return (
        yaml.safe_dump(plain, sort_keys=False) if form == "yaml" else json.dumps(plain, indent=2)
    )


def _plain(assessment: Assessment, extras: Extras) -> dict[str, Any]:
    return {
        "ready": assessment.ready,
        "release": assessment.release,
        "hypervisors": assessment.hypervisors,
        "applications": {
            report.name: {
                field.name: getattr(report, field.name)
                for field in dataclasses.fields(ApplicationReport)
                if field.name != "name"
            }
            for report in assessment.applications
        },
        "capacity": {
            room.zone: {k: v for k, v in dataclasses.asdict(room).items() if k != "zone"}
            for room in extras.room
        },
        "former-tenants": {name: list(left) for name, left in extras.left.items()},
        "findings": [dataclasses.asdict(finding) for finding in assessment.findings],
    }


def _text(assessment: Assessment, extras: Extras) -> str:
    rows = [
        (
            report.name,
            report.version,
            report.channel,
            str(report.revision),
            report.base,
            f"{report.active}/{report.units}",
        )
        for report in assessment.applications
    ]
    lines = [assessment.summary, "", *_table((_COLUMNS, *rows))]
    if extras.room:
        lines += ["", *_table((_ROOM_COLUMNS, *map(_room, extras.room)))]
    for name, left in extras.left.items():
        lines += ["", f"Left by the former tenant {name}; delete it, or relate {name} again:"]
        lines += [f"  {item}" for item in left]
    for finding in assessment.findings:
        lines += ["", f"{finding.severity}: {finding}", f"  {finding.remedy}"]
    return "\n".join(lines)


def _room(room: Room) -> tuple[str, ...]:
    return (
        room.zone,
        str(room.hypervisors),
        str(room.guests),
        f"{room.vcpus_used}/{room.vcpus}",
        f"{room.memory_mb_used // 1024}/{room.memory_mb // 1024}",
        f"{room.disk_gb_used}/{room.disk_gb}",
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
