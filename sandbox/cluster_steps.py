"""The steps of `sandbox up` that ask k8s-on-openstack for a first Kubernetes cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from . import credential_steps
from .client import Juju, again
from .home import Home

APPLICATION = credential_steps.CLUSTER
WISHES = {
    "control-plane-count": 1,
    "worker-count": 2,
    "services-flavour": "m1.small",
    # The image that the sandbox's cloud offers.
    "base": "ubuntu@24.04",
}
"""A cluster that fits into the quota that Nova gives a new project, and has room for a worker."""

_INTERVAL = 1.0


class ClusterNotUp(Exception):
    """The cluster did not come up in time; the message is what its charm says."""


def ask(home: Home, juju: Juju, controller: str) -> None:
    """Configure the application, which makes a cluster of it.

    Raises:
        client.JujuFailed: Juju refused a command.
    """
    secret = credential_steps.cluster_login(home, juju, controller)
    settings = juju.json("config", APPLICATION)["settings"]
    if settings["juju-credentials"].get("value") == secret:
        # Asked for before: what the operator has changed since stays.
        return
    wishes = (f"{option}={value}" for option, value in WISHES.items())
    juju("config", APPLICATION, f"juju-credentials={secret}", *wishes)


def wait(juju: Juju, tell: Callable[[str], None], timeout: float) -> str:
    """What the charm says of the cluster once it serves.

    Args:
        juju: the command, for the model of the application.
        tell: is told how far it is.
        timeout: seconds to wait.

    Raises:
        ClusterNotUp: not in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        state, message = _told(again(juju.json, "status", APPLICATION))
        tell(message)
        if state == "active":
            return message
        if time.monotonic() > deadline:
            raise ClusterNotUp(f"{APPLICATION} is {state} after {timeout:.0f} s: {message}")
        time.sleep(_INTERVAL)


def _told(status: Mapping[str, Any]) -> tuple[str, str]:
    told = status["applications"][APPLICATION]["application-status"]
    return told.get("current", ""), told.get("message", "")
