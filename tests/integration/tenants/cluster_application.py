"""An application of k8s-on-openstack as its operator handles it: its charm, Juju, OpenStack."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import pickle
import time
from typing import Any

import pydantic
import pytest
from charms.openstack_coordinator.v0 import openstack_cloud
from ops import testing
from running_cloud import OpenStack, Tenant
from running_juju import Controller, Hooks

LOGIN = "secret:d4n5q3f6qsvs7b2k1vtg"
SMALL: dict[str, Any] = {
    "base": "ubuntu@24.04",
    "control-plane-count": 1,
    "control-plane-flavour": "medium",
    "juju-credentials": LOGIN,
    "services-flavour": "small",
    "worker-count": 2,
    "worker-flavour": "medium",
}
MACHINES = 7
"""Of SMALL: a control plane, etcd, two workers, and three for the services."""


class Application:
    """One application with one unit, in a model of its own."""

    def __init__(
        self,
        cloud: OpenStack,
        controller: Controller,
        hooks: Hooks,
        name: str,
        folder: pathlib.Path,
        **options: Any,
    ) -> None:
        self.cloud = cloud
        self.controller = controller
        self.name = name
        self.model = f"k8s-{name}"
        """Of the cluster."""
        self._hooks = hooks
        self._folder = folder
        self._generation = 0
        renamed = {option.replace("_", "-"): value for option, value in options.items()}
        self._keep(
            testing.State(
                leader=True,
                model=testing.Model("tenants", type="lxd"),
                config={**SMALL, **renamed},
                relations={testing.PeerRelation("cluster")},
                secrets={testing.Secret(controller.login(), id=LOGIN)},
            )
        )
        self.tenant = self.relate()

    # -- what the operator does -------------------------------------------------------------

    def configure(self, **options: Any) -> None:
        renamed = {option.replace("_", "-"): value for option, value in options.items()}
        self._change(config={**self.state.config, **renamed})

    def run(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The results of an action."""
        self._hook(action=action, parameters=parameters)
        answer = json.loads((self._folder / "answer.json").read_text())
        assert "failed" not in answer, answer["failed"]
        return answer["results"]

    def relate(self) -> Tenant:
        """With the coordinator, which makes new credentials of the same project."""
        self.unrelate()
        self._generation += 1
        self.tenant = self.cloud.tenant(self.name, generation=self._generation)
        secret = f"secret:d4n5q3f6qsvs7b2k{self._generation:04d}"
        document = openstack_cloud.OpenStackCloud(
            ready=True,
            release="2024.1",
            region=self.cloud.account.region,
            auth_url=self.cloud.account.auth_url,
            credentials=secret,
            generation=self._generation,
        )
        related = testing.Relation(
            "openstack-cloud",
            id=1000 + self._generation,
            interface="openstack_cloud",
            remote_app_name="openstack-coordinator",
            remote_app_data=openstack_cloud.to_databag(document),
        )
        self._change(
            relations={*self.state.relations, related},
            secrets={*self.state.secrets, testing.Secret(self._credentials(), id=secret)},
        )
        return self.tenant

    def unrelate(self) -> None:
        """From the coordinator, as far as this side sees it."""
        state = self.state
        self._change(
            relations={one for one in state.relations if one.endpoint != "openstack-cloud"}
        )

    def _credentials(self) -> dict[str, str]:
        wanted, issued = self.tenant.wanted, self.tenant.issued
        return openstack_cloud.TenantCredentials(
            generation=self._generation,
            project_id=issued.project,
            project_name=wanted.project,
            project_domain_name=wanted.domain,
            username=wanted.user,
            password=pydantic.SecretStr(wanted.password),
            user_domain_name=wanted.domain,
            application_credential_id=issued.application_credential,
            application_credential_secret=pydantic.SecretStr(issued.application_credential_secret),
            expires_at=wanted.expires,
        ).to_content()

    # -- what the charm does ----------------------------------------------------------------

    def tick(self, *, lost: bool = False, kill_after: float | None = None) -> str:
        """One hook; the status after it."""
        self._hook(lost=lost, kill_after=kill_after)
        return self.status

    def until(self, status: str, *, lost: bool = False, seconds: float = 240) -> str:
        """Hooks until the status begins with or holds these words; returns it.

        Where they are to be `lost`, each hook is killed once when all is done, before anything of
        it is kept, and then repeated.
        """
        deadline = time.monotonic() + seconds
        told = [""]
        while time.monotonic() < deadline:
            if lost:
                self.tick(lost=True)
            found = self.tick()
            if told[-1] != found:
                told.append(found)
            if status in found:
                return found
            time.sleep(0.5)
        pytest.fail("\n".join((f"never {status}:", *told)))

    def _hook(
        self,
        *,
        action: str = "",
        parameters: dict[str, Any] | None = None,
        lost: bool = False,
        kill_after: float | None = None,
    ) -> None:
        asked = {
            "application": self.name,
            "action": action,
            "parameters": parameters or {},
            "state": str(self._file),
            "answer": str(self._folder / "answer.json"),
        }
        self._hooks.run(asked, lost=lost, kill_after=kill_after)

    # -- what there is ----------------------------------------------------------------------

    @property
    def status(self) -> str:
        """As `juju status` shows it."""
        status = self.state.unit_status
        return f"{status.name} {status.message}"

    @property
    def state(self) -> testing.State:
        return pickle.loads(self._file.read_bytes())  # noqa: S301 - ours

    @property
    def owner(self) -> str:
        """By which its cluster's things are tagged."""
        return f"{self.name}.{self.state.model.uuid[:8]}"

    def resources(self) -> set[str]:
        """Everything in its project, by kind and id."""
        return self.cloud.resources(self.tenant.issued.project)

    def servers(self) -> list[Any]:
        return self.cloud.servers(self.tenant.issued.project)

    def shown(self) -> dict[str, Any]:
        """What show-cluster answers."""
        return json.loads(self.run("show-cluster", format="json")["cluster"])

    @property
    def _file(self) -> pathlib.Path:
        return self._folder / "state.pickle"

    def _change(self, **changes: Any) -> None:
        self._keep(dataclasses.replace(self.state, **changes))

    def _keep(self, state: testing.State) -> None:
        self._file.write_bytes(pickle.dumps(state))
