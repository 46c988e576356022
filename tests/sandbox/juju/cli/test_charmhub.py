"""`juju find` and `juju info`, as people read them and as programs do."""

from __future__ import annotations

import re

import pytest
import yaml

from sandbox.juju.cli import charmhub


def test_charms_are_found_by_a_part_of_their_name(juju):
    found = juju.json("find", "keystone")
    assert [(charm["name"], charm["type"]) for charm in found] == [("keystone", "charm")]
    assert juju("find", "keystone").out == (
        "Name      Bundle  Version  Publisher  Summary\n"
        f"keystone  -       {found[0]['version']}      sandbox    OpenStack identity\n"
        "\n"
    )


def test_what_find_shows_is_chosen_by_letters(juju):
    said = juju("find", "keystone", "--columns", "nSao").out.splitlines()
    assert said[0].split() == ["Name", "Supports", "Architectures", "OS"]
    assert said[1].split() == [
        "keystone",
        "ubuntu@22.04,ubuntu@24.04",
        "amd64",
        "ubuntu",
    ]
    assert juju("find", "--columns", "nx", code=2).err == "ERROR unexpected column type 'x'\n"


def test_a_long_summary_goes_on_under_itself():
    charm = {"name": "a", "summary": "This is much longer than forty letters are, is it not"}
    assert charmhub._find_table([charm], "ns") == (
        "Name  Summary\na     This is much longer than forty letters are,\n      is it not\n"
    )


def test_finding_nothing_is_no_error(juju):
    assert juju("find", "nothing").err == "No matching charms or bundles\n"
    assert juju("find", "--type", "bundle").err == "No matching bundles\n"
    assert juju.json("find", "nothing") == []


def test_asking_for_nothing_shows_what_is_interesting(juju):
    said = juju("find").out
    assert said.startswith("No search term specified. Here are some interesting charms:\n\nName ")
    assert said.endswith("\n\nProvide a search term for more specific results.\n")


def test_a_program_reads_all_of_a_charm(juju):
    info = juju.json("info", "keystone")
    assert info["charm"]["relations"]["provides"]["identity-service"] == "keystone"
    vip = info["charm"]["config"]["Options"]["vip"]
    assert set(vip) == {"Type", "Description", "Default"}
    (stable,) = info["channels"]["2024.1"]["stable"]
    assert (stable["track"], stable["risk"], stable["architectures"]) == (
        "2024.1",
        "stable",
        ["amd64"],
    )
    assert stable["size"] > 0
    assert re.match(r"\d{4}-\d\d-\d\dT", stable["released-at"])
    assert info["tracks"][0] == "2024.1", "what a deployment gets comes first"
    as_yaml = yaml.safe_load(juju("info", "keystone", "--format", "yaml").out)
    assert as_yaml["charm"]["config"]["options"]["vip"]["type"] == "string"


def test_people_read_a_line_for_each_channel(juju):
    said = juju("info", "keystone", "--track", "2024.1").out
    told = yaml.safe_load(said)
    assert list(told) == [
        "name",
        "publisher",
        "summary",
        "description",
        "store-url",
        "charm-id",
        "supports",
        "subordinate",
        "relations",
        "channels",
    ]
    assert set(told["relations"]) == {"provides", "requires"}
    stable, candidate, beta, edge = told["channels"].splitlines()
    assert re.fullmatch(
        r"2024\.1/stable: +(\d+)  2024-\d\d-\d\d  \(\1\)  \d+kB  amd64  ubuntu@.*", stable
    )
    assert "2024.1/candidate:" in candidate
    assert "2024.1/beta:" in beta
    assert "2024.1/edge:" in edge
    assert not any("\u2191" in line for line in (candidate, beta, edge)), "this is no terminal"


def test_a_channel_without_a_release_points_to_the_one_above(juju):
    said = yaml.safe_load(juju("info", "keystone", "--track", "2024.1").out)["channels"]
    empty = [line.split()[1] for line in said.splitlines() if len(line.split()) == 2]
    assert set(empty) <= {"^"}
    arrows = juju("info", "keystone", "--track", "2024.1", "--unicode", "always").out
    assert arrows.count("\u2191") == len(empty)


def test_what_was_asked_for_is_not_told_again(juju):
    both = juju("info", "keystone", "--arch", "amd64", "--base", "ubuntu@24.04").out
    assert not re.search(r"kB  amd64", both)
    assert "Message" not in both
    none = juju("info", "keystone", "--base", "ubuntu@12.04").out
    assert "message: No charms have been published with the specified criteria." in none
    assert "relations:" not in none


def test_configuration_is_shown_on_request(juju):
    assert "settings:" not in juju("info", "keystone").out
    told = yaml.safe_load(juju("info", "keystone", "--config").out)
    assert told["config"]["settings"]["vip"]["type"] == "string"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("nothing",),
            1,
            'No information found for charm or bundle with the name "nothing"',
        ),
        ((), 2, "expected a charm or bundle name"),
        (("a", "b"), 2, "expected a charm or bundle name"),
        (
            ("keystone", "--track", "2024.1", "--arch", "amd64"),
            2,
            "--track cannot be specified together with --arch, --base, --channel or --series",
        ),
        (
            ("keystone", "--unicode", "perhaps"),
            2,
            'unexpected unicode flag value "perhaps", expected <auto|never|always>',
        ),
    ],
)
def test_what_cannot_be_told_is_refused(juju, words, code, message):
    assert juju("info", *words, code=code).err == f"ERROR {message}\n"
