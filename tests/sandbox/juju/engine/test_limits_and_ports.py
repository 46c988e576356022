"""What hook tools bound: ports of one machine, sizes of state, databags and secrets, expiry."""

from __future__ import annotations

import pytest

from sandbox.juju.engine import port_ranges
from sandbox.juju.engine.port_ranges import PortRange
from sandbox.juju.state import units

HOST = {"requires": {"host": {"interface": "juju-info", "scope": "container"}}}


async def tool(world, unit, command):
    task = await world.run(unit, "juju-exec", command=command, timeout=0)
    results = task.results
    return results["return-code"], results.get("stdout", ""), results.get("stderr", "")


@pytest.fixture
async def machine(world):
    """wiki/0 and its subordinate ntp/0 on one machine, wiki/1 on another."""
    world.deploy("ntp", subordinate=True, **HOST)
    world.deploy("wiki", num_units=2, provides={"web": {"interface": "http"}})
    world.relate("ntp:host", "wiki")
    await world.until(lambda: len(world.do(units.names, "ntp")) == 2)
    await world.settled()
    world.beside = next(
        u.name for u in world.do(units.of_application, "ntp") if u.principal == "wiki/0"
    )
    return world


async def test_units_of_one_machine_do_not_open_the_same_ports(machine):
    assert (await tool(machine, "wiki/0", "open-port 8000-8010"))[0] == 0
    code, _, said = await tool(machine, machine.beside, "open-port 8010")
    assert (code, said) == (
        1,
        f'ERROR cannot open 8010/tcp (unit "{machine.beside}"): port range conflicts with'
        ' 8000-8010/tcp (unit "wiki/0")\n',
    )
    assert (await tool(machine, machine.beside, "open-port 8010/udp"))[0] == 0
    assert (await tool(machine, "wiki/1", "open-port 8010"))[0] == 0, "another machine"
    await tool(machine, "wiki/0", "close-port 8000-8010")
    assert (await tool(machine, machine.beside, "open-port 8010"))[0] == 0


async def test_a_hook_sees_the_ports_that_it_opens_and_closes(machine):
    command = "open-port 80; open-port 443 --endpoints web; opened-ports --endpoints"
    assert await tool(machine, "wiki/0", command) == (0, "80/tcp (*)\n443/tcp (web)\n", "")
    command = "open-port 90; close-port 80; opened-ports; open-port 85-95 || true; exit 3"
    code, printed, said = await tool(machine, "wiki/0", command)
    assert (code, printed) == (3, "90/tcp\n443/tcp\n")
    assert "conflicts with 90/tcp" in said
    assert "requested earlier" in said


PORTS = {
    "http": 'invalid port "http": strconv.Atoi: parsing "http": invalid syntax',
    "1-2-3": 'invalid port range "1-2-3"',
    "80/sctp": 'invalid protocol "sctp", expected "tcp", "udp", or "icmp"',
    "90-80": "invalid port range 90-80/tcp",
    "80-70000": "port range bounds must be between 0 and 65535, got 80-70000",
    "80/icmp": 'protocol "icmp" doesn\'t support any ports; got "80"',
}


async def test_a_port_that_is_none_is_refused_in_jujus_words(machine):
    for text, refusal in PORTS.items():
        found = await tool(machine, "wiki/0", f"open-port {text}")
        assert found == (2, "", f"ERROR {refusal}\n"), text


async def test_state_has_limits_for_keys_values_and_all(machine):
    """core/quota: the first two at once, the last when the hook's changes are made."""
    code, _, said = await tool(machine, "wiki/0", f"state-set {'k' * 257}=1")
    assert (code, said) == (1, "ERROR max allowed key length (256) exceeded\n")
    fill = "printf '%s: %065536d\\n' $(for n in $(seq {0}); do echo k$n 0; done)"
    code, _, said = await tool(
        machine, "wiki/0", "printf 'k: \"%065537d\"' 0 | state-set --file -"
    )
    assert (code, said) == (1, "ERROR max allowed value length (65536) exceeded\n")
    fits = f"{fill.format(31)} | sed 's/: /: \"/; s/$/\"/' | state-set --file -"
    assert await tool(machine, "wiki/0", fits) == (0, "", "")
    assert len(machine.do(units.get, "wiki/0").state) == 31
    over = f"{fill.format(32)} | sed 's/: /: \"/; s/$/\"/' | state-set --file -"
    task = await machine.run("wiki/0", "juju-exec", command=over, timeout=0)
    assert task.status == "failed"
    assert "max allowed size (2097152) exceeded" in task.results["stderr"]
    assert len(machine.do(units.get, "wiki/0").state) == 31


async def test_secrets_are_bounded_and_expire_in_the_future(machine):
    big = "python3 -c \"print('x' * 800000, end='')\" > ../big; secret-add"
    code, _, said = await tool(machine, "wiki/0", f"{big} --owner unit value#file=../big")
    assert code == 2
    assert 'base64 encoded secret content for key "value" too large: 1066668 bytes' in said
    huge = "python3 -c \"print('x' * 1000001, end='')\" > ../huge; secret-add"
    for words in ("--owner unit value#file=../huge", "--owner unit --file ../huge"):
        code, _, said = await tool(machine, "wiki/0", f"{huge} {words}")
        assert code == 2
        assert said.startswith('ERROR secret content in file "/')
        assert said.endswith('huge" too large: 1000001 bytes\n')
    for expire in ("-1h", "0s"):
        code, _, said = await tool(
            machine, "wiki/0", f"secret-add --owner unit --expire {expire} token=abc"
        )
        assert (code, said) == (2, f'ERROR negative expire duration "{expire}" not valid\n')
    code, printed, _ = await tool(
        machine,
        "wiki/0",
        "printf 'token: file' > ../token;"
        " secret-get $(secret-add --owner unit --file ../token token=argument) token",
    )
    assert (code, printed) == (0, "file\n"), "a file's values are over the arguments'"


def test_the_same_ports_may_be_open_for_several_endpoints():
    web, admin = PortRange("tcp", 80, 80, "web"), PortRange("tcp", 80, 80, "admin")
    assert port_ranges.conflict(web, [admin], {}) is None
    assert port_ranges.conflict(web, [], {"other/0": [admin]}) == (admin, "other/0")
    everywhere = PortRange("tcp", 80, 80)
    assert port_ranges.after([web, admin], [], [everywhere]) == set()
    assert port_ranges.after([web, admin], [], [web]) == {admin}
