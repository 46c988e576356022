"""`sandbox trace`: what ran for a unit or about a relation, as a table.

It reads the controller's database beside the controller, so it works when that is down too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Sequence

from sandbox.home import Home
from sandbox.juju import clock
from sandbox.juju.cli.table import Table
from sandbox.juju.engine import record
from sandbox.juju.state import runs
from sandbox.juju.state.runs import Run
from sandbox.juju.state.store import Store, Transaction

_RELATION = re.compile(r"(?:[a-z][a-z0-9-]*:)?(?P<number>[0-9]+)\Z")
_LONGEST = 100


class NothingToTrace(Exception):
    """No such unit or relation; the message says so."""


def register(commands: argparse._SubParsersAction) -> None:
    """Add it to the `sandbox` command."""
    parser = commands.add_parser("trace", help="what ran for a unit, or about a relation")
    parser.add_argument("subject", metavar="UNIT|ENDPOINT:ID")
    parser.add_argument("-m", "--model", default="", help="needed where several have it")
    parser.add_argument("-n", "--last", type=int, default=50, metavar="LINES")
    parser.add_argument("--json", action="store_true", help="lines of JSON, whole")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    home = Home.from_environment()
    database = home.path / "juju" / "juju.db"
    try:
        if not database.exists():
            raise NothingToTrace("there is no controller in this sandbox")
        store = Store(database, read_only=True)
        with contextlib.closing(store), store.reading() as tx:
            found = history(tx, arguments.subject, arguments.model)
    except NothingToTrace as refusal:
        print(f"ERROR {refusal}", file=sys.stderr)  # noqa: T201
        return 1
    shown = found[-arguments.last :] if arguments.last > 0 else found
    if arguments.json:
        lines = (json.dumps(record.document(run), ensure_ascii=False) for run in shown)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    else:
        sys.stdout.write(table(shown))
    return 0


def history(tx: Transaction, subject: str, model: str = "") -> list[Run]:
    """The runs of a unit (app/0) or of a relation (db:3, or 3), oldest first.

    Raises:
        NothingToTrace: there is none, or several models have one and none was named.
    """
    relation = _RELATION.match(subject)
    if relation is not None:
        rows = tx.all("SELECT model FROM relations WHERE id = ?", int(relation["number"]))
    else:
        rows = tx.all("SELECT DISTINCT model FROM runs WHERE unit = ?", subject)
    names = {row["uuid"]: row["name"] for row in tx.all("SELECT uuid, name FROM models")}
    found = [row["model"] for row in rows if model in ("", row["model"], names.get(row["model"]))]
    if not found:
        raise NothingToTrace(f"nothing is known of {subject}")
    if len(found) > 1:
        raise NothingToTrace(f"{subject} is in several models: name one with -m")
    if relation is not None:
        return runs.of_relation(tx, found[0], int(relation["number"]))
    return runs.of_unit(tx, found[0], subject)


def table(found: Sequence[Run]) -> str:
    """Runs as a table for people."""
    shown = Table()
    shown.row("Order", "Started", "Unit", "Ran", "About", "Took", "Ended", "Changed")
    for run in found:
        changed = record.changes_text(run)
        if len(changed) > _LONGEST:
            changed = f"{changed[: _LONGEST - 3]}..."
        took = "" if run.seconds is None else f"{run.seconds:.2f} s"
        started = clock.parse(run.started).strftime("%H:%M:%S.%f")[:-3]
        shown.row(
            run.id, started, run.unit, run.kind, run.detail, took, record.outcome(run), changed
        )
    return shown.text()
