"""What `show-cloud` answers: a table to read, or the same as YAML or JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

import yaml
from readiness import ApplicationReport, Assessment

Format = Literal["text", "yaml", "json"]

_COLUMNS = ("Application", "Version", "Channel", "Rev", "Base", "Active")


def render(assessment: Assessment, form: Format) -> str:
    """The assessment in the form asked for."""
    if form == "text":
        return _text(assessment)
    if form == "yaml":
        return yaml.safe_dump(_plain(assessment), sort_keys=False)
    return json.dumps(_plain(assessment), indent=2)


def _plain(assessment: Assessment) -> dict[str, Any]:
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
        "findings": [dataclasses.asdict(finding) for finding in assessment.findings],
    }


def _text(assessment: Assessment) -> str:
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
    for finding in assessment.findings:
        lines += ["", f"{finding.severity}: {finding}", f"  {finding.remedy}"]
    return "\n".join(lines)


def _table(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
