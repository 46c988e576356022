"""The table and the JSON of what was measured."""

from __future__ import annotations

from tests.benchmarks.controller import figures
from tests.benchmarks.controller.figures import Figure

HOOK = Figure("a hook", 12.345, "ms", 10.0)


def test_a_figure_is_held_against_its_goal():
    assert not HOOK.met
    assert Figure("a hook", 10.0, "ms", 10.0).met
    assert Figure("units", 105, "").met


def test_figures_are_shown_as_rows_and_carried_as_json():
    found = [HOOK, Figure("units", 105, "")]
    assert figures.rows(found) == [
        ("a hook", "12.3 ms", "<= 10 ms", "NO"),
        ("units", "105", "", ""),
    ]
    assert figures.from_text(figures.to_text(found)) == found
