"""Secrets of charms and users, through the hook tools and the hooks that they bring."""

from __future__ import annotations

import datetime
import json

import pytest

from sandbox.juju import clock
from sandbox.juju.state import (
    applications,
    leases,
    relations,
    removal,
    runs,
    secret_values,
    secrets,
    units,
)
from sandbox.juju.state.store import Transaction

DATABASE = {"provides": {"db": {"interface": "sql"}}}
CLIENT = {"requires": {"db": {"interface": "sql"}}}


async def tool(world, unit, command):
    task = await world.run(unit, "juju-exec", command=command, timeout=0)
    results = task.results
    return results["return-code"], results.get("stdout", ""), results.get("stderr", "")


async def owned(world, options=""):
    """A new secret of mysql's, by its id."""
    code, uri, said = await tool(world, "mysql/0", f"secret-add {options} password=hunter2")
    assert (code, said) == (0, "")
    assert uri.startswith(f"secret://{world.model}/")
    return uri.strip().rpartition("/")[2]


def contents(world, secret):
    with world.store.transaction() as tx:
        return [
            secret_values.decode(secrets.content(tx, world.model, secret, r.number))
            for r in secrets.revisions(tx, world.model, secret)
        ]


def rewind(world, table, column, **where):
    """Let a time in the store be a minute ago."""
    past = clock.stamp(clock.now() - datetime.timedelta(minutes=1))

    def change(tx: Transaction, model: str) -> None:
        tx.update(table, {"model": model, **where}, **{column: past})
        tx.touch("secret", model, where.get("id") or where["secret"])

    world.do(change)


@pytest.fixture
async def related(world):
    world.deploy("mysql", **DATABASE)
    world.deploy("wiki", 'echo "label=$JUJU_SECRET_LABEL" > ../label', num_units=2, **CLIENT)
    world.db = world.relate("wiki", "mysql").id
    await world.settled()
    return world


async def test_a_granted_secret_is_read_and_a_revoked_one_is_not(related):
    secret = await owned(related)
    read = f"secret-get secret:{secret} password"
    assert await tool(related, "wiki/0", read) == (1, "", "ERROR permission denied\n")
    await tool(related, "mysql/0", f"secret-grant secret:{secret} -r {related.db}")
    assert await tool(related, "wiki/0", read) == (0, "hunter2\n", "")
    await tool(related, "mysql/0", f"secret-revoke secret:{secret} --app wiki")
    assert await tool(related, "wiki/0", read) == (1, "", "ERROR permission denied\n")


async def test_a_grant_to_one_unit_is_that_units(related):
    secret = await owned(related)
    grant = f"secret-grant secret:{secret} -r {related.db} --unit wiki/1"
    assert await tool(related, "mysql/0", grant) == (0, "", "")
    assert (await tool(related, "wiki/0", f"secret-get secret:{secret}"))[0] == 1
    assert (await tool(related, "wiki/1", f"secret-get secret:{secret}"))[0] == 0
    wider = f"secret-grant secret:{secret} -r {related.db}"
    assert "unit level grants" in (await tool(related, "mysql/0", wider))[2]


async def test_a_grant_ends_with_its_relation(related):
    secret = await owned(related)
    await tool(related, "mysql/0", f"secret-grant secret:{secret} -r {related.db}")
    related.do(removal.destroy_relation, related.db)
    await related.until(lambda: not related.do(relations.all_relations))
    assert (await tool(related, "wiki/0", f"secret-get secret:{secret}"))[0] == 1


async def test_consumers_track_a_revision_until_they_refresh(related):
    """secret-changed tells of a new one; secret-remove tells the owner that none reads the old."""
    secret = await owned(related, "--label private")
    await tool(related, "mysql/0", f"secret-grant secret:{secret} -r {related.db}")
    read = f"secret-get secret:{secret} password"
    for unit in ("wiki/0", "wiki/1"):
        await tool(related, unit, read)
    await tool(related, "mysql/0", f"secret-set secret:{secret} password=correct-horse")
    await related.settled()
    assert related.events("wiki/0")[-1] == f"secret-changed {secret}"
    assert related.written("wiki/0", "../label") == "label=\n", "the owner's label is its own"
    assert await tool(related, "wiki/0", read) == (0, "hunter2\n", "")
    assert await tool(related, "wiki/0", f"{read} --peek") == (0, "correct-horse\n", "")
    assert await tool(related, "wiki/0", read) == (0, "hunter2\n", "")
    assert await tool(related, "wiki/0", f"{read} --refresh") == (0, "correct-horse\n", "")
    assert f"secret-remove {secret}" not in related.events("mysql/0")
    await tool(related, "wiki/1", f"{read} --refresh")
    await related.settled()
    assert related.events("mysql/0").count(f"secret-remove {secret}") == 1
    assert related.events("wiki/0").count(f"secret-changed {secret}") == 1


