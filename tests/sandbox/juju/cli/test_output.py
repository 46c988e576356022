"""Values are written as Go writes them: JSON, YAML, tables, times, ports."""

from __future__ import annotations

import datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju.cli.output import json_text, naturally, smart_text, yaml_text
from sandbox.juju.cli.ports import ports_text
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.times import day_and_time, duration_text, seconds_of, time_ago


def test_json_is_compact_and_safe_for_html():
    assert json_text({"a": "<b> & é", "n": 1}) == '{"a":"\\u003cb\\u003e \\u0026 é","n":1}'


def test_yaml_quotes_what_would_be_read_as_something_else():
    text = yaml_text({"machines": {"0": {"channel": "24.04", "on": "yes", "empty": "", "": "x"}}})
    assert text == (
        'machines:\n  "0":\n    channel: "24.04"\n    "on": "yes"\n    empty: ""\n    "": x\n'
    )


def test_yaml_lists_stand_under_their_key_and_long_text_in_blocks():
    assert yaml_text({"to": ["0", "a"], "text": "one\ntwo\n"}) == (
        'to:\n- "0"\n- a\ntext: |\n  one\n  two\n'
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


ascii_text = st.text(alphabet=[chr(number) for number in range(128)])


@given(st.dictionaries(ascii_text, st.booleans() | st.integers()))
def test_what_is_written_as_yaml_reads_back_the_same(value):
    assert yaml.safe_load(yaml_text(value)) == value


def test_smart_values_are_bare():
    assert smart_text("x") == "x\n"
    assert smart_text(True) == "True\n"
    assert smart_text(["a", "b"]) == "a\nb\n"
    assert smart_text("") == ""


def test_names_sort_as_people_count():
    assert naturally(["x/10", "x/2", "a", "x"]) == ["a", "x", "x/2", "x/10"]


def test_columns_are_as_wide_as_their_widest_cell_and_two_spaces():
    table = Table()
    table.row("App", "Scale", "Message")
    table.row("keystone", "3", "ready")
    assert table.text() == "App       Scale  Message\nkeystone  3      ready\n"


def test_a_line_without_the_column_starts_it_afresh():
    table = Table()
    table.row("a-long-cell", "x")
    table.row("alone")
    table.row("b", "y")
    assert table.text() == "a-long-cell  x\nalone\nb  y\n"


def test_numbers_stand_to_the_right():
    table = Table()
    table.align_right(1)
    table.row("App", "Scale", "Charm")
    table.row("a", "3", "b")
    assert table.text() == "App  Scale  Charm\na        3  b\n"


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        (["80/tcp"], "80/tcp"),
        (["443/tcp", "80/tcp", "53/udp"], "80,443/tcp 53/udp"),
        (["8000/tcp", "8001/tcp", "8002/tcp", "22/tcp"], "22,8000-8002/tcp"),
        (["icmp"], "icmp"),
        ([], ""),
    ],
)
def test_ports_are_grouped_by_protocol_and_run(ports, text):
    assert ports_text(ports) == text


def test_times_are_local_or_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    stamp = "2026-11-22T11:55:09.123456789Z"
    assert day_and_time(stamp, utc=True) == "2026-11-22 11:55:09Z"
    assert day_and_time(stamp).startswith("22 Nov 2026 ")


def test_how_long_ago_is_told_for_people():
    now = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
    ago = [
        time_ago(text, now)
        for text in (
            "2026-11-22T11:59:59Z",
            "2026-11-22T11:59:30Z",
            "2026-11-22T11:59:00Z",
            "2026-11-22T09:00:00Z",
            "2026-11-20T09:00:00Z",
            None,
        )
    ]
    assert ago == [
        "just now", "30 seconds ago", "1 minute ago", "3 hours ago", "2026-11-20",
        "never connected",
    ]  # fmt: skip


@given(st.integers(0, 10**6))
def test_a_duration_reads_back_as_it_was_written(seconds):
    assert seconds_of(duration_text(seconds)) == seconds
