"""Puts the charm's modules and the aids of its tests on the path."""

from __future__ import annotations

import pathlib
import sys

HERE = pathlib.Path(__file__).parent

sys.path[:0] = [str(HERE.parents[1] / "src"), str(HERE)]
