"""`juju status` from a FullStatus: the document that clients parse, and the tables."""

from __future__ import annotations

import json

from jubilant.statustypes import Status

from sandbox.juju.cli.output import json_text
from sandbox.juju.cli.status_document import View, relation_rows, status_document
from sandbox.juju.cli.status_summary import oneline_text, summary_text
from sandbox.juju.cli.status_tables import agent_doing, status_tables, truncated

SINCE = "2026-11-22T11:55:09Z"


def detail(status: str, info: str = "", **more):
    return {"status": status, "info": info, "data": {}, "since": SINCE, "life": "", **more}


FULL_STATUS = {
    "model": {
        "name": "cloud",
        "type": "iaas",
        "cloud-tag": "cloud-maas",
        "region": "default",
        "version": "3.6.28",
        "available-version": "",
        "model-status": detail("available"),
        "sla": "unsupported",
    },
    "controller-timestamp": "2026-11-22T11:56:00Z",
    "machines": {
        "0": {
            "id": "0",
            "agent-status": detail("started", version="3.6.28"),
            "instance-status": detail("running", "Deployed"),
            "modification-status": detail("idle"),
            "hostname": "node01",
            "dns-name": "127.10.0.1",
            "ip-addresses": ["127.10.0.1"],
            "instance-id": "abc123",
            "display-name": "node01",
            "base": {"name": "ubuntu", "channel": "24.04/stable"},
            "hardware": "arch=amd64 cores=8 mem=16384M availability-zone=az1",
            "constraints": "tags=openstack-control",
            "jobs": ["JobHostUnits"],
            "network-interfaces": {
                "eth0": {"ip-addresses": ["127.10.0.1"], "mac-address": "52:54", "is-up": True}
            },
            "containers": {
                "0/lxd/0": {
                    "id": "0/lxd/0",
                    "agent-status": detail("started"),
                    "instance-status": detail("running", "Container started"),
                    "modification-status": detail("applied"),
                    "dns-name": "127.10.2.1",
                    "instance-id": "juju-1-lxd-0",
                    "base": {"name": "ubuntu", "channel": "24.04/stable"},
                    "containers": {},
                }
            },
        }
    },
    "applications": {
        "keystone": {
            "charm": "ch:amd64/keystone-700",
            "charm-channel": "2024.1/stable",
            "charm-version": "abc",
            "base": {"name": "ubuntu", "channel": "24.04/stable"},
            "exposed": False,
            "life": "",
            "relations": {"shared-db": ["mysql-router"], "cluster": ["keystone"]},
            "subordinate-to": [],
            "status": detail("active", "Unit is ready"),
            "workload-version": "25.0.0-and-something-long",
            "endpoint-bindings": {"": "metal"},
            "units": {
                "keystone/0": {
                    "agent-status": detail("executing", "running config-changed hook"),
                    "workload-status": detail("active", "Unit is ready"),
                    "machine": "0/lxd/0",
                    "opened-ports": ["5000/tcp"],
                    "public-address": "127.10.2.1",
                    "leader": True,
                    "subordinates": {
                        "mysql-router/0": {
                            "agent-status": detail("idle"),
                            "workload-status": detail(
                                "error",
                                'hook failed: "db-router-relation-joined"',
                                data={"relation-id": 4.0},
                            ),
                            "public-address": "127.10.2.1",
                            "leader": True,
                        }
                    },
                }
            },
        },
        "mysql-router": {
            "charm": "local:mysql-router-3",
            "base": {"name": "ubuntu", "channel": "24.04/stable"},
            "exposed": True,
            "life": "dying",
            "relations": {"shared-db": ["keystone"]},
            "subordinate-to": ["keystone"],
            "status": detail("error"),
            "units": None,
        },
    },
    "remote-applications": {},
    "offers": {},
    "relations": [
        {
            "id": 4,
            "interface": "mysql-shared",
            "scope": "container",
            "endpoints": [
                {"application": "keystone", "name": "shared-db", "role": "requirer"},
                {"application": "mysql-router", "name": "shared-db", "role": "provider"},
            ],
            "status": detail("joined"),
        },
        {
            "id": 1,
            "interface": "keystone-ha",
            "scope": "global",
            "endpoints": [{"application": "keystone", "name": "cluster", "role": "peer"}],
            "status": detail("joined"),
        },
    ],
    "branches": {},
}


