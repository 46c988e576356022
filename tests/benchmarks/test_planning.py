"""The limits of the table hold."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import planning_costs
import pytest


@pytest.mark.parametrize("line", planning_costs.measure(), ids=lambda line: line.what)
def test_a_large_cloud_is_planned_and_driven_within_its_limits(
    line: planning_costs.Measured,
) -> None:
    assert line.kept, f"{line.what}: {line.value:.3f} {line.unit}, limit {line.limit:g}"
