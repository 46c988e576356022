"""A hundred histories; the nightly workflow lives ten thousand."""

from __future__ import annotations

import gates
import pytest

from simulation.history import run
from simulation.invariants import Wrong

HISTORIES = 100
FIRST = 1000


@pytest.mark.parametrize("tenth", range(10))
def test_whatever_happens_no_invariant_is_broken_and_every_history_ends(tenth: int) -> None:
    endings = {
        run(seed).ending
        for seed in range(FIRST + tenth * HISTORIES // 10, FIRST + (tenth + 1) * HISTORIES // 10)
    }
    assert endings <= {"done", "held", "aborted", "rolled back", "refused"}


@pytest.mark.parametrize("seed", [5007839])
def test_a_history_that_once_broke_an_invariant_does_so_no_more(seed: int) -> None:
    assert run(seed).ending == "done"


@pytest.mark.parametrize("kinds", [("quorum", "healthy"), ("empty",), ("other-zones-up",)])
def test_a_coordinator_whose_gates_are_always_open_would_be_caught(
    kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    always = dict.fromkeys(kinds, lambda *_: "")
    monkeypatch.setattr(gates, "_GATES", {**gates._GATES, **always})
    with pytest.raises(Wrong):
        _live_many()


def _live_many() -> None:
    for seed in range(300, 700):
        run(seed)


def test_a_seed_replays_its_history() -> None:
    assert run(7) == run(7)
