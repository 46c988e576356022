"""A controller, a cloud and the tenants on it, as the tests here use them."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import openstack
import pytest

from sandbox.home import Home

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
STEP = [sys.executable, str(HERE / "tend.py")]
CHARM = [str(ROOT / "charms" / "k8s-on-openstack" / "src"), str(ROOT / "lib")]
PASSWORD = "open sesame, and leave it open"
ROOM = {"cores": 40, "ram": 102400, "instances": 20}


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)
    return found


@dataclasses.dataclass
class Sandbox:
    """A controller and a cloud, and the administrator of both."""

    home: Home
    admin: Any
    auth: dict[str, Any]
    login: dict[str, Any]
    numbers: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    def juju(self, *words: str) -> str:
        """What the `juju` command says."""
        command = [str(pathlib.Path(sys.executable).with_name("juju")), *words]
        data = str(self.home.folder("client"))
        environment = {**os.environ, **self.home.environment, "JUJU_DATA": data}
        ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def models(self) -> set[str]:
        listed = json.loads(self.juju("models", "--format", "json"))
        return {model["short-name"] for model in listed["models"]}


class Tenant:
    """A project, and one cluster on it, as its application's leader tends it."""

    def __init__(self, sandbox: Sandbox, name: str, **cluster: Any) -> None:
        self.sandbox = sandbox
        self.name = name
        identity = sandbox.admin.identity
        self.project = identity.create_project(name=name, domain_id="default")
        self.user = identity.create_user(name=name, password=PASSWORD, domain_id="default")
        role = identity.find_role("member") or identity.create_role(name="member")
        identity.assign_project_role_to_user(self.project, self.user, role)
        self.cloud: Any = openstack.connect(
            auth={
                "auth_url": sandbox.auth["auth_url"],
                "username": name,
                "password": PASSWORD,
                "project_name": name,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            region_name="RegionOne",
            load_envvars=False,
            load_yaml_config=False,
        )
        self.credential = self.cloud.identity.create_application_credential(
            self.user.id, name=name
        )
        self.quota(**ROOM)
        self.cluster = {
            "name": name,
            "owner": f"{name}.{next(sandbox.numbers):08x}",
            "channel": "1.32/stable",
            "cni": "calico",
            "control_planes": 1,
            "workers": 2,
            "control_plane_flavour": "m1.medium",
            "worker_flavour": "m1.large",
            "services_flavour": "m1.small",
            "base": "ubuntu@24.04",
            **cluster,
        }
        folder = sandbox.home.folder("tenants") / self.cluster["owner"]
        folder.mkdir()
        self.files = folder / "ground.json", folder / "state.json"

    def quota(self, **limits: int) -> None:
        self.sandbox.admin.compute.update_quota_set(self.project.id, **limits)

    def change(self, **record: Any) -> None:
        """What an action of the charm changes in the record."""
        kept, journal = json.loads(self.files[1].read_text())
        document = {**json.loads(kept), **record}
        self.files[1].write_text(json.dumps([json.dumps(document), journal]))

    def step(self, kill_after: float | None = None) -> tuple[str, str]:
        """One hook; killed after some seconds where a test says so."""
        self._write_ground()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(CHARM)}
        command = [*STEP, *map(str, self.files)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            said, _ = process.communicate(timeout=kill_after or 120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return "killed", ""
        assert process.returncode == 0, said
        severity, message = json.loads(said)
        return severity, message

    def until(self, severity: str, words: str = "", seconds: float = 400) -> str:
        """Hooks until the operator is told this; returns the whole message."""
        deadline = time.monotonic() + seconds
        told = []
        while time.monotonic() < deadline:
            told.append(self.step())
            if told[-1][0] == severity and words in told[-1][1]:
                return told[-1][1]
            time.sleep(1)
        pytest.fail("\n".join(f"{found}: {message}" for found, message in told))

    def resources(self) -> set[str]:
        """Everything in the project, by kind and id."""
        neutron, project = self.cloud.network, self.project.id
        listed = {
            "server": self.cloud.compute.servers(),
            "volume": self.cloud.block_storage.volumes(),
            "network": neutron.networks(project_id=project),
            "subnet": neutron.subnets(project_id=project),
            "router": neutron.routers(project_id=project),
            "port": neutron.ports(project_id=project),
            "floating IP": neutron.ips(project_id=project),
            "group": neutron.security_groups(project_id=project),
        }
        return {
            f"{kind} {one.id}"
            for kind, found in listed.items()
            for one in found
            if getattr(one, "name", "") != "default"
        }

    def _write_ground(self) -> None:
        sandbox, place = self.sandbox, f"k8s-{self.name}"
        auth_url = sandbox.auth["auth_url"]
        ground = {
            "cluster": self.cluster,
            "login": sandbox.login,
            "place": {
                "name": place,
                "owner": self.cluster["owner"],
                "region": "RegionOne",
                "auth_url": auth_url,
                "ca_certificate": "",
                "credential": {
                    "username": self.name,
                    "password": PASSWORD,
                    "tenant-name": self.name,
                    "tenant-id": self.project.id,
                    "user-domain-name": "Default",
                    "project-domain-name": "Default",
                    "version": "3",
                },
            },
            "access": {
                "auth_url": auth_url,
                "region": "RegionOne",
                "ca_certificate": "",
                "credential_id": self.credential.id,
                "credential_secret": self.credential.secret,
            },
        }
        self.files[0].write_text(json.dumps(ground))
