"""One fault: what goes wrong, with whom, for how long. Pure."""

from __future__ import annotations

import argparse
import dataclasses
import re
import shlex
from collections.abc import Sequence
from typing import Any, Literal, get_args

Kind = Literal[
    "kill",
    "freeze",
    "disconnect",
    "fail-hook",
    "kill-at-write",
    "watchers",
    "expire-leader",
    "clock",
    "clear",
]

Moment = Literal["set", "commit", "committed", "pass"]
"""Where a unit dies that writes into a databag.

set: as the hook sets it, before it hears that it has. commit: when the hook has ended well, before
anything is committed. committed: right after that. pass: nowhere; the write is only noted down.
"""

MOMENTS: tuple[Moment, ...] = get_args(Moment)

CONTROLLER = "controller"
_UNIT = re.compile(r"[a-z][a-z0-9-]*/[0-9]+\Z")
_MACHINE = re.compile(r"machine:[0-9]+(?:/lxd/[0-9]+)?\Z")
_APPLICATION = re.compile(r"[a-z][a-z0-9-]*\Z")


class NoSuchFault(ValueError):
    """The words name no fault; the message says what is wrong."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """What goes wrong.

    A target is a unit, `machine:3`, `controller`, or for expire-leader an application.
    """

    kind: Kind
    target: str = ""
    seconds: float = 0.0
    """Of the machine's clock: how long it is frozen or cut off, or stays dead."""
    hook: str = ""
    """fail-hook: only this one; empty for whichever is next."""
    times: int = 1
    """How many hooks fail, or how many moments of kill-at-write are reached."""
    key: str = ""
    """kill-at-write: how the keys of databags begin whose writes count."""
    moments: str = "set,commit,committed"
    """kill-at-write: what a write has, one at each attempt; seconds tell no writes apart."""
    delay: float = 0.0
    """watchers: the longest that a message is held back, in seconds."""
    duplicate: float = 0.0
    """watchers: the share of messages that come twice, 0 to 1."""
    seed: int = 0
    """watchers: what delays and repetitions are drawn from."""
    rate: float = 1.0
    """clock: seconds of the controller's for each of the machine's."""

    def words(self) -> list[str]:
        """As `sandbox fault` takes it."""
        known = {field.name: field.default for field in dataclasses.fields(self)}
        words: list[str] = [self.kind, *([self.target] if self.target else [])]
        if self.kind == "clock":
            return [*words, f"{self.rate:g}"]
        for name, flag in _FLAGS.items():
            value = getattr(self, name)
            if value != known[name]:
                words += [flag, value if isinstance(value, str) else f"{value:g}"]
        return words

    @property
    def parsed_moments(self) -> tuple[Moment, ...]:
        """The moments one by one; what is none is left out."""
        words = self.moments.split(",")
        return tuple(moment for word in words for moment in MOMENTS if moment == word)

    def text(self) -> str:
        """The command that brings it about again."""
        return shlex.join(["sandbox", "fault", *self.words()])

    def to_document(self) -> dict[str, Any]:
        """As a JSON object."""
        return dataclasses.asdict(self)


_FLAGS = {
    "seconds": "--for",
    "hook": "--hook",
    "times": "--times",
    "key": "--key",
    "moments": "--moments",
    "delay": "--delay",
    "duplicate": "--duplicate",
    "seed": "--seed",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands of `sandbox fault`, one for each kind."""
    kinds = parser.add_subparsers(required=True, dest="kind", metavar="FAULT")
    kill = kinds.add_parser("kill", help="end a unit's agent, a machine or the controller")
    freeze = kinds.add_parser("freeze", help="stop it for a while, with all of its processes")
    disconnect = kinds.add_parser("disconnect", help="cut a unit's agent off from the controller")
    for one in (kill, freeze, disconnect):
        one.add_argument("target", metavar="UNIT|machine:N|controller")
        one.add_argument(
            "--for",
            dest="seconds",
            type=float,
            default=0.0,
            help="seconds it is away"
            if one is kill
            else "seconds; without it, until `sandbox fault clear`",
        )
    fail = kinds.add_parser("fail-hook", help="let a unit's next hook fail at its end")
    fail.add_argument("target", metavar="UNIT")
    fail.add_argument("--hook", default="", help="this hook only, such as config-changed")
    fail.add_argument("--times", type=int, default=1)
    write = kinds.add_parser("kill-at-write", help="end a unit's agent as it writes a databag")
    write.add_argument("target", metavar="UNIT")
    write.add_argument("--key", default="", help="keys that begin like this only")
    write.add_argument(
        "--moments", default=Fault.moments, help="what each write has, one at each attempt"
    )
    write.add_argument("--times", type=int, default=1, help="how many moments")
    watchers = kinds.add_parser("watchers", help="hold back or repeat the watchers' messages")
    watchers.add_argument("--delay", type=float, default=0.0, help="seconds at most")
    watchers.add_argument("--duplicate", type=float, default=0.0, help="share of them, 0 to 1")
    watchers.add_argument("--seed", type=int, default=0)
    expire = kinds.add_parser("expire-leader", help="let the lease of an application's leader end")
    expire.add_argument("target", metavar="APPLICATION")
    clock = kinds.add_parser("clock", help="let the controller's time run faster; 1: as usual")
    clock.add_argument("rate", type=float)
    kinds.add_parser("clear", help="undo what lasts: thaw, connect, watchers, failures, clock")


def parse(words: Sequence[str]) -> Fault:
    """The fault that words of `sandbox fault` name.

    Raises:
        NoSuchFault: they name none.
    """
    parser = _Parser(prog="sandbox fault", add_help=False)
    add_arguments(parser)
    return from_arguments(parser.parse_args(list(words)))


def from_arguments(arguments: argparse.Namespace) -> Fault:
    """The fault of parsed arguments.

    Raises:
        NoSuchFault: its target or a number makes no sense.
    """
    known = {field.name for field in dataclasses.fields(Fault)}
    fault = Fault(**{key: value for key, value in vars(arguments).items() if key in known})
    check(fault)
    return fault


def check(fault: Fault) -> None:
    """Refuse what cannot happen; NoSuchFault says why."""
    unit, machine = _UNIT.match(fault.target), _MACHINE.match(fault.target)
    may = {
        "kill": unit or machine or fault.target == CONTROLLER,
        "freeze": unit or machine or fault.target == CONTROLLER,
        "disconnect": unit,
        "fail-hook": unit,
        "kill-at-write": unit,
        "expire-leader": _APPLICATION.match(fault.target),
    }.get(fault.kind, True)
    if not may:
        raise NoSuchFault(f'{fault.kind} cannot be done to "{fault.target}"')
    if fault.seconds < 0 or fault.delay < 0 or fault.times < 1:
        raise NoSuchFault("spans are not negative, and times at least 1")
    if len(fault.parsed_moments) != len(fault.moments.split(",")):
        raise NoSuchFault(f"--moments are some of {', '.join(MOMENTS)}, with commas between")
    if not 0 <= fault.duplicate <= 1:
        raise NoSuchFault("--duplicate is a share, from 0 to 1")
    if not 0 < fault.rate < 1e6:
        raise NoSuchFault("a clock runs at a positive rate")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise NoSuchFault(message)
