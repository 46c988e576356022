"""What hook tools accept, print and refuse, called by real hooks and commands."""

from __future__ import annotations

import json

import pytest

from sandbox.juju.state import applications, relations, scopes, statuses, storage, units

DATABASE = {"provides": {"db": {"interface": "sql"}}}
CLIENT = {"requires": {"db": {"interface": "sql"}}}
PEERS = {"peers": {"cluster": {"interface": "cluster"}}}
HOST = {"host": {"interface": "juju-info", "scope": "container"}}


async def tool(world, unit, command):
    """Run a command in a unit's context: its exit code, output and errors."""
    task = await world.run(unit, "juju-exec", command=command, timeout=0)
    results = task.results
    return results["return-code"], results.get("stdout", ""), results.get("stderr", "")


@pytest.fixture
async def related(world):
    """wiki/0 related to mysql/0 (relation 0) and in a peer relation with wiki/1 (relation 1)."""
    world.deploy("mysql", **DATABASE)
    world.deploy(
        "wiki",
        num_units=2,
        **CLIENT,
        **PEERS,
        config={
            "colour": {"type": "string", "default": "red"},
            "size": {"type": "int", "default": 3},
            "quiet": {"type": "boolean", "default": False},
            "unset": {"type": "string"},
        },
    )
    world.db = world.relate("wiki", "mysql").id
    await world.settled()
    world.leader = next(u for u in ("wiki/0", "wiki/1") if "leader-elected" in world.events(u))
    world.minion = "wiki/1" if world.leader == "wiki/0" else "wiki/0"
    return world


PRINTED = {
    "config-get colour": "red\n",
    "config-get size": "3\n",
    "config-get quiet": "False\n",
    "config-get nothing": "",
    "config-get --format json nothing": "null\n",
    "config-get --format=json": '{"colour":"red","quiet":false,"size":3}\n',
    "config-get": "colour: red\nquiet: false\nsize: 3\n",
    "config-get -a --format json": '{"colour":"red","quiet":false,"size":3,"unset":null}\n',
}


async def test_configuration_is_printed_in_each_format(related):
    for command, printed in PRINTED.items():
        assert await tool(related, "wiki/0", command) == (0, printed, ""), command


async def test_relations_are_listed(related):
    assert await tool(related, "wiki/0", "relation-ids db") == (0, f"db:{related.db}\n", "")
    listed = await tool(related, "wiki/0", f"relation-list -r db:{related.db} --format json")
    assert listed == (0, '["mysql/0"]\n', "")
    listed = await tool(related, "wiki/0", f"relation-list -r {related.db} --app")
    assert listed == (0, "mysql\n", "")
    found = await tool(related, "wiki/0", f"relation-model-get -r {related.db}")
    assert found == (0, f"uuid: {related.model}\n", "")


async def test_databags_are_set_at_the_end_and_read_meanwhile(related):
    command = f"relation-set -r {related.db} a=1 b=2; relation-get -r {related.db} a wiki/0"
    assert await tool(related, "wiki/0", command) == (0, "1\n", "")
    code, printed, _ = await tool(
        related, "mysql/0", f"relation-get -r {related.db} --format json - wiki/0"
    )
    found = json.loads(printed)
    assert code == 0
    assert (found["a"], found["b"]) == ("1", "2")
    assert found["private-address"] == found["ingress-address"]
    assert found["egress-subnets"] == f"{found['private-address']}/32"
    await tool(related, "wiki/0", f"relation-set -r {related.db} a=")
    _, printed, _ = await tool(related, "mysql/0", f"relation-get -r {related.db} a wiki/0")
    assert printed == ""


async def test_settings_come_from_a_file_as_they_are_written(related):
    command = (
        f"printf 'a: 0x10\\nb: \"yes\"\\nc: no\\n' | relation-set -r {related.db} --file - c=over;"
        f" relation-get --format json -r {related.db} - wiki/0"
    )
    _, printed, _ = await tool(related, "wiki/0", command)
    found = json.loads(printed)
    assert (found["a"], found["b"], found["c"]) == ("0x10", "yes", "over")


async def test_the_application_databag_is_the_leaders_to_write(related):
    write = f"relation-set --app -r {related.db} url=sql://"
    assert await tool(related, related.leader, write) == (0, "", "")
    assert await tool(related, related.minion, write) == (
        1,
        "",
        "ERROR cannot write relation settings\n",
    )
    read = f"relation-get --app -r {related.db} url wiki"
    assert await tool(related, "mysql/0", read) == (0, "sql://\n", "")
    assert await tool(related, related.leader, read) == (0, "sql://\n", "")
    assert await tool(related, related.minion, read) == (1, "", "ERROR permission denied\n")


async def test_a_peer_application_databag_is_every_units_to_read(related):
    await tool(related, related.leader, "relation-set --app -r cluster:0 x=1 || true")
    number = related.do(relations.by_key, "wiki:cluster").id
    await tool(related, related.leader, f"relation-set --app -r {number} x=1")
    read = f"relation-get --app -r {number} x wiki"
    assert await tool(related, related.minion, read) == (0, "1\n", "")


