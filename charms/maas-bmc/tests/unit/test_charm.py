"""The charm: its statuses with their remedies, its actions, and that the key shows up nowhere."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import pathlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from charm import MaasBmcCharm
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, read_observation
from charms.maas_bmc.v0.baremetal_nodes_testing import requirer_relation
from charms.openstack_coordinator.v0 import tick
from ops import testing

KEY = "consumer:tokentoken:secretsecret"
HIDDEN = ("tokentoken", "secretsecret")


@dataclasses.dataclass
class Answer:
    """What the small region answers to a request."""

    code: int = 200
    body: str = "[]"
    kind: str = "application/json"


Answers = Callable[[str, str], Answer]


@contextlib.contextmanager
def _region(answers: Answers) -> Iterator[str]:
    """A server on loopback that answers as a region would; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers(self.command, self.path)
            self.send_response(answer.code)
            self.send_header("Content-Type", answer.kind)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/MAAS"
    finally:
        server.shutdown()
        server.server_close()


def _healthy(method: str, path: str) -> Answer:
    """A region with one new machine, whose power is driven by hand."""
    new = {"system_id": "abc123", "hostname": "node01", "status_name": "New"}
    routes = {
        "op=whoami": {"username": "admin", "is_superuser": True},
        "op=query": {"events": []},
        "op=power_parameters": {"abc123": {}},
        "/zones/": [{"name": "az1"}],
        "/machines/": [{**new, "power_type": "manual"}],
    }
    found = (body for part, body in routes.items() if part in path)
    return Answer(body=json.dumps(next(found)))


class Unit:
    """A unit of the charm with its configuration; runs events and keeps what they left."""

    def __init__(self, url: str, key: str | None = KEY, **config: Any) -> None:
        self.context = testing.Context(MaasBmcCharm)
        secrets = []
        if key is not None:
            secret = testing.Secret({"api-key": key})
            secrets.append(secret)
            config["maas-credentials"] = secret.id
        self.peers = testing.PeerRelation("units")
        self.state = testing.State(
            leader=True,
            relations=[self.peers],
            secrets=secrets,
            config={"maas-url": url, **config},
        )

    def relate(self, *wishes: DesiredMachine) -> testing.Relation:
        relation = requirer_relation(wishes)
        self.state = dataclasses.replace(self.state, relations=[self.peers, relation])
        return relation

    def reconcile(self) -> testing.State:
        self.state = self.context.run(self.context.on.config_changed(), self.state)
        return self.state

    @property
    def status(self) -> Any:
        return self.state.unit_status

    def everything(self) -> str:
        """All that others could read: logs, status, databags."""
        logs = [entry.message for entry in self.context.juju_log]
        databags = [
            {**relation.local_app_data, **relation.local_unit_data}
            for relation in self.state.relations
            if isinstance(relation, (testing.Relation, testing.PeerRelation))
        ]
        return json.dumps([logs, repr(self.status), databags])


@pytest.fixture(autouse=True)
def _nothing_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick.Ticker, "ensure", lambda *_: None)


def _assert_hidden(*texts: str) -> None:
    for text in texts:
        for part in HIDDEN:
            assert part not in text


def test_with_everything_in_order_it_counts_machines() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        unit.reconcile()
    assert unit.status == testing.ActiveStatus("1 machines: 1 New")
    _assert_hidden(unit.everything())


def test_what_it_observes_is_published() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        relation = unit.relate()
        state = unit.reconcile()
    observation = read_observation(state.get_relation(relation.id).local_app_data)
    assert observation.machines["abc123"].hostname == "node01"
    assert observation.sync.complete
    _assert_hidden(unit.everything())


def test_a_unit_that_does_not_lead_stands_by() -> None:
    unit = Unit("https://127.0.0.1:9/MAAS")
    unit.state = dataclasses.replace(unit.state, leader=False)
    unit.reconcile()
    assert unit.status == testing.ActiveStatus("stands by for the leader")


@pytest.mark.parametrize(
    ("key", "config", "told"),
    [
        (None, {}, "maas-credentials is not set: add-secret"),
        ("only-one-part", {}, "maas-credentials: api-key is not consumer:token:secret"),
        (KEY, {"maas-url": ""}, "maas-url is not set"),
        (KEY, {"ca-bundle": "no pem"}, "ca-bundle is not a CA certificate in PEM"),
        (KEY, {"poll-interval": 1}, "poll-interval is 1"),
    ],
)
def test_configuration_that_cannot_be_used_blocks_with_the_remedy(
    key: str | None, config: dict[str, Any], told: str
) -> None:
    unit = Unit("https://127.0.0.1:9/MAAS", key)
    unit.state = dataclasses.replace(unit.state, config={**unit.state.config, **config})
    unit.reconcile()
    assert isinstance(unit.status, testing.BlockedStatus)
    assert unit.status.message.startswith(told)
    _assert_hidden(unit.everything())


def test_a_secret_that_is_not_granted_blocks_with_the_remedy() -> None:
    unit = Unit("https://127.0.0.1:9/MAAS")
    unit.state = dataclasses.replace(unit.state, secrets=[])
    unit.reconcile()
    assert isinstance(unit.status, testing.BlockedStatus)
    assert "grant-secret <name> maas-bmc" in unit.status.message


def _says(code: int, body: str, kind: str = "text/plain") -> Answers:
    return lambda method, path: Answer(code, body, kind)


# A real 401 of MAAS holds the key's secret in its body.
LEAK = "Invalid signature: expected &secretsecret for token tokentoken"


