"""One round: see what changed in MAAS, read it, ask some BMCs, carry out what is wanted.

A round is bounded whatever the number of machines: what it does not get to stays in the ledger
for the next. It can end anywhere: what was done is found done by the next.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import operations
from bmcs import KINDS, BmcError, Bmcs, Endpoint, endpoint
from charms.maas_bmc.v0.baremetal_nodes import Bmc, DesiredMachine, ObservedMachine
from configuration import Accounts
from ledger import Ledger
from maas import Maas, MaasError, Refused
from machines import next_generation, observe
from operations import Operation

logger = logging.getLogger(__name__)

READ_AT_ONCE = 40
"""Machines in one request: a hundred take MAAS 6 s, ten take 1 s."""
MOST_READ = 120
"""Machines read in one round."""
PATROL = 5
"""Machines read in each round though no event named them: tags and zones change without one."""
MOST_ASKED = 32
"""BMCs asked in one round."""
MOST_CORRECTED = 4
"""Machines whose power MAAS is asked to look at in one round: it asks the BMC while we wait."""
_CONTRADICTIONS = (("off", "on"), ("on", "off"), ("unknown", "on"))
"""Power as MAAS and as the BMC say it, where MAAS is asked to look."""
MOST_OPERATIONS = 40
"""Operations other than tagging in one round: MAAS takes up to a second for each."""
OPERATIONS_AT_ONCE = 8
MOST_BEHIND = 500
"""Events that may be looked at again before the new cursor is written down."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a round came to."""

    ledger: Ledger
    busy: bool
    """Something is going on: look again soon."""
    error: MaasError | None = None
    """Why the round ended early; the ledger holds what was done until then."""


def start_over(ledger: Ledger) -> Ledger:
    """The ledger with every machine to be read anew."""
    return dataclasses.replace(ledger, cursor=None)


def run(
    ledger: Ledger,
    desired: Mapping[str, DesiredMachine],
    maas: Maas,
    bmcs: Bmcs,
    accounts: Accounts,
    chance: random.Random,
) -> Outcome:
    """One round; never raises MaasError."""
    this = _Round(ledger, maas, bmcs, accounts, chance)
    error: MaasError | None = None
    left = False
    try:
        this.look()
        this.read(MOST_READ)
        this.ask_bmcs()
        this.correct_maas()
        left = this.carry_out(desired)
        this.read_touched()
    except MaasError as caught:
        error = caught
    return Outcome(this.ledger(), left or this.busy(desired), error)


def switch(
    machine: ObservedMachine,
    power: Literal["on", "off"],
    maas: Maas,
    bmcs: Bmcs,
    accounts: Accounts,
) -> None:
    """Switch a machine that nobody uses. A later round has MAAS see it.

    Raises:
        BmcError: it is in use, it has no BMC that this charm speaks to, or the BMC refuses.
        MaasError: MAAS could not be asked.
    """
    wish = DesiredMachine(
        system_id=machine.system_id, generation=machine.carried_out + 1, power=power
    )
    due = operations.due(machine, wish)
    if due.refusal:
        raise BmcError(due.refusal)
    _switch(machine, power, maas, bmcs, accounts)


