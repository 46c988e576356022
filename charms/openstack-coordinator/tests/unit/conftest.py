"""Puts the charm's modules and the aids of its tests on the path."""

from __future__ import annotations

import pathlib
import sys

import hypothesis

HERE = pathlib.Path(__file__).parent

sys.path[:0] = [str(HERE.parents[1] / "src"), str(HERE)]

# Hypothesis measures an example by the clock on the wall, which a busy machine stretches.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")
