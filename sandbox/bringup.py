"""From nothing to a running Charmed OpenStack: the steps of `sandbox up`.

The servers are started and the charms packed side by side; then everything goes the way it
goes on real metal, by the same commands that an operator types.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from typing import Any

import yaml

from . import cluster_steps, credential_steps, openstack_steps, packing, progress, site, supervisor
from .authority import Authority
from .client import Juju, JujuFailed, again
from .home import Home
from .juju import release
from .juju.client.store import register
from .region import Region

MODEL = "openstack"
CONTROLLER = "sandbox"
CONTROL_NODES = ("node01", "node02", "node03")
"""The operator's own choice: the inventory, which chooses the rest, runs on them."""
CONTROL_TAG = "openstack-control"
_BUNDLES = packing.ROOT / "bundles"
FULL_STACK = _BUNDLES / "full-stack.yaml"
MAY_WAIT = frozenset({"k8s-on-openstack"})
"""It waits for its cloud, then for somebody who configures it and so asks for a cluster."""

SERVERS = "bare metal, MAAS and Juju"
PACK = "pack the charms"
CONTROL = "commission the control nodes"
CLOUD = "add the MAAS cloud to Juju"
DEPLOY = "deploy the bundle"
CREDENTIALS = "hand out the credentials"
SETTLE = "settle"
OPENSTACK = "OpenStack's own services"
TENANTS = "prepare the cloud for tenants"
CLUSTER = "make a Kubernetes cluster"
STEPS = [SERVERS, PACK, CONTROL, CLOUD, DEPLOY, CREDENTIALS, SETTLE]
WITH_OPENSTACK = [SERVERS, OPENSTACK, *STEPS[1:], TENANTS]
"""The steps when OpenStack's services run behind the stand-ins; they start beside the rest."""


class BringUpFailed(Exception):
    """A step could not be done; the message says which, why, and what to do."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What `sandbox up` was asked for."""

    home: Home
    overlays: tuple[str, ...] = ()
    """Names of files under bundles/overlays, without their ending, or paths of others; to the
    whole bundle the sandbox's own is added."""
    timeout: float = 1800.0
    """Seconds until a model that does not settle is given up."""
    openstack: bool = True
    """Whether OpenStack's own services run behind the stand-ins."""
    cluster: bool = True
    """Whether a Kubernetes cluster is made on them."""
    bundle: pathlib.Path = FULL_STACK
    may_wait: frozenset[str] = MAY_WAIT
    """Applications that need not be active."""

    @property
    def steps(self) -> list[str]:
        """Every step of this bring-up, in the order in which they are shown."""
        if not self.openstack:
            return STEPS
        return [*WITH_OPENSTACK, CLUSTER] if self.cluster else WITH_OPENSTACK


def bring_up(request: Request, shown: progress.Progress) -> None:
    """Do every step that is not done yet.

    Raises:
        BringUpFailed: the model did not settle in time.
        openstack_steps.OpenStackNotUp: OpenStack's services did not come up.
        cluster_steps.ClusterNotUp: the first cluster did not.
        packing.PackingError, client.JujuFailed, region.NodesNotReady: that step's own refusal.
    """
    abandoned = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        packed = pool.submit(_pack, shown)
        region = _start_servers(request, shown)
        services = pool.submit(_openstack_up, request, shown, abandoned)
        try:
            _commission_control(region, shown)
            packed.result()
            juju = Juju(request.home, f"{CONTROLLER}:{MODEL}")
            again(_add_cloud, request.home, juju, region, shown)
            again(_deploy, request, juju, shown)
            again(_hand_out_credentials, request.home, juju, region, shown)
            _settle(request, juju, services, shown)
            services.result()
        finally:
            abandoned.set()
    if request.openstack:
        with shown.step(TENANTS):
            shown.tell(TENANTS, again(openstack_steps.prepare, request.home, juju))
    if request.openstack and request.cluster:
        with shown.step(CLUSTER):
            again(cluster_steps.ask, request.home, juju, CONTROLLER)
            tell = functools.partial(shown.tell, CLUSTER)
            cluster_steps.wait(juju, tell, request.timeout)


def _openstack_up(request: Request, shown: progress.Progress, abandoned: threading.Event) -> None:
    if request.openstack:
        with shown.step(OPENSTACK):
            tell = functools.partial(shown.tell, OPENSTACK)
            openstack_steps.wait(request.home, tell, abandoned)


def _pack(shown: progress.Progress) -> None:
    with shown.step(PACK), concurrent.futures.ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(packing.pack, packing.CHARMS))
        shown.tell(PACK, f"{len(ran)} charms, {sum(ran)} of them changed")


def _start_servers(request: Request, shown: progress.Progress) -> Region:
    home = request.home
    with shown.step(SERVERS):
        start_supervisor(home, without=() if request.openstack else ("openstack",))
        deadline = time.monotonic() + _PATIENCE
        while (region := _region(home)) is None:
            if time.monotonic() > deadline:
                raise _silent(home)
            time.sleep(0.2)
        await_controller(home)
        return region


