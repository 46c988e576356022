"""`sandbox fault` and `sandbox chaos`: one fault, or a series that a seed repeats."""

from __future__ import annotations

import argparse
import random
import sys
import time

from sandbox.faults import fault, plan
from sandbox.faults.client import FaultClient, FaultRefused
from sandbox.home import Home


def register(commands: argparse._SubParsersAction) -> None:
    """Add both to the `sandbox` command."""
    one = commands.add_parser("fault", help="bring one fault about, on purpose")
    one.add_argument("-m", "--model", default="", help="needed where several have the target")
    fault.add_arguments(one)
    one.set_defaults(run=_fault)
    chaos = commands.add_parser("chaos", help="a series of faults, drawn from a seed")
    chaos.add_argument("-m", "--model", default="")
    chaos.add_argument("--seed", type=int, help="the same seed and model: the same series")
    chaos.add_argument("--count", type=int, default=10)
    chaos.add_argument("--within", type=float, default=60.0, help="seconds, about")
    chaos.set_defaults(run=_chaos)


def _fault(arguments: argparse.Namespace) -> int:
    client = FaultClient(Home.from_environment(), arguments.model)
    try:
        _say(client.apply(fault.from_arguments(arguments)))
    except (FaultRefused, fault.NoSuchFault) as refusal:
        print(f"ERROR {refusal}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _chaos(arguments: argparse.Namespace) -> int:
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    client = FaultClient(Home.from_environment(), arguments.model)
    try:
        _say(f"seed {seed}")
        for timed in plan.draw(seed, client.model(), arguments.count, arguments.within):
            time.sleep(timed.after)
            _say(timed.fault.text())
            try:
                _say(f"  {client.apply(timed.fault)}")
            except FaultRefused as refusal:  # its target is gone, or the controller is down
                _say(f"  {refusal}")
    except FaultRefused as refusal:
        print(f"ERROR {refusal}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