class _Round:
    """The machines while they are worked on."""

    def __init__(
        self,
        ledger: Ledger,
        maas: Maas,
        bmcs: Bmcs,
        accounts: Accounts,
        chance: random.Random,
    ) -> None:
        self._before = ledger
        self._maas = maas
        self._bmcs = bmcs
        self._accounts = accounts
        self._chance = chance
        self._cursor = ledger.cursor
        self._zones = ledger.zones
        self._machines = dict(ledger.machines)
        self._unread = set(ledger.unread)
        self._touched: set[str] = set()

    def ledger(self) -> Ledger:
        """What is known now. A cursor alone is not worth a write: that wakes the other units."""
        now = dataclasses.replace(
            self._before,
            unread=tuple(sorted(self._unread | self._touched)),
            zones=self._zones,
            machines=dict(sorted(self._machines.items())),
        )
        seen = self._before.cursor
        behind = (self._cursor or 0) - (seen or 0)
        if now == self._before and seen is not None and behind < MOST_BEHIND:
            return now
        return dataclasses.replace(now, cursor=self._cursor)

    def busy(self, desired: Mapping[str, DesiredMachine]) -> bool:
        """Whether anything is still to happen."""
        waiting = any(
            wish.generation > self._machines[system_id].carried_out
            for system_id, wish in desired.items()
            if system_id in self._machines
        )
        passing = any(operations.passing(machine) for machine in self._machines.values())
        return bool(self._unread) or waiting or passing

    def look(self) -> None:
        """Find out which machines are to be read."""
        if self._cursor is None:
            self._maas.check_key()
            # Before the list: what happens in between is then read twice instead of never.
            cursor = self._maas.newest_event()
            self._unread = set(self._maas.system_ids())
            self._machines = {k: v for k, v in self._machines.items() if k in self._unread}
            self._zones = tuple(self._maas.zones())
            self._cursor = cursor
        else:
            touched, self._cursor = self._maas.events_after(self._cursor)
            self._unread |= touched
            self._unread.update(self._some(self._machines, PATROL))

    def read(self, most: int) -> None:
        """Read machines that are to be read: those known already, which changed, first."""
        queue = sorted(self._unread, key=lambda each: (each not in self._machines, each))[:most]
        for start in range(0, len(queue), READ_AT_ONCE):
            self._read(queue[start : start + READ_AT_ONCE])

    def read_touched(self) -> None:
        """Read the machines that something was done with: tagging, for one, makes no event."""
        touched = sorted(self._touched)
        for start in range(0, len(touched), READ_AT_ONCE):
            self._read(touched[start : start + READ_AT_ONCE])

    def ask_bmcs(self) -> None:
        """Ask some BMCs for power and health: those never asked first, then others at random."""
        askable = [m.system_id for m in self._machines.values() if m.bmc.kind in KINDS]
        never = [each for each in askable if self._machines[each].bmc.reachable is None]
        chosen = sorted(never)[:MOST_ASKED]
        rest = sorted(set(askable) - set(chosen))
        chosen += self._some(rest, MOST_ASKED - len(chosen))
        for system_id, reading in self._bmcs.read(self._endpoints(chosen)).items():
            machine = self._machines[system_id]
            bmc = Bmc(kind=machine.bmc.kind, **dataclasses.asdict(reading))
            self._put(machine, bmc=bmc)

    def correct_maas(self) -> None:
        """Have MAAS look at BMCs that say another power than it: by itself it takes minutes."""
        wrong = [
            machine.system_id
            for machine in self._machines.values()
            if (machine.power, machine.bmc.power) in _CONTRADICTIONS
            and not machine.in_use
            and not operations.passing(machine)
        ]
        for system_id in self._some(wrong, MOST_CORRECTED):
            self._touched.add(system_id)
            with contextlib.suppress(Refused):
                self._maas.query_power(system_id)

    def carry_out(self, desired: Mapping[str, DesiredMachine]) -> bool:
        """Carry out what is wanted; True when something is left for the next round."""
        dues = {
            system_id: operations.due(self._machines[system_id], wish)
            for system_id, wish in sorted(desired.items())
            if system_id in self._machines
        }
        refusals: dict[str, list[str]] = defaultdict(list)
        for system_id, due in dues.items():
            if due.refusal:
                refusals[system_id].append(due.refusal)
        every = [operation for due in dues.values() for operation in due.operations]
        self._tag([each for each in every if each.kind in ("tag", "untag")], refusals)
        others = [each for each in every if each.kind not in ("tag", "untag")]
        late = {each.system_id for each in others[MOST_OPERATIONS:]}
        self._do([each for each in others if each.system_id not in late], refusals)
        for system_id in dues.keys() - late:
            self._put(
                self._machines[system_id],
                carried_out=desired[system_id].generation,
                refusal="; ".join(refusals[system_id]),
            )
        return bool(late)

    def _tag(self, wanted: Iterable[Operation], refusals: Mapping[str, list[str]]) -> None:
        """Give and take tags, one request a tag."""
        add: dict[str, list[str]] = defaultdict(list)
        remove: dict[str, list[str]] = defaultdict(list)
        for operation in wanted:
            side = add if operation.kind == "tag" else remove
            side[operation.argument].append(operation.system_id)
        for tag in sorted(add.keys() | remove.keys()):
            self._touched.update(add[tag], remove[tag])
            try:
                self._maas.tag(tag, add[tag], remove[tag])
            except Refused as error:
                for system_id in (*add[tag], *remove[tag]):
                    refusals[system_id].append(str(error))

    def _do(self, wanted: Iterable[Operation], refusals: Mapping[str, list[str]]) -> None:
        """Carry out operations: those of one machine in their order, machines side by side."""
        queues: dict[str, list[Operation]] = defaultdict(list)
        for operation in wanted:
            queues[operation.system_id].append(operation)
        self._touched.update(queues)
        with concurrent.futures.ThreadPoolExecutor(OPERATIONS_AT_ONCE) as pool:
            for system_id, refused in zip(
                queues, pool.map(self._ask_in_turn, queues.values()), strict=True
            ):
                refusals[system_id].extend(refused)

    def _ask_in_turn(self, wanted: list[Operation]) -> list[str]:
        refused: list[str] = []
        for operation in wanted:
            logger.info("%s %s %s", operation.kind, operation.system_id, operation.argument)
            try:
                self._ask(operation)
            except (Refused, BmcError) as error:
                refused.append(str(error))
        return refused

    def _ask(self, operation: Operation) -> None:
        system_id = operation.system_id
        match operation.kind:
            case "commission":
                self._maas.commission(system_id)
            case "move":
                self._maas.move(system_id, operation.argument)
            case "release":
                self._maas.release(system_id, "asked for by the owner of the policy")
            case "quarantine":
                self._maas.quarantine(system_id, operation.argument)
            case "fix":
                self._maas.mark_fixed(system_id)
            case "on" | "off":
                machine = self._machines[system_id]
                _switch(machine, operation.kind, self._maas, self._bmcs, self._accounts)

    def _read(self, system_ids: list[str]) -> None:
        found = {each["system_id"]: each for each in self._maas.machines(system_ids)}
        for system_id in system_ids:
            if system_id in found:
                before = self._machines.get(system_id)
                self._machines[system_id] = observe(found[system_id], before)
            else:
                self._machines.pop(system_id, None)
        self._unread.difference_update(system_ids)
        self._touched.difference_update(system_ids)

    def _endpoints(self, system_ids: list[str]) -> list[Endpoint]:
        parameters = self._maas.power_parameters(system_ids)
        machines = (self._machines[each] for each in system_ids)
        found = (_endpoint(each, parameters, self._accounts) for each in machines)
        return [each for each in found if each is not None]

    def _put(self, machine: ObservedMachine, **changes: Any) -> None:
        changed = machine.model_copy(update=changes)
        self._machines[machine.system_id] = next_generation(machine, changed)

    def _some(self, system_ids: Iterable[str], count: int) -> list[str]:
        candidates = sorted(system_ids)
        return sorted(self._chance.sample(candidates, min(count, len(candidates))))


def _endpoint(
    machine: ObservedMachine,
    parameters: Mapping[str, Mapping[str, Any]],
    accounts: Accounts,
) -> Endpoint | None:
    own = parameters.get(machine.system_id, {})
    return endpoint(machine.system_id, machine.hostname, machine.bmc.kind, own, accounts)


def _switch(
    machine: ObservedMachine,
    power: Literal["on", "off"],
    maas: Maas,
    bmcs: Bmcs,
    accounts: Accounts,
) -> None:
    target = _endpoint(machine, maas.power_parameters([machine.system_id]), accounts)
    if target is None:
        raise BmcError(f"its power type is {machine.bmc.kind or 'not set'}: switch it in MAAS")
    bmcs.switch(target, power)