REFUSALS = [
    (
        "relation-get -r 99 x mysql/0",
        2,
        'invalid value "99" for option -r: relation not found',
    ),
    ("relation-get -r db:x x", 2, 'invalid value "db:x" for option -r: invalid relation id'),
    ("relation-get x", 2, "no relation id specified"),
    ("relation-ids", 2, "no endpoint name specified"),
    ("relation-set -r 99 a=b", 2, 'invalid value "99" for option -r: relation not found'),
    ("config-get --colour", 2, "option provided but not defined: --colour"),
    ("config-get a b", 2, 'unrecognized args: ["b"]'),
    ("status-set lovely", 2, None),
    ("status-set", 2, "invalid args, require <status> [message]"),
    ("secret-get", 2, "require either a secret URI or label"),
    ("secret-get secret:nonsense", 2, 'secret URI "secret:nonsense" not valid'),
    ("open-port 80/sctp", 2, None),
    ("state-get --strict no", 1, '"no" not found'),
    ("state-set plain", 2, 'expected "key=value", got "plain"'),
    ("network-get nothing", 1, 'no network config found for binding "nothing"'),
    ("config-get --format xml", 2, None),
]


async def test_refusals_are_juju_s(related):
    for command, code, refusal in REFUSALS:
        found, printed, said = await tool(related, "wiki/0", command)
        assert (found, printed) == (code, ""), command
        assert said.startswith("ERROR ")
        assert refusal is None or said == f"ERROR {refusal}\n"


async def test_units_read_only_what_is_theirs(related):
    """Neither a unit of an application that is not related, nor a foreign databag."""
    related.deploy("other")
    await related.settled()
    code, _, said = await tool(related, "mysql/0", f"relation-get -r {related.db} x other/0")
    assert (code, said) == (1, "ERROR permission denied\n")
    code, _, said = await tool(related, "other/0", f"relation-get -r {related.db} x wiki/0")
    assert (code, "relation not found" in said) == (2, True)


async def test_a_full_databag_passes_and_one_over_the_limit_fails(related):
    """16 MiB of keys and values, through stdin."""
    make = f"python3 -c \"print('big: ' + 'x' * ({scopes.MAXIMUM_SIZE} - 400))\""
    command = f"{make} | relation-set -r {related.db} --file -"
    assert await tool(related, "wiki/0", command) == (0, "", "")
    code, printed, _ = await tool(
        related, "mysql/0", f"relation-get -r {related.db} big wiki/0 | wc -c"
    )
    assert (code, int(printed)) == (0, scopes.MAXIMUM_SIZE - 400 + 1)
    make = f"python3 -c \"print('big: ' + 'x' * {scopes.MAXIMUM_SIZE})\""
    task = await related.run(
        "wiki/0",
        "juju-exec",
        command=f"{make} | relation-set -r {related.db} --file -",
        timeout=0,
    )
    assert task.status == "failed"
    assert "16777216" in task.results["stderr"]


async def test_statuses_take_effect_at_once_and_read_back(related):
    command = "status-set waiting 'for it'; status-get; status-get --include-data --format json"
    code, printed, _ = await tool(related, "wiki/0", command)
    assert code == 0
    assert printed == 'waiting\n{"message":"for it","status":"waiting","status-data":{}}\n'
    refused = await tool(related, related.minion, "status-set --application active")
    assert refused == (1, "", "ERROR this unit is not the leader\n")
    await tool(related, related.leader, "status-set --application=True active -- -well-")
    assert related.do(statuses.application, "wiki").message == "-well-"
    _, printed, _ = await tool(related, related.leader, "status-get --application --format json")
    assert set(json.loads(printed)["application-status"]["units"]) == {"wiki/0", "wiki/1"}


async def test_leadership_is_told(related):
    assert await tool(related, related.leader, "is-leader") == (0, "True\n", "")
    assert await tool(related, related.minion, "is-leader --format json") == (0, "false\n", "")
    await tool(related, related.leader, "leader-set token=1")
    await related.settled()
    assert await tool(related, related.minion, "leader-get token") == (0, "1\n", "")
    assert related.events(related.minion).count("leader-settings-changed") == 2
    refused = await tool(related, related.minion, "leader-set token=2")
    assert refused[0] == 1


async def test_state_is_kept_by_the_controller(related):
    command = "state-set a=1 b=2; state-get; state-delete a; state-get --format json"
    assert await tool(related, "wiki/0", command) == (0, 'a: "1"\nb: "2"\n{"b":"2"}\n', "")
    assert related.do(units.get, "wiki/0").state == {"b": "2"}
    code, _, said = await tool(related, "wiki/0", "printf 'big: %070000d' 0 | state-set --file -")
    assert (code, "65536" in said) == (1, True)