@pytest.mark.parametrize(
    ("answers", "status", "told"),
    [
        (_says(401, LEAK), testing.BlockedStatus, "MAAS does not accept the API key (401)"),
        (_says(400, "Unrecognised signature"), testing.BlockedStatus, "does not know the API key"),
        (_says(403, LEAK), testing.BlockedStatus, "MAAS refused (403): Invalid signature"),
        (_says(409, LEAK), testing.BlockedStatus, "MAAS refused (409): Invalid signature"),
        (_says(500, LEAK), testing.WaitingStatus, "answers 500"),
        (_says(503, LEAK), testing.WaitingStatus, "answers 503"),
        (_says(404, LEAK, "text/html"), testing.WaitingStatus, "is this address MAAS's?"),
        (_says(302, ""), testing.WaitingStatus, "is this address MAAS's?"),
        (_says(200, "<html>", "text/html"), testing.WaitingStatus, "answers no JSON"),
        (
            _says(200, '{"username": "bob", "is_superuser": false}', "application/json"),
            testing.BlockedStatus,
            "the user bob is not an administrator",
        ),
    ],
)
def test_each_answer_of_a_region_that_says_no_is_explained_and_hides_the_key(
    answers: Answers,
    status: type[testing.BlockedStatus] | type[testing.WaitingStatus],
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    with _region(answers) as url:
        unit = Unit(url)
        unit.reconcile()
    assert isinstance(unit.status, status)
    assert told in unit.status.message
    _assert_hidden(unit.everything(), caplog.text)


def test_a_region_that_is_away_is_waited_for() -> None:
    unit = Unit("http://127.0.0.1:9/MAAS")
    unit.reconcile()
    assert unit.status == testing.WaitingStatus(
        "cannot reach MAAS at http://127.0.0.1:9/MAAS/api/2.0/: Connection refused"
    )
    _assert_hidden(unit.everything())


def test_what_was_read_outlives_a_region_that_goes_away() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        relation = unit.relate()
        unit.reconcile()
    unit.reconcile()
    assert isinstance(unit.status, testing.WaitingStatus)
    databag = unit.state.get_relation(relation.id).local_app_data
    assert "abc123" in read_observation(databag).machines


def test_wishes_that_cannot_be_read_block_and_are_not_carried_out() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        relation = testing.Relation("baremetal-nodes", remote_app_data={"version": "7"})
        unit.state = dataclasses.replace(unit.state, relations=[unit.peers, relation])
        unit.reconcile()
    assert isinstance(unit.status, testing.BlockedStatus)
    assert "speaks version 7" in unit.status.message


def test_list_nodes_shows_what_was_read() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        unit.reconcile()
    unit.context.run(unit.context.on.action("list-nodes", {"status": "New"}), unit.state)
    results = unit.context.action_results or {}
    assert [node["hostname"] for node in json.loads(results["nodes"])] == ["node01"]
    unit.context.run(unit.context.on.action("list-nodes", {"status": "Ready"}), unit.state)
    assert (unit.context.action_results or {})["count"] == 0


def test_actions_on_a_unit_that_does_not_lead_name_the_one_that_does() -> None:
    unit = Unit("http://127.0.0.1:9/MAAS")
    state = dataclasses.replace(unit.state, leader=False)
    for action in (
        unit.context.on.action("list-nodes"),
        unit.context.on.action("sync"),
        unit.context.on.action("power", {"system-id": "abc123", "state": True}),
    ):
        with pytest.raises(testing.ActionFailed) as failed:
            unit.context.run(action, state)
        assert "maas-bmc/leader" in failed.value.message


def test_sync_reads_every_machine_anew() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        unit.reconcile()
        unit.context.run(unit.context.on.action("sync"), unit.state)
    assert unit.context.action_results == {"machines": 1, "unread": 0}


@pytest.mark.parametrize(
    ("answers", "told"),
    [(_says(401, LEAK), "does not accept the API key"), (_says(500, LEAK), "answers 500")],
)
def test_an_action_that_fails_says_why_and_hides_the_key(answers: Answers, told: str) -> None:
    with _region(answers) as url:
        unit = Unit(url)
        with pytest.raises(testing.ActionFailed) as failed:
            unit.context.run(unit.context.on.action("sync"), unit.state)
    assert told in failed.value.message
    _assert_hidden(failed.value.message, unit.everything())


@pytest.mark.parametrize(
    ("system_id", "told"),
    [
        ("nosuch", "there is no machine nosuch"),
        ("abc123", "its power type is manual: switch it in MAAS"),
    ],
)
@pytest.mark.parametrize("state", [True, False])
def test_power_refuses_what_it_cannot_switch(system_id: str, told: str, state: bool) -> None:
    """Juju reads `state=on` as YAML, which makes it true."""
    with _region(_healthy) as url:
        unit = Unit(url)
        unit.reconcile()
        action = unit.context.on.action("power", {"system-id": system_id, "state": state})
        with pytest.raises(testing.ActionFailed) as failed:
            unit.context.run(action, unit.state)
    assert told in failed.value.message


def test_a_tick_is_a_round() -> None:
    with _region(_healthy) as url:
        unit = Unit(url)
        state = unit.context.run(unit.context.on.custom(tick.Ticker.on.tick), unit.state)
    assert state.unit_status == testing.ActiveStatus("1 machines: 1 New")


def test_the_hook_of_a_unit_that_stands_by_imports_nothing_heavy() -> None:
    """What costs time to import is imported by the leader only."""
    source = pathlib.Path(__file__).parents[2] / "src"
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r}); import charm;"
        "print([m for m in ('pydantic', 'requests', 'tenacity', 'pyghmi') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
