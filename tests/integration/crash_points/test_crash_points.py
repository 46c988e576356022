"""A coordinator that dies at each of its writes ends as one that never died."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.integration.crash_points.upgrade import Upgrade, Write

Upgrades = Mapping[str, Upgrade]


def test_the_end_is_the_same(upgrades: Upgrades) -> None:
    quiet = upgrades["quiet"].end
    assert quiet["plan"]["phase"] == "done"
    assert upgrades["lost"].end == quiet
    assert upgrades["kept"].end == quiet


def test_nothing_is_done_twice(upgrades: Upgrades) -> None:
    quiet = upgrades["quiet"].effects
    assert quiet["openstack-upgrade keystone/0"] == 1
    assert upgrades["lost"].effects == quiet
    assert upgrades["kept"].effects == quiet


def test_it_died_before_and_after_each_write(
    upgrades: Upgrades, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n\n{table(upgrades)}")  # noqa: T201
    # Whether a step that only waits is seen to wait is a matter of time, not of writes.
    written = {
        (step, state)
        for step, state in upgrades["quiet"].steps("pass")
        if state != "requested" or " settle: " not in step
    }
    assert written
    assert not written - upgrades["lost"].steps("set", "commit"), "not killed before these"
    assert not written - upgrades["kept"].steps("committed"), "not killed after these"


def table(upgrades: Upgrades) -> str:
    """How often a unit died, by what it was writing."""
    columns = (("quiet", "pass"), ("lost", "set"), ("lost", "commit"), ("kept", "committed"))
    rows: list[tuple[str, ...]] = [
        ("write", "undisturbed", "killed as set", "before commit", "after commit")
    ]
    kinds = sorted({_kind(write) for one in upgrades.values() for write in one.writes})
    for kind in kinds:
        counts = (
            sum(w.moment == moment and _kind(w) == kind for w in upgrades[cloud].writes)
            for cloud, moment in columns
        )
        rows.append((kind, *map(str, counts)))
    took = [f"{upgrades[cloud].seconds:.0f} s" for cloud, _ in columns]
    rows.append(("the whole plan", *took))
    return "\n".join("  ".join(cell.ljust(16) for cell in row).rstrip() for row in rows)


def _kind(write: Write) -> str:
    states = sorted({state for _, state in write.steps})
    return f"{write.key.removeprefix('plan-')}: {', '.join(states) or 'begin'}"