async def test_the_same_content_makes_no_revision(related):
    secret = await owned(related)
    await tool(related, "mysql/0", f"secret-set secret:{secret} password=hunter2")
    assert contents(related, secret) == [{"password": "hunter2"}]


async def test_labels_find_secrets_for_owners_and_consumers(related):
    secret = await owned(related, "--label mine --description 'for wiki'")
    await tool(related, "mysql/0", f"secret-grant secret:{secret} -r {related.db}")
    read = await tool(related, "mysql/0", "secret-get --label mine")
    assert read == (0, "password: hunter2\n", "")
    await tool(related, "wiki/0", f"secret-get secret:{secret} --label theirs")
    read = await tool(related, "wiki/0", "secret-get --label theirs")
    assert read == (0, "password: hunter2\n", "")
    again = await tool(related, "mysql/0", "secret-add --label mine password=other1")
    assert (again[0], "already exists" in again[2]) == (1, True)
    assert len(related.do(secrets.of_model)) == 1


async def test_what_a_hook_did_is_seen_by_the_hook_itself(related):
    command = (
        "id=$(secret-add --label x token=first1); secret-get $id token; secret-get --label x;"
        " secret-set $id token=second2; secret-info-get --label x --format json; secret-ids"
    )
    code, printed, said = await tool(related, "mysql/0", command)
    assert (code, said) == (0, "")
    first, second, info, listed = printed.splitlines()
    assert (first, second) == ("first1", "token: first1")
    assert json.loads(info) == {listed: {"revision": 1, "label": "x", "owner": "application"}}
    assert contents(related, listed) == [{"token": "second2"}]


async def test_only_the_leader_manages_the_applications_secrets(related):
    leader = next(u for u in ("wiki/0", "wiki/1") if "leader-elected" in related.events(u))
    minion = "wiki/1" if leader == "wiki/0" else "wiki/0"
    refused = await tool(related, minion, "secret-add token=abcdef")
    assert refused == (1, "", "ERROR this unit is not the leader\n")
    code, uri, _ = await tool(related, leader, "secret-add token=abcdef")
    assert code == 0
    refused = await tool(related, minion, f"secret-set {uri.strip()} token=changed")
    assert refused == (1, "", "ERROR this unit is not the leader\n")
    assert await tool(related, minion, f"secret-get {uri.strip()} token") == (0, "abcdef\n", "")
    code, uri, _ = await tool(related, minion, "secret-add --owner unit token=ownone")
    assert code == 0
    assert (await tool(related, leader, f"secret-get {uri.strip()}"))[0] == 1


async def test_values_come_from_files_and_base64(related):
    command = (
        "printf 'line\\n' > ../value; secret-add cert#file=../value blob#base64=AAE="
        " | xargs -I ID sh -c 'secret-get --format json ID cert; secret-get ID blob#base64'"
    )
    assert (await tool(related, "mysql/0", command))[:2] == (0, '"line\\n"\nAAE=\n')
    binary = (
        "printf '\\377\\000' > ../blob; secret-get $(secret-add blob#file=../blob) blob#base64"
    )
    assert (await tool(related, "mysql/0", binary))[:2] == (0, "/wA=\n")
    broken = "printf 'a: [hunter2' > ../bad; secret-add --file ../bad"
    code, _, said = await tool(related, "mysql/0", broken)
    assert (code, said) == (2, "ERROR the file with the secret's values is not YAML\n")
    for bad in ("x=1", "UPPER=value", "noequals"):
        code, _, said = await tool(related, "mysql/0", f"secret-add {bad}")
        assert (code, "not valid" in said) == (2, True)


