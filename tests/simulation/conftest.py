"""Puts the coordinator's modules on the path."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "charms/openstack-coordinator/src"))
