"""The `sandbox` command: bring the sandbox up, stop it, and break it on purpose."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import rich.console

from . import (
    bringup,
    cluster_steps,
    credential_steps,
    openstack_steps,
    packing,
    processes,
    progress,
    supervisor,
    trace,
)
from .client import Juju, JujuFailed
from .faults import command as faults
from .home import Home
from .juju import release
from .region import MaasRefused, NodesNotReady, Region

_REFUSALS = (
    bringup.BringUpFailed,
    openstack_steps.OpenStackNotUp,
    cluster_steps.ClusterNotUp,
    packing.PackingError,
    JujuFailed,
    MaasRefused,
    NodesNotReady,
)


def main() -> int:
    """Run one sub-command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring up bare metal, MAAS, Juju, OpenStack, Kubernetes")
    up.add_argument("--ha", action="store_true", help="three units of each API, with hacluster")
    up.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="NAME",
        help="bundles/overlays/NAME.yaml, or the path of another",
    )
    up.add_argument(
        "--without-cluster",
        action="store_false",
        dest="cluster",
        help="make no Kubernetes cluster",
    )
    up.add_argument(
        "--timeout", type=float, default=1800, metavar="SECONDS", help="for the model to settle"
    )
    up.set_defaults(run=_up)
    start = commands.add_parser("start", help="start the servers and deploy nothing")
    for parser_of_servers in (up, start):
        parser_of_servers.add_argument(
            "--without-openstack",
            action="store_false",
            dest="openstack",
            help="the stand-ins answer for OpenStack's services, and there is no cluster",
        )
        parser_of_servers.add_argument(
            "--juju", choices=release.RELEASES, help="the release that the controller answers as"
        )
    start.add_argument(
        "--controller",
        action="store_true",
        help="the Juju controller alone, whose cloud `localhost` makes instant machines",
    )
    start.set_defaults(run=_start)
    down = commands.add_parser("down", help="stop everything and remove the sandbox's files")
    down.add_argument("--keep", action="store_true", help="stop, and keep the files")
    down.set_defaults(run=_down)
    kill = commands.add_parser("kill", help="kill a server; the supervisor starts it again")
    kill.add_argument("daemon", choices=list(supervisor.DAEMONS))
    kill.set_defaults(run=_kill)
    faults.register(commands)
    trace.register(commands)
    arguments = parser.parse_args()
    return arguments.run(arguments)


def _up(arguments: argparse.Namespace) -> int:
    console = rich.console.Console()
    if os.geteuid() != 0:
        console.print("The sandbox listens on ports 443 and 623: run it as root, or with sudo.")
        return 1
    home = Home.from_environment()
    _choose_release(arguments)
    overlays = (*(["ha"] if arguments.ha else []), *arguments.overlay)
    request = bringup.Request(
        home,
        overlays,
        arguments.timeout,
        openstack=arguments.openstack,
        cluster=arguments.cluster,
    )
    shown = progress.Progress(request.steps, console)
    try:
        with shown.shown():
            bringup.bring_up(request, shown)
    except _REFUSALS as error:
        console.print(f"ERROR {error}", style="red", highlight=False, markup=False)
        return 1
    _report(home, console, shown.elapsed)
    return 0


def _report(home: Home, console: rich.console.Console, elapsed: float) -> None:
    """The model's status, a line for each layer, and what to try next."""
    juju = Juju(home, f"{bringup.CONTROLLER}:{bringup.MODEL}")
    console.print(juju("status"), highlight=False, markup=False, soft_wrap=True)
    region = Region(home, credential_steps.maas_key(home))
    states: dict[str, int] = {}
    for machine in region.machines():
        states[machine["status_name"]] = states.get(machine["status_name"], 0) + 1
    status = juju.json("status")
    counted = progress.read_status(status, may_wait=bringup.MAY_WAIT)
    nodes = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    key = home.folder("maas") / "admin-key"
    clouds = home.folder("openstack") / "clouds.yaml"
    client = f"OS_CLIENT_CONFIG_FILE={clouds} .cache/openstack/bin/openstack --os-cloud sandbox"
    lines = (
        f"metal       {sum(states.values())} nodes with BMCs: {nodes}",
        f"MAAS        {region.url}, the key is in {key}",
        f"Juju        controller {home.controller_address}:17070, {counted.applications} "
        f"applications, {counted.units[1]} units on {counted.machines[1]} machines",
        f"OpenStack   {_said(status, credential_steps.COORDINATOR)}",
        f"Kubernetes  {_said(status, credential_steps.CLUSTER)}",
        "",
        f"Settled after {elapsed:.0f} s. Try next:",
        "",
        *([f"  {client} server list --all-projects"] if clouds.exists() else []),
        *(f"  {line}" for line in _NEXT),
    )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _said(status: Mapping[str, Any], application: str) -> str:
    told = status["applications"][application]["application-status"]
    return told.get("message") or told.get("current", "")


_NEXT = (
    ". .venv/bin/activate                   # `juju` is the sandbox's in this shell only",
    "juju status --relations",
    "juju status -m k8s-k8s-on-openstack    # the cluster, on servers of OpenStack",
    "juju run openstack-coordinator/leader show-cloud",
    "juju run baremetal-inventory/leader show-pool",
    "juju add-unit nova-compute -n 2",
    "juju debug-log --replay --no-tail --include nova-compute/0",
    "sandbox trace keystone/0               # what ran for it, and what that changed",
    "sandbox kill juju                      # nothing is lost",
    "make down",
)


def _start(arguments: argparse.Namespace) -> int:
    home = Home.from_environment()
    _choose_release(arguments)
    without = {"bmc", "maas", "openstack"} if arguments.controller else {"openstack"}
    bringup.start_supervisor(home, without - ({"openstack"} if arguments.openstack else set()))
    try:
        bringup.await_controller(home)
    except bringup.BringUpFailed as error:
        print(f"ERROR {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _choose_release(arguments: argparse.Namespace) -> None:
    """The daemons take the release from the environment; without one the controller keeps its."""
    if arguments.juju:
        os.environ[release.VARIABLE] = arguments.juju


def _down(arguments: argparse.Namespace) -> int:
    home = Home.from_environment()
    if not home.path.exists():
        return 0
    pid = supervisor.running(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        while supervisor.running(home) is not None:
            time.sleep(0.05)
    processes.end(processes.of_sandbox(home.path))
    if not arguments.keep:
        shutil.rmtree(home.path)
    return 0


def _kill(arguments: argparse.Namespace) -> int:
    home = Home.from_environment()
    pids = processes.matching(**supervisor.daemon_environment(home, arguments.daemon))
    processes.kill(pids)
    if not pids:
        print(f"{arguments.daemon} does not run", file=sys.stderr)  # noqa: T201
        return 1
    return 0
