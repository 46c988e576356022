"""Relations between models of one controller."""

from __future__ import annotations

import json

import jubilant
import pytest

from tests.clients.jubilant.conftest import settle


@pytest.fixture
def database(juju, charms):
    """A model with a database; `juju` itself is another."""
    with jubilant.temp_model() as client:
        client.wait_timeout = 60
        client.deploy(charms / "db.charm")
        yield client
        for offer in client.status().offers:
            client.cli(
                "remove-offer", f"{client.model}.{offer}", "--force", "-y", include_model=False
            )


def test_an_offer_is_found_consumed_related_and_withdrawn(juju, database, charms):
    database.offer("db", endpoint="sql", name="mysql")
    url = f"admin/{database.model}.mysql"
    found = json.loads(juju.cli("find-offers", "--format", "json", include_model=False))
    assert found[f"sandbox:{url}"]["endpoints"] == {
        "sql": {"interface": "mysql", "role": "provider"}
    }
    shown = json.loads(juju.cli("show-offer", url, "--format", "json", include_model=False))
    assert shown[f"sandbox:{url}"]["description"] == "The db."

    juju.deploy(charms / "web.charm")
    juju.consume(f"{database.model}.mysql", "sql", owner="admin")
    juju.integrate("web", "sql", via="127.0.0.0/8")
    status = juju.wait(
        lambda s: s.apps["web"].app_status.message.startswith("at mysql://db/0"), delay=0.4
    )
    saas = status.app_endpoints["sql"]
    assert (saas.url, saas.app_status.current) == (f"sandbox:{url}", "active")
    assert saas.relations == {"sql": ["web"]}
    offered = database.wait(lambda s: s.offers["mysql"].active_connected_count == 1, delay=0.4)
    assert offered.offers["mysql"].total_connected_count == 1
    (relation,) = juju.show_unit("web/0").relation_info[-1:]
    assert relation.cross_model
    assert relation.related_units["sql/0"].data["url"] == "mysql://db/0"
    (related,) = database.show_unit("db/0").relation_info[-1:]
    (consumer,) = related.related_units.values()
    assert consumer.data["egress-subnets"] == "127.0.0.0/8", "what --via says"
    offers = json.loads(database.cli("offers", "--format", "json"))
    (connection,) = offers["mysql"]["connections"]
    assert connection["ingress-subnets"] == ["127.0.0.0/8"]
    goal = json.loads(juju.exec("goal-state --format json", unit="web/0").stdout)
    (of_store,) = goal["relations"]["store"].items()
    assert of_store[0] == f"sandbox:{url}", "no units of another model"
    assert of_store[1]["status"] == "joined"
    goal = json.loads(database.exec("goal-state --format json", unit="db/0").stdout)
    assert goal["relations"] == {}, "who offers does not hear of consumers"

    with pytest.raises(jubilant.CLIError) as refusal:
        database.cli("remove-offer", url, "-y", include_model=False)
    assert 'cannot delete application offer "mysql": offer has 1 relation' in refusal.value.stderr
    with pytest.raises(jubilant.CLIError) as refusal:
        database.remove_application("db")
    assert "application is used by 1 offer" in refusal.value.stderr

    juju.remove_relation("web", "sql")
    juju.wait(lambda s: s.apps["web"].app_status.message == "ready", delay=0.4)
    juju.cli("remove-saas", "sql")
    assert juju.status().app_endpoints == {}
    database.cli("remove-offer", url, "-y", include_model=False)
    assert database.status().offers == {}


def test_integrating_with_a_url_consumes_it(juju, database, charms):
    database.offer(f"{database.model}.db", endpoint=["sql", "backup"])
    juju.deploy(charms / "web.charm")
    juju.integrate("web", f"admin/{database.model}.db")
    juju.wait(lambda s: s.apps["web"].app_status.message.startswith("at mysql://"), delay=0.4)
    assert set(juju.status().app_endpoints["db"].endpoints) == {"sql", "backup"}
    exported = juju.cli("export-bundle")
    assert f"url: sandbox:admin/{database.model}.db" in exported
    assert "- - web:store\n  - db:sql" in exported
    assert "relations" not in database.cli("export-bundle")


def test_a_secret_is_granted_across_models_and_its_changes_are_told(juju, database, charms):
    database.offer("db", endpoint="sql")
    juju.deploy(charms / "web.charm")
    juju.integrate("web", f"admin/{database.model}.db")
    juju.wait(lambda s: s.apps["web"].app_status.message.startswith("at mysql://"), delay=0.4)
    made = database.exec("secret-add password=hunter2", unit="db/0")
    uri = made.stdout.strip()
    with pytest.raises(jubilant.TaskError) as refusal:
        juju.exec(f"secret-get {uri}", unit="web/0")
    assert "permission denied" in refusal.value.task.stderr
    database.exec(f'secret-grant {uri} --relation "$(relation-ids sql)"', unit="db/0")
    assert juju.exec(f"secret-get {uri} --label db", unit="web/0").stdout == "password: hunter2\n"
    database.exec(f"secret-set {uri} password=hunter3", unit="db/0")
    juju.wait(lambda _: 'ran "secret-changed"' in juju.debug_log(), delay=0.5, successes=1)
    assert juju.exec("secret-get --label db", unit="web/0").stdout == "password: hunter2\n"
    refreshed = juju.exec("secret-get --label db --refresh", unit="web/0")
    assert refreshed.stdout == "password: hunter3\n"


