"""One hook of the charm's leader, as a process of its own that a test may kill at any instant.

Usage: tend.py GROUND STATE, two JSON files. It takes one step, replaces the state when the step
has ended, as Juju does with a hook's changes, and prints what the operator is told.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
import sys
import time

import kubeconfig
import openstack_api
import record
import tending
from charms.openstack_coordinator.v0 import juju_login, juju_session, rolling
from cluster import Cluster
from ground import Access, Ground, Place


def _read(file: pathlib.Path) -> record.State:
    kept, journal = json.loads(file.read_text()) if file.exists() else ("", "")
    found = rolling.Journal.from_json(journal) if journal else None
    return record.State(record.from_json(kept), found)


def _write(file: pathlib.Path, state: record.State) -> None:
    journal = state.journal.to_json() if state.journal else ""
    new = file.with_suffix(".new")
    new.write_text(json.dumps([state.record.to_json(), journal]))
    new.replace(file)


def _step(ground: Ground, cluster: Cluster, state: record.State) -> tuple[record.State, str, str]:
    outcome = asyncio.run(tending.tend(ground, cluster, state, now=time.time(), holder="edge/0"))
    after, fetched = outcome.state, outcome.world.fetched
    if fetched is not None and fetched.kubeconfig and after.record.serves is None:
        endpoint, authority = kubeconfig.endpoint(fetched.kubeconfig)
        served = record.Served(after.record.model, "secret:kept", endpoint, authority)
        after = dataclasses.replace(after, record=dataclasses.replace(after.record, served=served))
    return after, outcome.told.severity, outcome.told.message


def main() -> None:
    """Take one step, and say in one line of JSON what is told."""
    given = json.loads(pathlib.Path(sys.argv[1]).read_text())
    file = pathlib.Path(sys.argv[2])
    login = {**given["login"], "endpoints": tuple(given["login"]["endpoints"])}
    ground = Ground(juju_login.Login(**login), Place(**given["place"]), Access(**given["access"]))
    wanted = {**given["cluster"], "zones": tuple(given["cluster"].get("zones", ()))}
    try:
        state, severity, message = _step(ground, Cluster(**wanted), _read(file))
    except openstack_api.CredentialRefused as error:
        severity, message = "refused", str(error)
    except (openstack_api.OpenStackError, juju_session.JujuApiError) as error:
        severity, message = "unreachable", str(error)
    else:
        _write(file, state)
    print(json.dumps([severity, message]))  # noqa: T201 - it is this program's answer


if __name__ == "__main__":
    main()
