"""Every mistake in a bundle is told at once, each in Juju's words."""

from __future__ import annotations

import pathlib

import pytest

from sandbox.juju.bundles.errors import InvalidBundle
from sandbox.juju.bundles.source import parse_parts
from sandbox.juju.bundles.verify import problems_of, verify

HERE = pathlib.Path("/nowhere")


def problems(text: str) -> list[str]:
    return list(problems_of(parse_parts(text)[0].data, HERE))


def test_a_sound_bundle_has_no_problems():
    assert not problems(
        """
default-base: ubuntu@24.04/stable
machines: {"0": {constraints: tags=openstack-control}, "1": }
applications:
  mysql: {charm: mysql, channel: 8.0/stable, num_units: 2, to: ["0", "lxd:1"]}
  keystone: {charm: ch:keystone, num_units: 1, to: ["lxd:mysql/0"], storage: {d: "10G,2"}}
  nova: {charm: nova-compute, num_units: 3, constraints: "cores=4 mem=8G", to: [new]}
relations: [[keystone:shared-db, mysql:db], [nova, keystone]]
"""
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("applications: {}", "at least one application must be specified"),
        ("applications:\n  a:\n", 'bundle application for key "a" is undefined'),
        ("applications: {a: {num_units: 1}}", "empty charm path"),
        (
            "applications: {a: {charm: ./a.charm}}",
            'charm path in application "a" does not exist: /nowhere/a.charm',
        ),
        ("applications: {a: {charm: 'cs:~me/a-1'}}", 'invalid charm URL in application "a"'),
        ("applications: {a: {charm: a-3}}", 'cannot specify revision in "a-3"'),
        (
            "applications: {a: {charm: a, revision: 3}}",
            'application "a" with a revision requires a channel for future upgrades',
        ),
        (
            "applications: {a: {charm: a, num_units: -1}}",
            'negative number of units specified on application "a"',
        ),
        (
            "applications: {a: {charm: a, constraints: cores=x}}",
            'invalid constraints "cores=x" in application "a"',
        ),
        (
            "applications: {a: {charm: a, storage: {data: '10Q'}}}",
            'invalid storage "data" in application "a": unrecognized storage constraint "10Q"',
        ),
        (
            "applications: {a: {charm: a, base: ubuntu}}",
            'application "a" declares an invalid base "ubuntu"',
        ),
        (
            "applications: {a: {charm: a, num_units: 1, to: [new, new]}}",
            'too many units specified in unit placement for application "a"',
        ),
        (
            "applications: {a: {charm: a, num_units: 1, to: ['lxd:b/0']}}",
            'placement "lxd:b/0" refers to an application not defined in this bundle',
        ),
        (
            "applications: {a: {charm: a, num_units: 1, to: ['7']}}",
            'placement "7" refers to a machine not defined in this bundle',
        ),
        (
            "applications: {a: {charm: a, num_units: 1, to: [b/1]}, b: {charm: b, num_units: 1}}",
            'placement "b/1" specifies a unit greater than the 1 unit(s) started by the target',
        ),
        (
            "applications: {a: {charm: a, num_units: 1, to: ['lxd:new/1']}}",
            'invalid placement syntax "lxd:new/1"',
        ),
        (
            "applications: {a: {charm: a}}\nmachines: {'0': }",
            'machine "0" is not referred to by a placement directive',
        ),
        (
            "applications: {a: {charm: a}}\nmachines: {one: }",
            'invalid machine id "one" found in machines',
        ),
        (
            "applications: {a: {charm: a}}\nrelations: [[a, b]]",
            'relation ["a" "b"] refers to application "b" not defined in this bundle',
        ),
        (
            "applications: {a: {charm: a}}\nrelations: [[a]]",
            'relation ["a"] has 1 endpoint(s), not 2',
        ),
        (
            "applications: {a: {charm: a}}\nrelations: [['a:x', 'a:y']]",
            "relates an application to itself",
        ),
        (
            "applications: {a: {charm: a}, b: {charm: b}}\n"
            "relations: [['a:x', 'b:y'], ['b:y', 'a:x']]",
            'relation ["b:y" "a:x"] is defined more than once',
        ),
        (
            "applications: {a: {charm: a}, b: {charm: b}}\nrelations: [['a:', b]]",
            'invalid relation syntax "a:"',
        ),
        (
            "applications: {a: {charm: a, expose: true, exposed-endpoints: {x: {}}}}",
            "exposed-endpoints cannot be specified together with",
        ),
        (
            "applications: {a: {charm: a}}\nsaas: {a: {url: 'admin/m.a'}}",
            'SAAS "a" already exists with application "a" name',
        ),
        ("bundle: podman\napplications: {a: {charm: a}}", 'bundle has an invalid type "podman"'),
        ("default-base: jammy\napplications: {a: {charm: a}}", "declares an invalid base"),
    ],
)
def test_each_mistake_is_told(text, problem):
    assert any(problem in line for line in problems(text))


def test_all_mistakes_are_told_together():
    text = "applications: {a: {charm: a, num_units: -1}}\nrelations: [[a, b], [c]]"
    with pytest.raises(InvalidBundle) as refused:
        verify(parse_parts(text)[0].data, HERE)
    assert str(refused.value).startswith("the provided bundle has the following errors:\n")
    assert len(refused.value.problems) == 3