async def test_ports_open_and_close(related):
    await tool(related, "wiki/0", "open-port 80; open-port 8000-8010/udp; open-port icmp")
    opened = "icmp\n80/tcp\n8000-8010/udp\n"
    assert await tool(related, "wiki/0", "opened-ports") == (0, opened, "")
    await tool(related, "wiki/0", "close-port 80/tcp")
    assert await tool(related, "wiki/0", "opened-ports") == (0, "icmp\n8000-8010/udp\n", "")


async def test_addresses_are_the_machines(related):
    code, address, _ = await tool(related, "wiki/0", "network-get db --ingress-address")
    assert (code, await tool(related, "wiki/0", "unit-get private-address")) == (
        0,
        (0, address, ""),
    )
    _, printed, _ = await tool(related, "wiki/0", "network-get db --format json")
    found = json.loads(printed)
    assert found["ingress-addresses"] == [address.strip()]
    assert found["bind-addresses"][0]["addresses"][0]["value"] == address.strip()
    assert found["egress-subnets"] == [f"{address.strip()}/32"]


async def test_the_goal_names_units_and_related_applications(related):
    _, printed, _ = await tool(related, "wiki/0", "goal-state --format json")
    found = json.loads(printed)
    assert set(found["units"]) == {"wiki/0", "wiki/1"}
    assert set(found["relations"]) == {"db"}, "peers are units"
    assert set(found["relations"]["db"]) == {"mysql", "mysql/0"}
    assert found["relations"]["db"]["mysql"]["status"] == "joined"


async def test_the_goal_has_only_the_subordinates_beside_the_unit_and_who_goes_is_dying(world):
    world.deploy("ntp", subordinate=True, requires=HOST)
    world.deploy("wiki", num_units=2, **CLIENT)
    world.relate("ntp:host", "wiki")
    await world.until(lambda: len(world.do(units.names, "ntp")) == 2)
    await world.settled()
    beside = next(u for u in world.do(units.of_application, "ntp") if u.principal == "wiki/0")
    _, printed, _ = await tool(world, "wiki/0", "goal-state --format json")
    assert set(json.loads(printed)["relations"]["juju-info"]) == {"ntp", beside.name}
    with world.store.transaction() as tx:
        tx.update("units", {"model": world.model, "name": "wiki/1"}, life="dying")
    _, printed, _ = await tool(world, "wiki/0", "goal-state --format json")
    assert json.loads(printed)["units"]["wiki/1"]["status"] == "dying"


async def test_the_workload_version_is_shown(related):
    await tool(related, "wiki/0", "application-version-set 1.2.3")
    assert related.do(units.get, "wiki/0").workload_version == "1.2.3"


async def test_credentials_are_for_the_trusted(related):
    code, _, said = await tool(related, "wiki/0", "credential-get")
    assert (code, said) == (1, "ERROR cannot access cloud credentials: permission denied\n")
    related.do(applications.set_config, "wiki", {"trust": "true"})
    code, printed, _ = await tool(related, "wiki/0", "credential-get --format json")
    assert (code, json.loads(printed)["type"]) == (0, "lxd")


async def test_storage_is_listed_located_and_detached(world):
    data = {"storage": {"data": {"type": "filesystem", "multiple": {"range": "0-2"}}}}
    world.deploy(
        "app",
        "env | grep JUJU_STORAGE >> ../seen || true",
        **data,
        storage_directives={"data": {"count": 1}},
    )
    await world.until(lambda: world.do(storage.of_unit, "app/0"))
    assert world.events("app/0") == [], "install waits for the storage"
    world.do(storage.provision, "data/0", "/srv/data-0")
    await world.settled()
    assert world.events("app/0")[:2] == ["data-storage-attached data/0", "install"]
    assert "JUJU_STORAGE_LOCATION=/srv/data-0" in world.written("app/0", "../seen")
    assert await tool(world, "app/0", "storage-list") == (0, "data/0\n", "")
    got = await tool(world, "app/0", "storage-get -s data/0 location")
    assert got == (0, "/srv/data-0\n", "")
    await tool(world, "app/0", "storage-add data=1")
    await world.until(lambda: len(world.do(storage.of_unit, "app/0")) == 2)
    task = await world.run("app/0", "juju-exec", command="storage-add data=1", timeout=0)
    assert task.status == "failed"
    world.remove_unit("app/0")
    await world.until(lambda: "app/0" not in world.do(units.names, "app"))
    assert world.events("app/0")[-3:] == ["data-storage-detaching data/0", "stop", "remove"]


async def test_a_stale_context_is_refused(world):
    """A process that outlived its hook can call no tool with that hook's context."""
    world.deploy(
        "app",
        '[ "$JUJU_HOOK_NAME" = start ] || exit 0\n'
        "(sleep 0.3; config-get > ../late 2>&1) </dev/null >/dev/null 2>&1 &",
    )
    await world.settled()
    await world.until(lambda: "wrong context ID" in world.written("app/0", "../late"))
