"""The region's API, as requests-oauthlib sees it: reading, naming, and being refused."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable

import pytest
import requests

from .conftest import Client, Metal


def anonymous(metal: Metal, path: str) -> requests.Response:
    ca = str(metal.home.folder("ca") / "sandbox-ca.pem")
    return requests.get(metal.url + path, verify=ca, timeout=10)


def test_the_admins_key_is_for_its_owner_only_and_works(metal: Metal, client: Client):
    path = metal.home.folder("maas") / "admin-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    whoami = client.get("users/", op="whoami")
    assert (whoami.status_code, whoami.json()["username"]) == (200, "admin")
    assert whoami.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_wrong_secret_is_a_401_whose_body_holds_the_right_one(metal: Metal):
    """As in MAAS. That is why no client may log it."""
    consumer, token, secret = metal.key.split(":")
    answer = metal.client(f"{consumer}:{token}:wrong").get("users/", op="whoami")
    assert answer.status_code == 401
    assert secret in answer.text
    assert answer.text.startswith("Authorization Error: 'Invalid signature.")


def test_an_unknown_key_is_a_401(metal: Metal):
    answer = metal.client("a:b:c").get("machines/")
    assert (answer.status_code, answer.text) == (401, "Authorization Error: Invalid API key.")


def test_without_a_key_machines_is_400_zones_401_and_version_open(metal: Metal):
    machines = anonymous(metal, "machines/")
    assert machines.status_code == 400
    assert machines.text == "Unrecognised signature: method=GET op=None"
    assert anonymous(metal, "zones/").status_code == 401
    version = anonymous(metal, "version/").json()
    assert version["version"].startswith("3.7")
    assert "network-deployment-ubuntu" in version["capabilities"]


def test_the_same_request_does_not_come_twice(metal: Metal):
    consumer, token, secret = metal.key.split(":")
    header = (
        f'OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", '
        f'oauth_consumer_key="{consumer}", oauth_token="{token}", '
        f'oauth_signature="%26{secret}", oauth_nonce="once", '
        f'oauth_timestamp="{int(time.time())}"'
    )
    ca = str(metal.home.folder("ca") / "sandbox-ca.pem")
    codes = [
        requests.get(
            metal.url + "zones/", headers={"Authorization": header}, verify=ca, timeout=10
        ).status_code
        for _ in range(2)
    ]
    assert codes == [200, 401]


def test_every_node_is_enlisted_new_and_known_by_little(client: Client):
    machines = client.get("machines/").json()
    assert len(machines) == 24
    spare = client.named("node20")
    assert (spare["status_name"], spare["cpu_count"], spare["memory"]) == ("New", 0, 0)
    assert spare["blockdevice_set"] == []
    assert spare["boot_interface"]["links"][0]["subnet"]["space"] == "metal"
    assert spare["hardware_uuid"] is None
    assert spare["zone"]["name"] == "az2"


def test_machines_are_filtered_and_an_unknown_filter_is_a_400(client: Client):
    node = client.named("node20")
    [nic] = node["interface_set"]
    for query in (
        {"id": node["system_id"]},
        {"mac_address": nic["mac_address"]},
        {"hostname": "node20", "zone": "az2"},
    ):
        found = client.get("machines/", **query).json()
        assert [machine["hostname"] for machine in found] == ["node20"]
    assert (
        client.get("machines/", hostname=["node19", "node20"]).json()[1]["fqdn"] == "node20.maas"
    )
    assert client.get("machines/", hostname="node20", status="deployed").json() == []
    refused = client.get("machines/", limit=5)
    assert (refused.status_code, refused.json()) == (400, {"limit": ["No such constraint."]})


def test_what_is_not_there_is_a_404_in_plain_text(client: Client):
    for path, text in (
        ("machines/zzzzzz/", "No Machine matches the given query."),
        ("tags/gone/", "No Tag matches the given query."),
        ("zones/gone/", "No Zone matches the given query."),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, text)
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert client.get("nothing/").headers["Content-Type"].startswith("text/html")


def test_power_parameters_are_those_of_each_machines_bmc(metal: Metal, client: Client):
    redfish, ipmi = client.named("node02"), client.named("node03")
    known = client.get("machines/", op="power_parameters").json()
    assert known[redfish["system_id"]]["power_address"] == metal.home.bmc_address(2)
    assert set(known[redfish["system_id"]]) == {
        *("power_address", "power_user", "power_pass", "node_id"),
    }
    assert (ipmi["power_type"], known[ipmi["system_id"]]["power_driver"]) == ("ipmi", "LAN_2_0")
    one = client.get(f"machines/{ipmi['system_id']}/", op="power_parameters").json()
    assert one == known[ipmi["system_id"]]


def test_tags_are_made_put_on_machines_and_taken_off(client: Client):
    assert client.post("tags/", name="shiny", comment="new").json()["name"] == "shiny"
    again = client.post("tags/", name="shiny")
    assert (again.status_code, again.json()) == (
        400,
        {"name": ["Tag with this Name already exists."]},
    )
    ids = [client.named(name)["system_id"] for name in ("node22", "node23")]
    changed = client.post("tags/shiny/", "update_nodes", add=[*ids, "unknown"])
    assert changed.json() == {"added": 2, "removed": 0}
    assert {m["system_id"] for m in client.get("tags/shiny/", op="machines").json()} == set(ids)
    assert client.named("node22")["tag_names"] == ["shiny"]
    assert client.get("machines/", tags="shiny").json()[0]["hostname"] == "node22"
    client.post("tags/shiny/", "update_nodes", remove=ids[0])
    assert client.named("node22")["tag_names"] == []
    assert client.delete("tags/shiny/").status_code == 204
    assert client.named("node23")["tag_names"] == []


def test_zones_pools_spaces_and_images_are_those_of_the_hardware_file(
    metal: Metal, client: Client
):
    assert {zone["name"] for zone in client.get("zones/").json()} == {
        *("default", "az1", "az2", "az3"),
    }
    spaces = {space["name"]: space for space in client.get("spaces/").json()}
    assert set(spaces) == {"metal", "external"}
    assert spaces["metal"]["subnets"][0]["cidr"] == str(metal.home.network)
    images = client.get("boot-resources/").json()
    assert {image["name"] for image in images} == {"ubuntu/jammy", "ubuntu/noble"}
    made = client.post("resourcepools/", name="gold").json()
    system_id = client.named("node23")["system_id"]
    moved = client.put(f"machines/{system_id}/", pool="gold", zone="az1").json()
    assert (moved["pool"]["name"], moved["zone"]["name"]) == ("gold", "az1")
    assert client.put(f"machines/{system_id}/", zone="az9").status_code == 400
    client.put(f"machines/{system_id}/", pool="default", zone="az2")
    assert client.delete(f"resourcepool/{made['id']}/").status_code == 204


def test_a_machine_is_enlisted_by_hand_and_forgotten(client: Client):
    refused = client.post("machines/", architecture="amd64")
    assert refused.json()["mac_addresses"] == ["This field is required."]
    made = client.post(
        "machines/",
        architecture="amd64",
        mac_addresses="00:16:3e:12:34:56",
        hostname="spare",
        power_type="manual",
        commission="false",
    ).json()
    assert (made["status_name"], made["power_type"]) == ("New", "manual")
    assert client.delete(f"machines/{made['system_id']}/").status_code == 204
    assert client.get(f"machines/{made['system_id']}/").status_code == 404


def test_events_are_followed_by_cursor(client: Client, ready: str):
    query = {"op": "query", "id": ready}
    first = client.get("events/", limit=2, **query).json()
    assert first["count"] == 2
    older = client.get("events/", limit=2, before=first["events"][-1]["id"], **query).json()
    assert older["events"][0]["id"] < first["events"][-1]["id"]
    nothing = client.get("events/", after=first["events"][0]["id"], **query).json()
    assert nothing["events"] == []
    client.on(ready, "mark_broken")
    client.post("machines/", "allocate", system_id=ready)
    news = client.get("events/", level="DEBUG", after=first["events"][0]["id"], **query).json()
    assert "User acquiring node" in [event["type"] for event in news["events"]]
    assert f"after={news['events'][0]['id']}" in news["next_uri"]
    whole = client.get("events/", level="DEBUG", after=0, limit=1000, **query).json()
    types = [event["type"] for event in reversed(whole["events"])]
    assert types[:3] == ["New", "User starting node commissioning", "Commissioning"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"limit": 5000}, "Requested number of events 5000 is greater than limit: 1000"),
        ({"level": "LOUD"}, "Unrecognised log level: LOUD"),
        ({"after": 1, "before": 2}, "There is undetermined behaviour when both"),
        ({"after": "x"}, "Invalid after: Please enter an integer value"),
    ],
)
def test_a_query_of_events_that_makes_no_sense_is_a_400(
    client: Client, query: dict[str, object], text: str
):
    answer = client.get("events/", op="query", **query)
    assert answer.status_code == 400
    assert text in answer.text


def test_an_unknown_operation_is_a_400(client: Client, new: Callable[[], str]):
    answer = client.on("whatever", "explode")
    assert answer.status_code == 400
    assert answer.text == "Unrecognised signature: method=POST op=explode"
