"""A hundred histories; the nightly workflow lives ten thousand."""

from __future__ import annotations

import pytest

from simulation.history import run

HISTORIES = 100
FIRST = 1000


@pytest.mark.parametrize("tenth", range(10))
def test_whatever_happens_no_invariant_is_broken_and_every_history_ends(tenth: int) -> None:
    endings = {
        run(seed).ending
        for seed in range(FIRST + tenth * HISTORIES // 10, FIRST + (tenth + 1) * HISTORIES // 10)
    }
    assert endings <= {"done", "held", "aborted", "rolled back", "refused"}


def test_a_seed_replays_its_history() -> None:
    assert run(7) == run(7)