def await_controller(home: Home) -> None:
    """Wait until the controller answers, and let this sandbox's `juju` know it.

    Raises:
        BringUpFailed: it does not answer in time.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if (home.folder("juju") / "controller.json").exists():
            register(home)
            if _answers(Juju(home)):
                return
        time.sleep(0.2)
    raise _silent(home)


def _silent(home: Home) -> BringUpFailed:
    log = home.folder("log")
    return BringUpFailed(f"the sandbox's servers do not answer: see the files in {log}")


def _answers(juju: Juju) -> bool:
    try:
        juju("clouds", "--controller", CONTROLLER)
    except JujuFailed:
        return False
    return True


def _region(home: Home) -> Region | None:
    if not (home.folder("maas") / "admin-key").exists():
        return None
    region = Region(home, credential_steps.maas_key(home))
    return region if region.ready() else None


def start_supervisor(home: Home, without: Collection[str] = ()) -> None:
    """Start the sandbox's daemons, but those in `without`, unless they run."""
    if supervisor.running(home) is not None:
        return
    with (home.folder("log") / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sandbox.supervisor",
                *(supervisor.WITHOUT + name for name in without),
            ],
            env={
                **home.environment,
                **{name: value for name, value in os.environ.items() if name == release.VARIABLE},
                "PATH": _SYSTEM_PATH,
                "LANG": "C.UTF-8",
                "HOME": "/root",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


_PATIENCE = 60.0
"""Seconds for the servers to answer."""

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _commission_control(region: Region, shown: progress.Progress) -> None:
    with shown.step(CONTROL):
        shown.tell(CONTROL, ", ".join(CONTROL_NODES))
        system_ids = region.commission(CONTROL_NODES)
        region.tag(CONTROL_TAG, "carries the control plane", system_ids)


def _add_cloud(home: Home, juju: Juju, region: Region, shown: progress.Progress) -> None:
    with shown.step(CLOUD):
        if "maas" not in juju.json("clouds", "--controller", CONTROLLER):
            cloud = {
                "type": "maas",
                "auth-types": ["oauth1"],
                "endpoint": region.url,
                "ca-certificates": [Authority(home.folder("ca")).pem],
            }
            file = _private(home, "cloud.yaml", {"clouds": {"maas": cloud}})
            juju("add-cloud", "maas", str(file), "--controller", CONTROLLER)
        key = {"auth-type": "oauth1", "maas-oauth": credential_steps.maas_key(home)}
        file = _private(home, "credentials.yaml", {"credentials": {"maas": {"admin": key}}})
        juju("add-credential", "maas", "-f", str(file), "--controller", CONTROLLER)
        models = juju.json("models", "--controller", CONTROLLER)["models"]
        if MODEL not in {model["short-name"] for model in models}:
            juju("add-model", MODEL, "maas", "--controller", CONTROLLER, "--credential", "admin")
        shown.tell(CLOUD, f"{region.url}, model {MODEL}")


def _private(home: Home, name: str, document: dict[str, Any]) -> pathlib.Path:
    """A YAML file that only this user may read."""
    file = home.folder("run") / name
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


def _overlay(name: str) -> pathlib.Path:
    return pathlib.Path(name) if "/" in name else _BUNDLES / "overlays" / f"{name}.yaml"


def _deploy(request: Request, juju: Juju, shown: progress.Progress) -> None:
    own = ("sandbox",) if request.bundle == FULL_STACK else ()
    overlays = [_overlay(name) for name in (*request.overlays, *own)]
    with shown.step(DEPLOY):
        files = [request.bundle, *overlays]
        files.append(site.overlay(request.home, files))
        wanted = {
            name
            for file in files
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
            for name, application in (document.get("applications") or {}).items()
            if application
        }
        if wanted <= juju.json("status")["applications"].keys():
            shown.tell(DEPLOY, "deployed before")
            return
        shown.tell(DEPLOY, " + ".join(file.stem for file in files))
        flags = [flag for file in files[1:] for flag in ("--overlay", str(file))]
        juju("deploy", str(files[0]), *flags)


def _hand_out_credentials(
    home: Home, juju: Juju, region: Region, shown: progress.Progress
) -> None:
    with shown.step(CREDENTIALS):
        credential_steps.hand_out(home, juju, CONTROLLER, region)


def _settle(
    request: Request,
    juju: Juju,
    services: concurrent.futures.Future[None],
    shown: progress.Progress,
) -> None:
    with shown.step(SETTLE):
        deadline = time.monotonic() + request.timeout
        while True:
            settling = progress.read_status(again(juju.json, "status"), may_wait=request.may_wait)
            shown.tell(SETTLE, progress.describe(settling))
            if settling.settled:
                return
            if services.done():
                # Without them the model never settles: what they failed of is said at once.
                services.result()
            if time.monotonic() > deadline:
                waits = "; ".join(settling.waiting_for)
                raise BringUpFailed(f"not settled after {request.timeout:.0f} s: {waits}")
            time.sleep(1)
