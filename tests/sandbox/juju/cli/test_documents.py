"""Smaller pure parts: tasks, secrets, queries, endpoints, configuration requests."""

from __future__ import annotations

import base64

import pytest

from sandbox.juju.cli.actions import split_run
from sandbox.juju.cli.charm_origins import Channel, parse_channel
from sandbox.juju.cli.charm_urls import CharmUrl, parse_charm_url
from sandbox.juju.cli.config_actions import config_request
from sandbox.juju.cli.flags import UsageError
from sandbox.juju.cli.relations import split_endpoints
from sandbox.juju.cli.secret_content import content_of, secret_id
from sandbox.juju.cli.secrets import secret_document
from sandbox.juju.cli.show import unit_document
from sandbox.juju.cli.tags import machine_tag, name_of, unit_tag
from sandbox.juju.cli.task_document import plain_exec_text, task_document, with_value
from sandbox.juju.cli.units import in_model, parse_placements
from sandbox.juju.cli.wait_query import QueryError, parse_query
from sandbox.juju.client.errors import ClientError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("keystone", CharmUrl("ch", "keystone")),
        ("ch:amd64/noble/mysql-innodb-cluster-120",
         CharmUrl("ch", "mysql-innodb-cluster", 120, "amd64")),
        ("local:maas-bmc-0", CharmUrl("local", "maas-bmc", 0)),
        ("cs:~me/x-1", None),
    ],
)  # fmt: skip
def test_charm_urls_are_taken_apart(text, url):
    assert parse_charm_url(text) == url


def test_a_risk_alone_is_a_channel_without_a_track():
    assert parse_channel("edge") == Channel("", "edge")
    assert parse_channel("2024.1") == Channel("2024.1", "stable")
    with pytest.raises(ClientError):
        parse_channel("a/b/c/d")


def test_tags_and_names_are_two_forms_of_one():
    for name in ("nova-compute/12", "a/0"):
        assert name_of(unit_tag(name)) == name
    assert name_of(machine_tag("0/lxd/1")) == "0/lxd/1"
    assert name_of("storage-osd-devices-3") == "osd-devices/3"


def test_units_action_and_nested_parameters_of_run():
    assert split_run(["a/0", "a/leader", "pause", "x.y=1", "z=a=b"]) == (
        ["a/0", "a/leader"],
        "pause",
        [(["x", "y"], "1"), (["z"], "a=b")],
    )
    assert with_value(with_value({}, ["x", "y"], 1), ["x", "z"], 2) == {"x": {"y": 1, "z": 2}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pause"], "no unit specified"),
        (["a/0"], "no action specified"),
        (["a/0", "b/0", "pause"], "all units must be of the same application"),
        (["a/0", "pause", "x"], 'argument "x" must be of the form key.key.key...=value'),
        (["a/0", "pause", "X=1"], 'key "X" must start and end with lowercase alphanumeric'),
        (["A/0", "pause"], 'invalid unit or action name "A/0"'),
    ],
)
def test_run_refuses_what_makes_no_sense(words, message):
    with pytest.raises(UsageError) as refused:
        split_run(words)
    assert str(refused.value).startswith(message)


def test_a_task_has_whole_return_codes_and_no_empty_streams():
    document, code = task_document(
        {
            "action": {"tag": "action-3", "receiver": "unit-a-0", "name": "juju-exec"},
            "status": "completed",
            "output": {"return-code": 3.0, "stdout": "hi\r\n", "stderr": ""},
            "enqueued": "2026-11-22T11:55:09Z",
            "started": "0001-01-01T00:00:00Z",
        },
        utc=True,
    )
    assert code == 3
    assert document == {
        "id": "3",
        "results": {"return-code": 3, "stdout": "hi\n"},
        "status": "completed",
        "timing": {"enqueued": "2026-11-22 11:55:09 +0000 UTC"},
        "unit": "a/0",
    }


def test_several_outputs_of_exec_are_headed_by_where_they_come_from():
    one = {"results": {"stdout": "x"}}
    assert plain_exec_text({"a/0": one}) == "x\n"
    assert plain_exec_text({"a/10": one, "a/2": one}) == "a/2:\nx\n\na/10:\nx\n\n"


def test_secret_content_comes_from_words_files_and_yaml(tmp_path):
    (tmp_path / "key").write_text("from file")
    (tmp_path / "all.yaml").write_text("url: https://maas\ncount: 3\n")
    content = content_of(
        ["plain=a=b", f"filed#file={tmp_path / 'key'}", "coded#base64=eA=="],
        str(tmp_path / "all.yaml"),
    )
    decoded = {key: base64.b64decode(text).decode() for key, text in content.items()}
    assert decoded == {
        "plain": "a=b",
        "filed": "from file",
        "coded": "x",
        "url": "https://maas",
        "count": "3",
    }


@pytest.mark.parametrize(
    ("pair", "message"),
    [("nokey", "not valid"), ("A=1", 'key "A" not valid'), ("ab=1", "not valid"),
     ("key=" + "x" * 800_000, "too large"), ("key#file=/nope", "no such file")],
)  # fmt: skip
def test_secret_content_that_juju_refuses_is_refused(pair, message):
    with pytest.raises(ClientError, match=message) as refused:
        content_of([pair], "")
    assert "xxx" not in str(refused.value)


