"""OpenStack's real services behind the charms of the model; the tests build on each other."""

from __future__ import annotations

import os
import pathlib
import signal
import time
from typing import Any

import openstack.exceptions

from sandbox import openstack_steps
from tests.integration.openstack.asking import Asking
from tests.integration.openstack.conftest import Cloud


def _boot(cloud: Cloud, name: str, network: str, zone: str) -> Any:
    client = cloud.connect()
    image, flavor = client.image.find_image("noble-amd64"), client.compute.find_flavor("m1.small")
    server = client.compute.create_server(
        name=name,
        image_id=image.id,
        flavor_id=flavor.id,
        networks=[{"uuid": network}],
        availability_zone=zone,
    )
    return client.compute.wait_for_server(server, wait=90)


KEYSTONES = ("keystone/0", "keystone/1", "keystone/2")


def _virtual(cloud: Cloud) -> str:
    return f"http://{cloud.home.virtual_address(1)}:5000/v3"


def _keystone_answers(cloud: Cloud, url: str = "") -> bool:
    try:
        cloud.connect(auth_url=url or _virtual(cloud)).authorize()
    except openstack.exceptions.SDKException:
        return False
    return True


def test_the_catalogue_leads_clients_through_the_units(cloud: Cloud):
    client = cloud.connect()
    services = (
        ("glance/0", client.image, 9292),
        ("placement/0", client.placement, 8778),
        ("neutron-api/0", client.network, 9696),
        ("nova-cloud-controller/0", client.compute, 8774),
    )

    for unit, service, port in services:
        assert service.get_endpoint().startswith(f"http://{cloud.address(unit)}:{port}")


def test_keystone_hands_out_credentials_that_work(cloud: Cloud, tenant_charm: pathlib.Path):
    """Over identity-admin, under the keys that the real charm uses."""
    cloud.juju("deploy", str(tenant_charm), "tenant")
    cloud.juju("integrate", "keystone:identity-admin", "tenant")

    def told() -> dict[str, str] | None:
        related = cloud.juju.json("show-unit", "tenant/0")["tenant/0"]["relation-info"]
        data = related[0]["related-units"]["keystone/0"]["data"]
        return data if "service_password" in data else None

    data = cloud.wait("credentials", told)
    address = f"{data['service_protocol']}://{data['service_hostname']}:{data['service_port']}"
    client = cloud.connect(
        auth_url=f"{address}/v{data['api_version']}",
        username=data["service_username"],
        password=data["service_password"],
        project_name=data["service_project_name"],
        user_domain_name=data["service_user_domain_name"],
        project_domain_name=data["service_project_domain_name"],
    )
    assert client.identity.find_region(data["service_region"])
    assert "admin" in {role.name for role in client.identity.roles()}


def test_a_server_boots_on_a_hypervisor_that_add_unit_brought(cloud: Cloud, network: str):
    cloud.juju("add-unit", "nova-compute")
    cloud.wait_active("nova-compute")
    host = cloud.host("nova-compute/1")
    cloud.wait(f"{host} up", lambda: cloud.computes()[host] == "up")
    cloud.wait("mapped", lambda: cloud.connect().compute.find_hypervisor(host))

    server = _boot(cloud, "guest", network, f"nova:{host}")

    assert server.status == "ACTIVE"
    assert server.hypervisor_hostname == host
    ports = list(cloud.connect().network.ports(device_id=server.id))
    cloud.wait(
        "port ACTIVE", lambda: cloud.connect().network.get_port(ports[0]).status == "ACTIVE"
    )
    assert cloud.run("nova-compute/1", "instance-count")["results"]["instance-count"] == "1"


def test_disable_keeps_the_scheduler_away_until_enable(cloud: Cloud):
    host, client = cloud.host("nova-compute/1"), cloud.connect()

    def status() -> str:
        (service,) = client.compute.services(binary="nova-compute", host=host)
        return service.status

    cloud.run("nova-compute/1", "disable")
    assert status() == "disabled"
    cloud.run("nova-compute/1", "enable")
    assert status() == "enabled"


