"""Metrics as Prometheus reads them: families of samples, and their text. Pure.

The text format is version 0.0.4 of https://prometheus.io/docs/instrumenting/exposition_formats/.
The client library of Prometheus writes it as well; to import it costs a hook 60 ms, and this
nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Literal

LIBID = "ac2105ec6e0e4c228207dc1ed519146f"
LIBAPI = 0
LIBPATCH = 1

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of an HTTP answer that has such text."""


@dataclasses.dataclass(frozen=True)
class Family:
    """What the samples of one name have in common."""

    name: str
    help: str
    """What it tells, and in which unit."""
    labels: tuple[str, ...] = ()
    """The labels of each sample. Their values must be few: each set of values is a series."""
    kind: Literal["gauge", "counter"] = "gauge"


@dataclasses.dataclass(frozen=True)
class Sample:
    """One value of a family; label values in the order of the family's labels."""

    family: Family
    value: float
    labels: tuple[str, ...] = ()


def text(samples: Iterable[Sample]) -> str:
    """The samples as a scrape gets them: grouped by family, in the order of their first sample."""
    grouped: dict[Family, list[Sample]] = {}
    for sample in samples:
        grouped.setdefault(sample.family, []).append(sample)
    lines: list[str] = []
    for family, members in grouped.items():
        lines.append(f"# HELP {family.name} {_escaped(family.help, quotes=False)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{_labels(member)} {_number(member.value)}" for member in members]
    return "".join(f"{line}\n" for line in lines)


def _labels(sample: Sample) -> str:
    named: Mapping[str, str] = dict(zip(sample.family.labels, sample.labels, strict=True))
    if not named:
        return ""
    pairs = (f'{name}="{_escaped(value, quotes=True)}"' for name, value in named.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str, *, quotes: bool) -> str:
    plain = value.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quotes else plain


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