def test_a_relation_is_suspended_by_those_who_offer(juju, database, charms):
    database.offer("db", endpoint="sql")
    juju.deploy(charms / "web.charm")
    juju.integrate("web", f"admin/{database.model}.db")
    juju.wait(lambda s: s.apps["web"].app_status.message.startswith("at mysql://"), delay=0.4)
    offers = json.loads(database.cli("offers", "--format", "json"))
    (connection,) = offers["db"]["connections"]
    assert connection["status"]["current"] == "joined"
    number = str(connection["relation-id"])
    database.cli("suspend-relation", number, "--message", "maintenance")
    juju.wait(lambda s: s.apps["web"].app_status.message == "ready", delay=0.4)
    database.cli("resume-relation", number)
    juju.wait(lambda s: s.apps["web"].app_status.message.startswith("at mysql://"), delay=0.4)


def test_an_offer_that_is_withdrawn_by_force_leaves_a_terminated_saas(juju, database, charms):
    database.offer("db", endpoint="sql")
    juju.deploy(charms / "web.charm")
    juju.integrate("web", f"admin/{database.model}.db")
    settle(juju)
    database.cli("remove-offer", f"{database.model}.db", "--force", "-y", include_model=False)
    status = juju.wait(
        lambda s: (
            s.app_endpoints["db"].app_status.current == "terminated"
            and not s.app_endpoints["db"].relations
        ),
        delay=0.4,
    )
    assert status.app_endpoints["db"].app_status.message == "offer has been removed"
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.integrate("web", "db")
    assert "first run\n'juju remove-saas db'" in refusal.value.stderr


def test_what_a_user_was_not_granted_is_not_there(juju, database, controller, tmp_path):
    database.offer("db", endpoint="sql")
    user = f"bob{controller.series[0]}"
    url = f"admin/{database.model}.db"
    database.cli("add-user", user, include_model=False)
    database.cli("change-user-password", user, "--no-prompt", include_model=False, stdin="pw\n")
    database.cli("grant", user, "consume", url, include_model=False)
    with pytest.raises(jubilant.CLIError) as refusal:
        database.cli("grant", user, "read", url, include_model=False)
    assert refusal.value.stderr == 'ERROR user already has "read" access or greater\n'
    shown = json.loads(database.cli("show-offer", url, "--format", "json", include_model=False))
    assert shown[f"sandbox:{url}"]["users"][user] == {"access": "consume"}
    database.cli("revoke", user, "read", url, include_model=False)
    shown = json.loads(database.cli("show-offer", url, "--format", "json", include_model=False))
    assert user not in shown[f"sandbox:{url}"]["users"]
    for level, did in (
        ("read", "revoke offer access"),
        ("consume", "set offer access to read-only"),
        ("admin", "set offer access to read-consume"),
    ):
        with pytest.raises(jubilant.CLIError) as refusal:
            database.cli("revoke", user, level, url, include_model=False)
        assert refusal.value.stderr.startswith(
            f'ERROR could not {did}: user permission for "us#{user}" on "ao#'
        )
    with pytest.raises(jubilant.CLIError) as refusal:
        database.cli("grant", "nobody", "read", url, include_model=False)
    assert refusal.value.stderr == (
        'ERROR could not grant offer access: user "nobody" does not exist locally:'
        ' user "nobody" not found\n'
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("offer", "web"), 2, "endpoints must conform to format"),
        (
            ("offer", "{model}.nothing:sql"),
            1,
            'getting offered application nothing: application "nothing"',
        ),
        (("consume", "admin/nothing.db"), 1, 'model "admin/nothing" not found'),
        (("consume", "nothing"), 2, "application offer URL has invalid form"),
        (("remove-saas", "nothing"), 1, 'saas application "nothing" not found'),
        (("find-offers", "--offer", "nothing"), 1, "no matching application offers found"),
    ],
)
def test_refusals_end_with_juju_s_exit_codes_and_words(deployed, words, code, message):
    words = [word.format(model=deployed.model) for word in words]
    with pytest.raises(jubilant.CLIError) as refusal:
        deployed.cli(*words, include_model=words[0] not in ("offer", "find-offers"))
    assert refusal.value.returncode == code
    assert message in refusal.value.stderr
