"""A model on an OpenStack cloud gets its machines as Nova servers, with a tenant's credential."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from running_cloud import NAMES, OpenStack, Tenant

from sandbox.juju.provisioner import Provisioner
from sandbox.juju.state import clouds, log, machines, models, removal, statuses
from sandbox.juju.state.store import Store

BASE = "ubuntu@24.04/stable"
CONTROLLER = "c0ffee00-0000-4000-8000-000000000001"


@dataclasses.dataclass
class Model:
    """One model on the cloud, and its provisioner when it runs."""

    cloud: OpenStack
    tenant: Tenant
    store: Store
    uuid: str

    def add(self, **constraints: Any) -> str:
        with self.store.transaction() as tx:
            return machines.add_machine(tx, self.uuid, base=BASE, constraints=constraints).id

    def machine(self, machine: str) -> Any:
        with self.store.transaction() as tx:
            return machines.get(tx, self.uuid, machine)

    def remove(self, machine: str) -> None:
        with self.store.transaction() as tx:
            removal.destroy_machine(tx, self.uuid, machine, force=True)

    def instance(self, machine: str) -> tuple[str, str]:
        with self.store.transaction() as tx:
            status = statuses.get_status(tx, self.uuid, "instance", machine)
        return status.status, status.message

    def running(self, *ids: str) -> bool:
        return all(self.instance(machine)[0] == "running" for machine in ids)

    def exists(self, machine: str) -> bool:
        with self.store.transaction() as tx:
            return machine in {m.id for m in machines.all_machines(tx, self.uuid)}

    def messages(self) -> str:
        with self.store.transaction() as tx:
            return "\n".join(record.message for record in log.last(tx, self.uuid, 100))

    def servers(self) -> list[Any]:
        return self.cloud.servers(self.tenant.issued.project)

    def resources(self) -> set[str]:
        return self.cloud.resources(self.tenant.issued.project)

    @contextlib.asynccontextmanager
    async def provisioned(self) -> AsyncIterator[None]:
        provisioner = Provisioner(self.cloud.home, self.store, retry_delay=0.5, poll_interval=0.5)
        task = asyncio.create_task(provisioner.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition: Callable[[], Any], seconds: float = 150) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.messages()}"
            await asyncio.sleep(0.2)


@pytest.fixture
def model(cloud: OpenStack, tmp_path: pathlib.Path) -> Iterator[Model]:
    tenant = cloud.tenant("machines")
    store = Store(tmp_path / "juju.db")
    with store.transaction() as tx:
        tx.insert("controller", key="uuid", value=CONTROLLER)
        regions = [{"name": "RegionOne"}]
        doc = {"endpoint": cloud.account.auth_url, "regions": regions}
        clouds.add(tx, "tenants", "openstack", {**doc, "auth-types": ["userpass"]})
        clouds.set_credential(tx, "tenants", "admin", "k8s", "userpass", tenant.attributes)
        made = models.add_model(
            tx,
            "k8s",
            "admin",
            "tenants",
            credential="tenants/admin/k8s",
            config={"network": "shared"},
        )
    yield Model(cloud, tenant, store, made.uuid)
    store.close()
    connection: Any = cloud.admin
    for server in cloud.servers(tenant.issued.project):
        connection.compute.delete_server(server.id, force=True)
        connection.compute.wait_for_delete(server, wait=60)
    for group in connection.network.security_groups(project_id=tenant.issued.project):
        if group.name != "default":
            connection.network.delete_security_group(group.id)
    cloud.remove(NAMES.project("machines"))


async def test_machines_become_servers_with_flavour_image_tags_and_groups_and_go_again(
    model: Model,
) -> None:
    first, second = model.add(), model.add(cores=2)
    async with model.provisioned():
        await model.until(lambda: model.running(first, second))
        servers = {server.name: server for server in model.servers()}
        prefix = f"juju-{model.uuid[-6:]}-k8s"
        assert set(servers) == {f"{prefix}-0", f"{prefix}-1"}
        assert {s.status for s in servers.values()} == {"ACTIVE"}
        small, medium = servers[f"{prefix}-0"], servers[f"{prefix}-1"]
        assert (small.flavor.name, medium.flavor.name) == ("small", "medium")
        assert small.metadata["juju-model-uuid"] == model.uuid
        assert small.metadata["juju-controller-uuid"] == CONTROLLER
        assert small.metadata["juju-machine-id"] == "k8s-machine-0"
        named = {group["name"] for group in small.security_groups}
        assert named == {f"juju-{CONTROLLER}-{model.uuid}", f"juju-{CONTROLLER}-{model.uuid}-0"}
        machine = model.machine(first)
        assert machine.hardware["mem"] == 2048
        values = [address["value"] for address in machine.addresses]
        assert values[0].startswith(f"127.{model.cloud.home.block}.")
        assert values[1].startswith("10.20.0.")
        zones = {model.machine(m).hardware["availability-zone"] for m in (first, second)}
        assert zones == {"az1", "az2"}, "machines are spread over the zones"
        model.remove(first)
        model.remove(second)
        await model.until(lambda: not model.exists(first) and not model.exists(second))
    assert model.servers() == []
    with model.cloud.session() as admin:
        assert admin.left_in(model.tenant.issued.project) == []


async def test_a_controller_that_restarts_while_servers_are_made_makes_none_twice(
    model: Model,
) -> None:
    ids = [model.add() for _ in range(3)]
    for _ in range(4):
        async with model.provisioned():
            await asyncio.sleep(1.5)
    async with model.provisioned():
        await model.until(lambda: model.running(*ids))
    assert len(model.servers()) == 3
    recorded = {model.machine(machine).instance_id for machine in ids}
    assert recorded == {server.id for server in model.servers()}


async def test_a_server_that_no_host_can_take_is_told_with_novas_fault_and_retried(
    model: Model,
) -> None:
    machine = model.add(**{"instance-type": "huge"})
    async with model.provisioned():
        await model.until(lambda: "No valid host was found" in model.instance(machine)[1])
        await model.until(lambda: "(9 more attempts)" in model.messages())
        model.remove(machine)
        await model.until(lambda: not model.exists(machine))
    assert "with new availability zone" in model.messages()
    assert "failed to acquire node" not in model.messages(), "that is how MAAS says it"
    assert model.resources() == set()


async def test_a_nova_that_fails_is_told_and_asked_again(model: Model) -> None:
    async with model.provisioned():
        with model.cloud.nova_failing():
            machine = model.add()
            failed = "returned unexpected status: 500"
            await model.until(lambda: failed in model.instance(machine)[1])
        await model.until(lambda: model.running(machine))
    assert len(model.servers()) == 1


async def test_a_zone_without_hosts_is_passed_over_and_told_where_it_was_asked_for(
    model: Model,
) -> None:
    with model.cloud.zone_without_hosts("az2"):
        first, second = model.add(), model.add()
        asked = model.add(zones=["az2"])
        async with model.provisioned():
            await model.until(lambda: model.running(first, second))
            zones = {model.machine(m).hardware["availability-zone"] for m in (first, second)}
            assert zones == {"az1"}
            told = f"suitable availability zone for machine {asked} not found"
            await model.until(lambda: told in model.instance(asked)[1])
            for machine in (first, second, asked):
                model.remove(machine)
            await model.until(lambda: not any(map(model.exists, (first, second, asked))))
    assert model.resources() == set()


async def test_a_quota_that_is_used_up_is_told_in_novas_words(model: Model) -> None:
    model.cloud.quota(model.tenant.issued.project, cores=0)
    machine = model.add()
    async with model.provisioned():
        await model.until(lambda: "Quota exceeded for cores" in model.instance(machine)[1])
        model.remove(machine)
        await model.until(lambda: not model.exists(machine))
    model.cloud.quota(model.tenant.issued.project, cores=20)
    assert model.resources() == set()


async def test_what_no_flavour_can_satisfy_is_refused_in_words(model: Model) -> None:
    machine = model.add(mem=1024 * 1024)
    async with model.provisioned():
        expected = 'no instance types in RegionOne matching constraints "mem=1048576M"'
        await model.until(lambda: expected in model.instance(machine)[1])


async def test_a_credential_that_was_revoked_suspends_the_model(model: Model) -> None:
    with model.cloud.session() as admin:
        admin.revoke(admin.users(NAMES.domain)[model.tenant.wanted.user])
    model.add()
    async with model.provisioned():
        await model.until(lambda: "cloud denied access" in model.messages())
    with model.store.transaction() as tx:
        assert statuses.get_status(tx, model.uuid, "model", "").status == "suspended"
        credential = clouds.get_credential(tx, "tenants", "admin", "k8s")
    assert credential.invalid
    assert model.tenant.wanted.password not in model.messages()
