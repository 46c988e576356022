"""Live many histories: `tox -e simulation -- --histories 1000 --seed 7`. A seed replays its own.

Each history has a seed of its own, counted from the one that is given. A history that breaks an
invariant is told with its seed; `--histories 1 --seed N` lives it again.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "charms/openstack-coordinator/src"), str(ROOT / "tests")]

from simulation.history import History, run  # noqa: E402


def _run(seed: int) -> tuple[History | str, float]:
    """The history, or what was wrong; and the seconds of CPU that it took."""
    started = time.process_time()
    try:
        found: History | str = run(seed)
    except AssertionError as error:
        found = str(error)
    return found, time.process_time() - started


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="simulation", description="Histories of plans.")
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    started = time.monotonic()
    seeds = range(asked.seed, asked.seed + asked.histories)
    with multiprocessing.Pool(asked.processes) as pool:
        lived = pool.map(_run, seeds, chunksize=10)
    found, cpu = [history for history, _ in lived], sum(used for _, used in lived)
    wrong = [history for history in found if isinstance(history, str)]
    histories = [history for history in found if not isinstance(history, str)]
    seconds = time.monotonic() - started
    print(  # noqa: T201
        f"{len(found)} histories from seed {asked.seed} in {seconds:.1f} s "
        f"({60 * len(found) / seconds:.0f} a minute); {cpu:.1f} s of CPU, "
        f"{sum(h.ticks for h in histories)} ticks"
    )
    endings = collections.Counter((h.asked, h.ending) for h in histories)
    for (kind, ending), count in sorted(endings.items()):
        print(f"  {kind:<10} {ending:<12} {count:>6}")  # noqa: T201
    for text in wrong:
        print(f"WRONG {text}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