def document():
    return status_document(FULL_STATUS, View("sandbox", utc=True))


def test_jubilant_parses_the_document():
    status = Status._from_dict(json.loads(json_text(document())))
    keystone = status.apps["keystone"]
    assert (keystone.charm, keystone.charm_origin, keystone.charm_rev) == (
        "keystone", "charmhub", 700,
    )  # fmt: skip
    assert keystone.units["keystone/0"].leader
    assert keystone.relations["shared-db"][0].related_app == "mysql-router"
    assert keystone.relations["cluster"][0].interface == "keystone-ha"
    assert status.apps["mysql-router"].charm == "local:mysql-router-3"
    assert status.machines["0"].containers["0/lxd/0"].dns_name == "127.10.2.1"
    assert status.controller.timestamp == "11:56:00"


def test_an_error_in_a_relation_hook_names_the_other_endpoint():
    units = document()["applications"]["keystone"]["units"]
    router = units["keystone/0"]["subordinates"]["mysql-router/0"]
    assert router["workload-status"]["message"].endswith(" for mysql-router:shared-db")


def test_what_is_empty_is_left_out_and_what_dies_says_so():
    applications = document()["applications"]
    assert "life" not in applications["keystone"]
    assert applications["mysql-router"]["life"] == "dying"
    assert "units" not in applications["mysql-router"]
    assert document()["storage"] == {}


def test_the_tables_are_those_of_juju():
    text = status_tables(
        status_document(FULL_STATUS, View("sandbox", utc=True)), relation_rows(FULL_STATUS)
    )
    assert [line.rstrip() for line in text.splitlines()] == [
        "Model  Controller  Cloud/Region  Version  SLA          Timestamp",
        "cloud  sandbox     maas/default  3.6.28   unsupported  11:56:00",
        "",
        "App           Version          Status  Scale  Charm         Channel        Rev  Exposed"
        "  Message",
        "keystone      25.0.0-and-s...  active      1  keystone      2024.1/stable  700  no"
        "       Unit is ready",
        "mysql-router                   error       1  mysql-router                   3  yes",
        "",
        "Unit               Workload  Agent      Machine  Public address  Ports     Message",
        "keystone/0*        active    executing  0/lxd/0  127.10.2.1      5000/tcp  "
        "(config-changed) Unit is ready",
        "  mysql-router/0*  error     idle                127.10.2.1                "
        'hook failed: "db-router-relation-joined" for mysql-router:shared-db',
        "",
        "Machine  State    Address     Inst id       Base          AZ   Message",
        "0        started  127.10.0.1  node01        ubuntu@24.04  az1  Deployed",
        "0/lxd/0  started  127.10.2.1  juju-1-lxd-0  ubuntu@24.04       Container started",
        "",
        "Integration provider    Requirer            Interface     Type         Message",
        "keystone:cluster        keystone:cluster    keystone-ha   peer",
        "mysql-router:shared-db  keystone:shared-db  mysql-shared  subordinate",
    ]


def test_one_line_for_each_unit():
    assert oneline_text(document()).splitlines()[0] == (
        "- keystone/0: 127.10.2.1 (agent:executing, workload:active) 5000/tcp"
    )
    assert oneline_text(document()).splitlines()[1].startswith("  - mysql-router/0: ")


def test_the_summary_counts_by_state():
    lines = [" ".join(line.split()) for line in summary_text(document()).splitlines()]
    assert "# Units: (2)" in lines
    assert "active: 1" in lines
    assert "error: 1" in lines
    assert "# Machines: (1)" in lines


def test_the_agent_says_what_it_does_only_while_it_does_it():
    assert agent_doing({"current": "executing", "message": "running install hook"}) == "install"
    assert agent_doing({"current": "executing", "message": "running action pause"}) == "pause"
    assert agent_doing({"current": "idle", "message": "running install hook"}) == ""


def test_long_messages_end_in_an_ellipsis():
    assert truncated("x" * 200) == "x" * 117 + "..."