def test_a_secret_is_known_by_its_uri_or_by_its_name():
    identity = "9m4e2mr0ui3e8a215n4g"
    for text in (
        identity,
        f"secret:{identity}",
        f"secret://{'0' * 8}-0000-0000-0000-{'0' * 12}/{identity}",
    ):
        assert secret_id(text) == identity
    assert secret_id("maas-credentials") == ""


def test_content_is_shown_only_when_revealed():
    secret = {
        "owner-tag": "model-x",
        "label": "maas",
        "latest-revision": 2,
        "value": {"data": {"key": "c2VjcmV0"}},
    }
    assert "content" not in secret_document(secret)
    assert secret_document(secret, reveal=True)["content"] == {"key": "secret"}
    shown = secret_document(secret, reveal=True, content_under="Data")
    assert shown["content"] == {"Data": {"key": "secret"}}
    assert (shown["owner"], shown["name"]) == ("<model>", "maas")


def test_a_unit_shows_its_own_databag_apart_from_the_others():
    unit = {
        "tag": "unit-web-0",
        "charm": "local:web-0",
        "opened-ports": [],
        "relation-data": [
            {
                "relation-id": 1,
                "endpoint": "peers",
                "related-endpoint": "peers",
                "ApplicationData": {"b": "2", "a": "1"},
                "unit-relation-data": {
                    "web/0": {"InScope": True, "UnitData": {"x": "1"}},
                    "web/1": {"InScope": False, "UnitData": {"x": "2"}},
                },
            }
        ],
    }
    (relation,) = unit_document(unit)["relation-info"]
    assert relation["application-data"] == {"a": "1", "b": "2"}
    assert relation["local-unit"] == {"in-scope": True, "data": {"x": "1"}}
    assert relation["related-units"] == {"web/1": {"in-scope": False, "data": {"x": "2"}}}
    assert "relation-info" not in unit_document(unit, endpoint="other")


SCOPE = {
    "name": "web",
    "life": "alive",
    "status": "active",
    "units": {
        "web/0": {"name": "web/0", "workload-status": "active"},
        "web/1": {"name": "web/1", "workload-status": "blocked"},
    },
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('life=="alive" && status=="active"', True),
        ('status=="blocked" || len(units) == 2', True),
        ('status=="blocked" || status=="active" && life=="dead"', False),
        ("len(units) > 2", False),
        ('forEach(units, u => startsWith(u.name, "web"))', True),
        ('forEach(units, unit => unit.workload-status=="active")', False),
        ('!(status=="blocked")', True),
        ('life=="alive"; len(units) >= 2', True),
    ],
)
def test_queries_are_asked_of_a_scope(text, holds):
    assert parse_query(text).holds(SCOPE) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status==", "ends in the middle"),
        ('status=="a" )', "unexpected"),
        ("@", "unexpected character"),
        ("nope(1)", 'unknown function "nope"'),
    ],
)
def test_a_query_that_is_none_is_refused(text, message):
    with pytest.raises(QueryError, match=message):
        parse_query(text)


def test_a_query_for_what_there_is_not_says_what_there_is():
    with pytest.raises(QueryError, match=r'identifier "colour" not found on scope \(known: life'):
        parse_query('colour=="red"').holds(SCOPE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a",), "an integration must involve two applications"),
        (("a:", "b"), 'endpoint "a:" not valid'),
        (("A", "b"), 'application name "A" not valid'),
    ],
)
def test_endpoints_that_are_none_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        split_endpoints(words)


def test_an_offer_of_another_model_is_one_of_the_endpoints():
    endpoints, offer = split_endpoints(("web", "admin/db.mysql"))
    assert endpoints == ["web", "mysql"]
    assert offer is not None
    assert str(offer) == "admin/db.mysql"


@pytest.mark.parametrize(
    ("words", "file", "reset", "message"),
    [
        (["a", "b"], "", (), "cannot specify multiple keys to get"),
        (["a", "b=1"], "", (), "cannot get value and set key=value pairs simultaneously"),
        (["a=1"], "", ("a",), 'cannot set and reset key "a" simultaneously'),
        (["a=1", "a=2"], "", (), 'key "a" specified more than once'),
        ([], "", ("a=1",), "--reset accepts a comma delimited set of keys"),
        (["=1"], "", (), 'expected "key=value", got "=1"'),
    ],
)
def test_configuration_requests_that_clash_are_refused(words, file, reset, message):
    with pytest.raises(UsageError) as refused:
        config_request(words, file, reset)
    assert str(refused.value).startswith(message)


def test_setting_resetting_and_loading_a_file_go_together():
    request = config_request(["a=1"], "f.yaml", ("b,c",))
    assert (request.values, request.reset, request.file) == ({"a": "1"}, ("b", "c"), "f.yaml")
    assert config_request([], "", ()).reads_all


def test_placements_name_machines_containers_or_the_provider():
    parsed = parse_placements("0,lxd:1,zone=az1")
    assert in_model(parsed, "uuid") == [
        {"scope": "#", "directive": "0"},
        {"scope": "lxd", "directive": "1"},
        {"scope": "uuid", "directive": "zone=az1"},
    ]
    with pytest.raises(UsageError, match='invalid --to parameter "bad"'):
        parse_placements("bad")
