"""Puts the charm's modules on the path, as they are when dispatch runs src/charm.py."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "src"))
