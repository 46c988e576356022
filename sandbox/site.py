"""What a site sets in an overlay of its own: for the sandbox, its virtual addresses."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import yaml

from .home import Home


def overlay(home: Home, files: Iterable[pathlib.Path]) -> pathlib.Path:
    """Write the sandbox's own overlay for a bundle and its overlays; returns its path.

    Every application with a virtual address gets one of this sandbox's network in its place.
    """
    named = {
        name
        for file in files
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
        for name, application in (document.get("applications") or {}).items()
        if application and "vip" in (application.get("options") or {})
    }
    applications = {
        name: {"options": {"vip": home.virtual_address(number)}}
        for number, name in enumerate(sorted(named), 1)
    }
    path = home.folder("run") / "site.yaml"
    path.write_text(yaml.safe_dump({"applications": applications}), encoding="utf-8")
    return path
