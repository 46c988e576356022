"""What is read for a tick, and what is made of the answers."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import ceph
import needs
import probing
import pytest
import reading
import snapshot
import steps
import virtual
from charms.openstack_coordinator.v0.rolling_plan import Step

NOW = 1_000_000.0


def step(operation: object, *gates: object) -> Step:
    return Step("s", "l", operation, gates=gates)  # type: ignore[arg-type]


def test_a_tick_reads_no_more_than_its_steps_and_gates_need() -> None:
    assert needs.of([], []) == needs.Needs()
    pause = needs.of([step(steps.pause_unit("keystone/0"))], [steps.healthy(["keystone"])])
    assert pause == needs.Needs(tasks=frozenset({("keystone/0", "pause")}))
    drain = needs.of(
        [step(steps.drain_host("a", parallel=1, cannot="hold"), steps.capacity(["a", "b"]))], []
    )
    assert (drain.nova, drain.room, drain.agents, drain.guests) == (True, True, False, {"a", "b"})
    noout = needs.of([step(steps.set_noout("ceph-mon"))], [])
    assert (noout.ceph, noout.nova) == ({"ceph-mon"}, False)
    gates = needs.of([], [steps.vip_away("keystone/0", "keystone-hacluster"), steps.pool(["x"])])
    assert (gates.virtual, gates.pool) == ({"keystone-hacluster"}, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T12:00:00Z", 0.0),
        ("2026-11-22T12:00:01.5Z", 1.5),
        ("2026-11-22T12:00:01.123456789Z", 1.123456),
    ],
)
def test_the_controllers_time_is_read_as_go_writes_it(text: str, expected: float) -> None:
    start = reading.moment({"controller-timestamp": "2026-11-22T12:00:00Z"})
    assert reading.moment({"controller-timestamp": text}) - start == pytest.approx(expected)


# -- virtual addresses ----------------------------------------------------------------------

CRM_MON = {
    "crm_mon_version": "2.1.2",
    "nodes": {
        "juju-1-lxd-0": {"name": "juju-1-lxd-0", "online": "true", "standby": "true"},
        "juju-2-lxd-0": {"name": "juju-2-lxd-0", "online": "true", "standby": "false"},
        "juju-3-lxd-0": {"name": "juju-3-lxd-0", "online": "false", "standby": "false"},
    },
    "resources": {
        "groups": {
            "grp_ks_vips": [
                {
                    "id": "res_ks_0dd3a53_vip",
                    "resource_agent": "ocf::heartbeat:IPaddr2",
                    "role": "Started",
                    "nodes": [{"name": "juju-2-lxd-0", "id": "1001", "cached": "true"}],
                },
                {
                    "id": "res_ks_bc84550_vip",
                    "resource_agent": "ocf:heartbeat:IPaddr2",
                    "role": "Stopped",
                    "nodes": [],
                },
                {"id": "res_ks_haproxy", "resource_agent": "lsb:haproxy", "nodes": []},
            ]
        },
        "clones": {},
    },
}
"""What the action `status` of charm-hacluster made of a cluster, shortened."""


def told(
    status: str = "completed", ago: float = 10.0, text: str = ""
) -> tuple[snapshot.Task, dict]:
    task = snapshot.Task("1", "ha/0", "status", {}, status, NOW - ago, "", NOW - ago)
    return task, {"result": text or json.dumps(CRM_MON)}


def test_cluster_agents_tell_where_the_addresses_are_and_which_nodes_may_have_none() -> None:
    seen = virtual.read("ha", (told(),), NOW)
    assert seen is not None
    assert seen.away == {"juju-1-lxd-0", "juju-3-lxd-0"}
    assert seen.addresses == {"res_ks_0dd3a53_vip": "juju-2-lxd-0", "res_ks_bc84550_vip": ""}


@pytest.mark.parametrize(
    "run", [told("failed"), told(ago=virtual.FRESH + 1), told(text="failure"), told(text="{}")]
)
def test_of_an_answer_that_failed_is_old_or_makes_no_sense_nothing_is_concluded(
    run: tuple[snapshot.Task, dict],
) -> None:
    assert virtual.read("ha", (run,), NOW) is None


def test_agents_are_asked_again_while_none_is_at_it() -> None:
    assert virtual.due((), NOW)
    assert virtual.due((told(),), NOW)
    assert not virtual.due((told("pending", ago=1),), NOW)
    assert virtual.due((told("pending", ago=60),), NOW), "one that never answers is given up"


# -- Ceph -----------------------------------------------------------------------------------

ANSWER = "\n".join(
    json.dumps(document)
    for document in (
        {"status": "HEALTH_WARN", "checks": {"OSDMAP_FLAGS": {"severity": "HEALTH_WARN"}}},
        {
            "flags_set": ["noout", "sortbitwise"],
            "require_osd_release": "reef",
            "osds": [{"osd": 0, "up": 1, "in": 1}, {"osd": 1, "up": 0, "in": 1}],
        },
        {
            "nodes": [
                {"id": -1, "type": "root", "name": "default", "children": [-2]},
                {"id": -2, "type": "rack", "name": "r1", "children": [-3]},
                {"id": -3, "type": "host", "name": "node-1", "children": [0, 1]},
                {"id": 0, "type": "osd", "name": "osd.0"},
            ]
        },
    )
)


def run(status: str = "completed", ago: float = 10.0) -> snapshot.Task:
    return snapshot.Task(
        "1", "ceph-mon/0", "juju-exec", {"command": ceph.LOOK}, status, NOW - ago, "", NOW - ago
    )


def test_ceph_is_read_from_its_own_words() -> None:
    seen = ceph.read("ceph-mon", ((run(), {"stdout": ANSWER}),), NOW)
    assert seen is not None
    assert (seen.health, seen.checks) == ("HEALTH_WARN", ("OSDMAP_FLAGS",))
    assert "noout" in seen.flags
    assert seen.required_release == "reef"
    assert seen.osds == (
        snapshot.Osd(0, "node-1", "r1", up=True, inside=True),
        snapshot.Osd(1, "node-1", "r1", up=False, inside=True),
    )


@pytest.mark.parametrize("answer", ["", "{}", "no quorum", "[1] [2] [3]", '{"state": 1} {} {}'])
def test_what_is_no_answer_is_none(answer: str) -> None:
    assert ceph.read("ceph-mon", ((run(), {"stdout": answer}),), NOW) is None


def test_an_answer_that_is_old_counts_no_more_and_a_new_one_is_asked_for_in_time() -> None:
    old = ((run(ago=ceph.FRESH + 1), {"stdout": ANSWER}),)
    assert ceph.read("ceph-mon", old, NOW) is None
    assert ceph.due(old, NOW)
    assert ceph.due((), NOW)
    assert not ceph.due(((run("running"), {}),), NOW)
    assert ceph.due(((run("pending", ago=ceph.FRESH + 1), {}),), NOW), "its agent is held"
    assert not ceph.due(((run(ago=5), {"stdout": ANSWER}),), NOW)


# -- probe ----------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def api() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/v2.1/secret-project"


@pytest.mark.parametrize(
    ("answer", "failed"), [(200, False), (300, False), (401, False), (500, True), (503, True)]
)
def test_a_service_answers_unless_its_server_fails(
    api: http.server.ThreadingHTTPServer, answer: int, *, failed: bool
) -> None:
    api.answer = answer  # type: ignore[attr-defined]
    reason = probing.ask({"compute": url(api)}, True)["compute"]
    assert bool(reason) is failed
    assert "secret-project" not in reason


def test_where_nobody_listens_it_failed(api: http.server.ThreadingHTTPServer) -> None:
    gone = {"compute": "http://127.0.0.1:1/v2.1"}
    assert probing.ask(gone, True)["compute"] == "127.0.0.1:1: ConnectionError"


def test_failures_add_up_and_only_what_changed_is_kept() -> None:
    first = probing.add((), {"compute": "", "image": ""}, NOW)
    second = probing.add(first, {"compute": "", "image": "503"}, NOW + 5)
    assert [(p.service, p.requests, p.failures, p.answered) for p in second] == [
        ("compute", 2, 0, True),
        ("image", 2, 1, False),
    ]
    assert probing.worth_keeping(first, second)
    third = probing.add(second, {"compute": "", "image": "503"}, NOW + 10)
    assert probing.from_json(probing.to_json(third)) == third
    quiet = probing.add(first, {"compute": "", "image": ""}, NOW + 5)
    assert not probing.worth_keeping(first, quiet)
    late = probing.add(first, {"compute": "", "image": ""}, NOW + probing.RECORD_EVERY)
    assert probing.worth_keeping(first, late)