async def test_rotation_is_asked_for_when_it_is_due(related):
    secret = await owned(related, "--rotate hourly")
    await related.settled()
    rewind(related, "secrets", "next_rotate", id=secret)
    await related.until(lambda: f"secret-rotate {secret}" in related.events("mysql/0"))
    await related.settled()
    assert related.events("mysql/0").count(f"secret-rotate {secret}") == 1
    upcoming = clock.parse(related.do(secrets.get, secret).next_rotate)
    assert upcoming > clock.now(), "a charm that did not rotate is asked again later"


async def test_an_expired_revision_is_told_to_its_owner(related):
    secret = await owned(related, "--expire 24h")
    rewind(related, "secret_revisions", "expire", secret=secret, revision=1)
    await related.until(lambda: f"secret-expired {secret}" in related.events("mysql/0"))
    await related.settled()
    assert related.events("mysql/0").count(f"secret-expired {secret}") == 1
    await tool(related, "mysql/0", f"secret-remove secret:{secret} --revision 1")
    assert related.do(secrets.of_model) == []


async def test_a_user_secret_is_read_by_whom_it_was_granted(related):
    made = related.do(
        secrets.create,
        "model",
        related.model,
        secret_values.encode({"token": "abcdef"}),
        label="mine",
    )
    read = f"secret-get {made.uri} token"
    assert (await tool(related, "wiki/0", read))[0] == 1
    related.do(secrets.grant, made.id, "application", "wiki")
    assert await tool(related, "wiki/0", read) == (0, "abcdef\n", "")
    related.do(secrets.update, made.id, content=secret_values.encode({"token": "ghijkl"}))
    await related.settled()
    assert related.events("wiki/0")[-1] == f"secret-changed {made.id}"
    related.do(secrets.remove, made.id)
    await related.settled()
    assert (await tool(related, "wiki/0", read))[0] == 1


async def test_a_units_secrets_go_with_it(related):
    code, _, _ = await tool(related, "wiki/1", "secret-add --owner unit token=ownone")
    assert code == 0
    related.remove_unit("wiki/1")
    await related.until(lambda: "wiki/1" not in related.do(units.names, "wiki"))
    assert related.do(secrets.of_model) == []


async def test_no_value_is_in_the_log_the_record_or_a_refusal(related):
    secret = await owned(related, "--label s")
    await tool(related, "mysql/0", f"secret-set secret:{secret} password=hunter22")
    await tool(related, "mysql/0", "secret-add password=hunter2 BAD=hunter2")
    related.engine.runtime.journal.flush()
    recorded = [run.changes for run in related.do(runs.of_unit, "mysql/0")]
    assert {"secrets": {"updated": [secret]}} in recorded
    text = json.dumps(recorded) + "\n".join(related.log())
    assert "hunter2" not in text


async def test_the_lease_moves_on_when_the_leader_is_gone(world):
    world.deploy("app", num_units=2, peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    leader = next(u for u in ("app/0", "app/1") if "leader-elected" in world.events(u))
    other = "app/1" if leader == "app/0" else "app/0"
    world.remove_unit(leader)
    await world.until(lambda: "leader-elected" in world.events(other))


async def test_a_former_leaders_write_is_refused_with_its_whole_hook(world):
    """The lease goes to the other unit in the middle of a hook of the leader."""
    script = (
        '[ "$JUJU_HOOK_NAME" = config-changed ] || exit 0\n'
        '[ "$(config-get go)" = True ] && [ "$(is-leader)" = True ] || exit 0\n'
        "relation-set --app -r cluster:0 written=yes; state-set written=yes\n"
        "[ -e ../waited ] && exit 0; touch ../waited ../now; sleep 0.5"
    )
    world.deploy(
        "app",
        script,
        num_units=2,
        peers={"cluster": {"interface": "cluster"}},
        config={"go": {"type": "boolean", "default": False}},
    )
    await world.settled()
    leader = next(u for u in ("app/0", "app/1") if "leader-elected" in world.events(u))
    other = "app/1" if leader == "app/0" else "app/0"
    world.do(applications.set_config, "app", {"go": "true"})
    await world.until(lambda: (world.charm_folder(leader) / "../now").exists())

    def usurp(tx: Transaction, model: str) -> None:
        leases.revoke(tx, model, leader)
        assert leases.claim(tx, model, other, clock.now().timestamp())

    world.do(usurp)
    await world.until(lambda: any("is not leader of" in line for line in world.log()))
    await world.settled()
    assert world.do(units.get, leader).state == {}
