"""Runs hooks of k8s-on-openstack, each in a process of its own that a test may kill any time.

The charm and what it imports are loaded once; each line of standard input asks for one hook, in a
fork. For each it prints the process's id, and at its end the code. The new state of the unit
replaces the old one when the hook has ended, as Juju keeps a hook's changes: all or none.
"""

from __future__ import annotations

import gc
import json
import os
import pathlib
import pickle
import signal
import sys
import traceback
from typing import Any

import juju_api  # noqa: F401 - it is what takes long to load
import openstack_api  # noqa: F401
import serving  # noqa: F401
import tending  # noqa: F401
from charm import K8sOnOpenStackCharm
from charms.openstack_coordinator.v0 import tick
from ops import testing


def _replace(file: pathlib.Path, content: bytes) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(content)
    part.replace(file)


def _run(asked: dict[str, Any]) -> None:
    file = pathlib.Path(asked["state"])
    context = testing.Context(K8sOnOpenStackCharm, app_name=asked["application"])
    event: Any = context.on.custom(tick.Ticker.on.tick)
    if asked["action"]:
        event = context.on.action(asked["action"], asked["parameters"])
    answer: dict[str, Any] = {}
    try:
        state = context.run(event, pickle.loads(file.read_bytes()))  # noqa: S301 - ours
        answer["results"] = dict(context.action_results or {})
    except testing.ActionFailed as error:
        state, answer["failed"] = error.state, error.message
    if asked["lost"]:
        os.kill(os.getpid(), signal.SIGKILL)
    _replace(pathlib.Path(asked["answer"]), json.dumps(answer).encode())
    _replace(file, pickle.dumps(state))


def main() -> None:
    """Run the hooks that are asked for, one at a time."""
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                _run(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)  # noqa: T201
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
