"""A model's logging-config: which records of which loggers are kept. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sandbox.juju.state.log import SEVERITIES

_ROOT = ""
_OTHER_NAMES = {"WARN": "WARNING", "UNSPECIFIED": ""}


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Mapping[str, int]:
    """`<root>=INFO;unit=DEBUG` as logger to the least severity kept; unknown levels are left out.

    Juju's rule is that of loggo: a logger without a level has that of its nearest ancestor.
    """
    levels = {_ROOT: SEVERITIES.index("WARNING")}
    for part in text.split(";"):
        name, sign, level = part.partition("=")
        level = level.strip().upper()
        level = _OTHER_NAMES.get(level, level)
        if sign and level in SEVERITIES:
            name = name.strip()
            levels[_ROOT if name == "<root>" else name] = SEVERITIES.index(level)
    return levels


def keeps(text: str, logger: str, severity: str) -> bool:
    """Whether a record of this severity is kept under this logging-config."""
    levels = parse(text)
    name = logger
    while name and name not in levels:
        name = name.rpartition(".")[0]
    return SEVERITIES.index(severity) >= levels[name]