def test_a_unit_that_holds_servers_is_not_removed_from_the_cloud(cloud: Cloud):
    task = cloud.run("nova-compute/1", "remove-from-cloud")

    assert task["status"] == "failed"
    assert "still running VMs" in task["message"]
    assert cloud.computes()[cloud.host("nova-compute/1")] == "up"


def test_a_hypervisor_that_hangs_is_down_and_one_whose_unit_is_paused_too(cloud: Cloud):
    hung, paused = cloud.host("nova-compute/0"), cloud.host("nova-compute/1")
    (pid,) = cloud.pids(f"nova-compute-{hung}")
    os.kill(pid, signal.SIGSTOP)
    cloud.run("nova-compute/1", "pause")
    assert not cloud.pids(f"nova-compute-{paused}")

    cloud.wait("both down", lambda: set(cloud.computes().values()) == {"down"})

    os.kill(pid, signal.SIGCONT)
    cloud.run("nova-compute/1", "resume")
    cloud.wait("both up", lambda: set(cloud.computes().values()) == {"up"})


def test_a_client_of_the_virtual_address_sees_no_unit_leave(cloud: Cloud):
    """Each unit in turn, its hacluster before it and after it, under 20 requests a second."""
    known = cloud.connect().session.get_endpoint(service_type="identity", interface="public")
    assert known == _virtual(cloud)
    with Asking(_virtual(cloud)) as asking:
        for unit in KEYSTONES:
            guard = cloud.guard(unit)
            for name, action in (
                (guard, "pause"),
                (unit, "pause"),
                (unit, "resume"),
                (guard, "resume"),
            ):
                assert cloud.run(name, action)["status"] == "completed"

    assert asking.failures == []
    assert asking.answers > 20


def test_pausing_every_unit_of_keystone_takes_its_api_away(cloud: Cloud):
    assert _keystone_answers(cloud)

    with Asking(_virtual(cloud)) as asking:
        for unit in KEYSTONES:
            cloud.run(unit, "pause")

    assert asking.failures
    assert not _keystone_answers(cloud)
    for unit in KEYSTONES:
        assert not _keystone_answers(cloud, f"http://{cloud.address(unit)}:5000/v3")
    for unit in KEYSTONES:
        cloud.run(unit, "resume")
    cloud.wait("keystone", lambda: _keystone_answers(cloud))


def test_a_killed_openstack_comes_back_with_what_it_had(cloud: Cloud):
    """Its daemon is killed as by a power cut; the second start takes under a minute."""
    before = {server.id for server in cloud.connect().compute.servers()}
    began = time.monotonic()

    cloud.sandbox("kill", "openstack")
    (cloud.home.folder("openstack") / "state").write_text("killed", encoding="ascii")
    cloud.wait("up", lambda: openstack_steps.state(cloud.home) == "up", timeout=120)

    took = time.monotonic() - began
    assert took < 60
    cloud.wait("computes up", lambda: set(cloud.computes().values()) == {"up"})
    servers = {server.id: server.status for server in cloud.connect().compute.servers()}
    assert servers == dict.fromkeys(before, "ACTIVE")
    assert len(cloud.pids("mariadb")) == 1


def test_remove_from_cloud_takes_the_hypervisor_out_of_nova_and_placement(cloud: Cloud):
    client, host = cloud.connect(), cloud.host("nova-compute/1")
    for server in client.compute.servers():
        client.compute.delete_server(server)
        client.compute.wait_for_delete(server)

    cloud.run("nova-compute/1", "remove-from-cloud")

    assert host not in cloud.computes()
    providers = {provider.name for provider in client.placement.resource_providers()}
    assert host not in providers
    cloud.run("nova-compute/1", "register-to-cloud")
    cloud.wait(f"{host} up again", lambda: cloud.computes()[host] == "up")


def test_a_removed_unit_leaves_its_service_down_as_the_real_charm_does(cloud: Cloud):
    host = cloud.host("nova-compute/1")

    cloud.juju("remove-unit", "nova-compute/1", "--no-prompt")

    cloud.wait(f"{host} down", lambda: cloud.computes()[host] == "down")
    assert not cloud.pids(f"nova-compute-{host}")
    cloud.wait("its switch gone", lambda: not cloud.pids(f"ovs-{host}"))
