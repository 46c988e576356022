"""The debug log as the store keeps it."""

from __future__ import annotations

import pytest

from sandbox.juju.state import log


@pytest.mark.parametrize("batch", [1, 7, 1000, 2500])
def test_the_latest_lines_stay_however_many_are_written_at_once(world, monkeypatch, batch):
    monkeypatch.setattr(log, "_KEPT", 2000)
    lines = [log.record("unit-app-0", "INFO", "juju", str(number)) for number in range(6000)]

    with world.store.transaction() as tx:
        for start in range(0, len(lines), batch):
            log.write(tx, world.model, lines[start : start + batch])
        kept = log.after(tx, world.model, 0, limit=10_000)

    assert [record.message for record in kept[-2000:]] == [str(n) for n in range(4000, 6000)]
    assert len(kept) < 2000 + 2 * max(batch, 1000)
