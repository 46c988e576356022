"""Puts the coordinator's modules and the simulation on the path."""

from __future__ import annotations

import pathlib
import sys

TESTS = pathlib.Path(__file__).parents[1]

sys.path[:0] = [str(TESTS.parent / "charms/openstack-coordinator/src"), str(TESTS)]
