"""Names that Juju takes (github.com/juju/names)."""

from __future__ import annotations

import re

APPLICATION = r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*"
"""The pattern of an application's name, an offer's and a charm's."""

_APPLICATION = re.compile(APPLICATION)


def is_application(name: str) -> bool:
    """Whether an application, an offer or a SAAS can have this name."""
    return _APPLICATION.fullmatch(name) is not None
