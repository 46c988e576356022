"""The command against a running controller: what operators do, and what they are told."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("model")


def test_a_new_model_is_in_focus_and_empty(juju, model):
    assert juju("switch").out == f"sandbox:admin/{model}\n"
    status = juju("status")
    assert status.err == f'\nModel "admin/{model}" is empty.\n'
    assert status.out.splitlines()[1].split()[:2] == [model, "sandbox"]
    shown = juju.json("show-model")[model]
    assert (shown["short-name"], shown["model-type"]) == (model, "iaas")
    assert f"{model}*" in juju("models").out


def test_a_model_can_be_named_on_the_line_or_in_the_environment(juju, model, monkeypatch):
    juju("switch", "sandbox:")
    assert juju.json("status", "-m", f"sandbox:admin/{model}")["model"]["name"] == model
    monkeypatch.setenv("JUJU_MODEL", model)
    assert juju.json("status")["model"]["name"] == model
    missing = juju("status", "-m", "nope", code=1)
    assert missing.err == "ERROR model sandbox:admin/nope not found\n"


def test_charms_are_deployed_related_and_grow(juju, charms):
    deployed = juju("deploy", f"{charms}/web.charm", "site", "-n", "2", "--config", "port=8080")
    assert deployed.err == (
        'Located local charm "web", revision 0\n'
        'Deploying "site" from local charm "web", revision 0 on ubuntu@24.04/stable\n'
    )
    juju("deploy", f"{charms}/front.charm")
    juju("deploy", f"{charms}/helper.charm")
    juju("integrate", "site", "front")
    juju("relate", "helper", "site")
    status = juju.settled("site/0", "site/1", "front/0", "helper/0", "helper/1")
    assert status["applications"]["site"]["version"] == "1.2.3"
    assert status["applications"]["site"]["relations"]["site"][0]["interface"] == "http"
    again = juju("integrate", "site", "front", code=1)
    assert again.err.endswith("Use 'juju status --relations' to view the current relations.\n")
    assert "site:site" in juju("status", "--relations").out
    assert juju.json("config", "site")["settings"]["port"]["value"] == 8080
    juju("add-unit", "site")
    juju.settled("site/0", "site/1", "site/2", "front/0", "helper/0", "helper/1", "helper/2")
    removed = juju("remove-unit", "site/1", "--no-prompt")
    assert removed.out == "will remove unit site/1\n"
    unit = juju.json("show-unit", "front/0")["front/0"]
    assert unit["relation-info"][0]["related-endpoint"] == "site"


def test_options_are_set_reset_and_loaded(juju, charms, tmp_path):
    juju("deploy", f"{charms}/web.charm")
    juju("config", "web", "port=81", "title=it's")
    assert juju("config", "web", "port").out == "81\n"
    juju("config", "web", "--reset", "port")
    assert juju("config", "web", "port").out == "80\n"
    (tmp_path / "web.yaml").write_text("web: {port: 8000}\n")
    juju("config", "web", "--file", str(tmp_path / "web.yaml"))
    assert juju("config", "web", "port").out == "8000\n"
    (tmp_path / "title.txt").write_text("from a file")
    juju("config", "web", f"title=@{tmp_path / 'title.txt'}")
    assert juju("config", "web", "title").out == "from a file\n"
    assert "nope" in juju("config", "web", "nope=1", code=1).err


def test_actions_and_commands_run_and_fail_as_told(juju, charms):
    juju("deploy", f"{charms}/web.charm")
    juju.settled("web/0")
    ran = juju("run", "web/leader", "greet", "name=bob")
    assert "greeting: hello bob" in ran.out
    assert "Running operation 1 with 1 task" in ran.err
    task = juju.json("run", "web/0", "greet")["web/0"]
    assert task["results"] == {"greeting": "hello you", "return-code": 0}
    assert task["log"][0].endswith("greeting")
    unknown = juju("run", "web/0", "nope")
    assert "failed to schedule any tasks" in unknown.err
    assert juju("exec", "--unit", "web/0", "--", "echo hi; echo oops >&2").out == "hi\noops\n"
    failed = juju("exec", "--unit", "web/0", "exit 3", code=1)
    assert "with return code 3" in failed.err
    scheduled = juju("run", "web/0", "greet", "--background").err
    number = scheduled.splitlines()[0].rpartition(" ")[2]
    assert juju.json("show-task", number, "--wait", "20s")["status"] == "completed"
    assert "greet run on web" in juju("operations").out


def test_secrets_are_kept_granted_and_never_shown_unasked(juju, charms):
    juju("deploy", f"{charms}/web.charm")
    uri = juju("add-secret", "maas", "api-key=hunter2", "--info", "the key").out.strip()
    juju("grant-secret", "maas", "web")
    for words in (("secrets",), ("show-secret", "maas"), ("show-secret", uri)):
        shown = juju(*words)
        assert "hunter2" not in shown.out + shown.err
    identity = uri.removeprefix("secret:")
    revealed = juju.json("show-secret", "maas", "--reveal")[identity]
    assert revealed["content"] == {"Data": {"api-key": "hunter2"}}
    assert revealed["access"][0]["target"] == "application-web"
    juju("update-secret", "maas", "api-key=other", "--name", "renamed")
    shown = yaml.safe_load(juju("show-secret", "renamed", "--reveal").out)[identity]
    assert (shown["revision"], shown["content"]) == (2, {"api-key": "other"})
    juju("revoke-secret", "renamed", "web")
    juju("remove-secret", "renamed")
    assert juju("show-secret", "renamed", code=1).err == 'ERROR secret "renamed" not found\n'


def test_clouds_and_credentials_are_added_here_and_there(juju, tmp_path):
    cloud = {"clouds": {"metal": {"type": "maas", "auth-types": ["oauth1"],
                                  "endpoint": "https://127.224.255.2:5443/MAAS"}}}  # fmt: skip
    (tmp_path / "cloud.yaml").write_text(yaml.safe_dump(cloud))
    secret = {"auth-type": "oauth1", "maas-oauth": "a:b:hunter2"}
    (tmp_path / "credentials.yaml").write_text(
        yaml.safe_dump({"credentials": {"metal": {"main": secret}}})
    )
    both = ("--client", "--controller", "sandbox")
    added = juju("add-cloud", "metal", "-f", str(tmp_path / "cloud.yaml"), *both)
    assert 'Cloud "metal" added to controller "sandbox".' in added.err
    juju("add-credential", "metal", "-f", str(tmp_path / "credentials.yaml"), *both)
    assert "metal" in juju("clouds").out
    assert juju.json("clouds", "--client")["metal"]["type"] == "maas"
    for words in (("credentials",), ("show-credential", "metal", "main")):
        shown = juju(*words, "--format", "yaml")
        assert "hunter2" not in shown.out
        assert "main" in shown.out
    assert "hunter2" in juju("credentials", "--client", "--show-secrets", "--format", "yaml").out
    wrong = juju("add-model", "other", code=1)
    assert "this controller manages more than one cloud." in wrong.err
    juju("remove-credential", "metal", "main", *both)
    juju("remove-cloud", "metal", *both)
    assert "metal" not in juju("clouds").out
    unasked = juju("add-cloud", "metal", "-f", str(tmp_path / "cloud.yaml"), code=1)
    assert "Please clarify by re-running the command with the desired option(s)." in unasked.err


def test_a_charm_is_refreshed_from_a_file(juju, charms):
    juju("deploy", f"{charms}/web.charm")
    juju.settled("web/0")
    assert juju("refresh", "web", code=1).err == (
        "ERROR refreshing a local charm requires either --path or --switch\n"
    )
    refreshed = juju("refresh", "web", "--path", f"{charms}/web.charm")
    assert refreshed.err == 'Added local charm "web", revision 1, to the model\n'
    assert juju.settled("web/0")["applications"]["web"]["charm-rev"] == 1
    wrong = juju("refresh", "web", "--path", f"{charms}/front.charm", code=1)
    assert wrong.err == 'ERROR cannot refresh "web" to "front"\n'


BUNDLE = """
name: shop
default-base: ubuntu@24.04/stable
machines:
  "0": {annotations: {rack: a}}
applications:
  web:
    charm: ./web.charm
    num_units: 2
    to: ["0", "lxd:0"]
    options: {title: include-file://title.txt}
    annotations: {gui-x: "1"}
  front: {charm: ./front.charm, num_units: 1, to: ["lxd:web/0"], expose: true}
  helper: {charm: ./helper.charm}
relations:
- [web:site, front:backend]
- [helper, web]
"""


def test_a_bundle_with_an_overlay_deploys_once_and_then_changes_nothing(juju, charms):
    (charms / "title.txt").write_text("welcome")
    (charms / "shop.yaml").write_text(BUNDLE)
    (charms / "overlay.yaml").write_text("applications: {web: {options: {port: 9090}}}")
    words = ("deploy", f"{charms}/shop.yaml", "--overlay", f"{charms}/overlay.yaml")
    dry = juju(*words, "--dry-run")
    assert dry.out.startswith("Changes to deploy bundle:\n- upload charm ")
    assert "line 2: field name not found in bundle" in dry.err
    done = juju(*words)
    assert done.out.replace("Executing changes:", "Changes to deploy bundle:") == dry.out
    assert done.err == "Deploy of bundle completed.\n"
    status = juju.settled("web/0", "web/1", "front/0", "helper/0", "helper/1")
    units = status["applications"]["web"]["units"]
    assert [unit["machine"] for unit in units.values()] == ["0", "0/lxd/0"]
    assert status["applications"]["front"]["units"]["front/0"]["machine"] == "0/lxd/1"
    assert juju("config", "web", "title").out == "welcome\n"
    assert juju("config", "web", "port").out == "9090\n"
    again = juju(*words)
    assert (again.out, again.err) == ("", "No changes to apply.\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "applications: {web: {charm: ./web.charm, num_unit: 2}}",
            "field num_unit not found in applications",
        ),
        (
            "applications: {web: {charm: ./web.charm}}\nrelations: [[web, nope]]",
            'relation ["web" "nope"] refers to application "nope" not defined in this bundle',
        ),
        (
            "applications: {helper: {charm: ./helper.charm, num_units: 1}}",
            'application "helper" is subordinate but has non-zero num_units',
        ),
        (
            "applications: {web: {charm: ./web.charm, trust: true}}",
            "Please repeat the deploy command with the --trust argument",
        ),
        (
            "applications: {web: {charm: ./web.charm, bindings: {'': nowhere}}}",
            'space "nowhere" not found',
        ),
        ("applications: {web: {charm: ./gone.charm}}", "does not exist"),
    ],
)
def test_a_wrong_bundle_is_refused_before_anything_is_done(juju, charms, text, message):
    (charms / "wrong.yaml").write_text(text)
    refused = juju("deploy", f"{charms}/wrong.yaml", code=1)
    assert message in refused.err
    assert juju.json("status")["applications"] == {}


def test_what_is_no_charm_is_refused(juju, tmp_path: pathlib.Path):
    assert juju("deploy", "./nope.charm", code=1).err == (
        'ERROR no charm was found at "./nope.charm"\n'
    )
    (tmp_path / "bad.charm").write_text("not a zip")
    bad = juju("deploy", str(tmp_path / "bad.charm"), code=1)
    assert "invalid charm or bundle provided at" in bad.err


def test_waiting_ends_when_the_goal_is_reached_or_time_is_up(juju, charms, model):
    juju("deploy", f"{charms}/web.charm")
    reached = juju("wait-for", "application", "web", "--timeout", "60s")
    assert 'Application "web" is running' in reached.err
    assert yaml.safe_load(reached.out)["properties"] == {"life": "alive", "status": "active"}
    juju("wait-for", "model", model, "--query", 'forEach(units, u => u.life=="alive")')
    late = juju(
        "wait-for", "unit", "web/0", "--query", 'workload-status=="blocked"',
        "--timeout", "1s", code=1,
    )  # fmt: skip
    assert 'timed out waiting for "web/0" to reach goal state' in late.err


def test_the_log_and_the_history_tell_what_happened(juju, charms):
    juju("deploy", f"{charms}/web.charm")
    juju.settled("web/0")
    log = juju("debug-log", "--replay", "--no-tail", "--include", "web").out
    assert "unit-web-0: " in log
    assert 'ran "install" hook' in log
    assert len(juju("debug-log", "--limit", "2").out.splitlines()) == 2
    history = juju.json("show-status-log", "web/0", "--type", "workload")
    assert history[-1]["status"] == "active"


def test_constraints_exposure_and_trust_are_set_and_shown(juju, charms):
    juju("deploy", f"{charms}/web.charm", "--constraints", "mem=4G tags=a,^b")
    assert "mem=4096M tags=a,^b" in juju("constraints", "web").out
    juju("set-constraints", "web", "cores=2")
    assert "cores=2" in juju("constraints", "web").out
    juju("expose", "web")
    assert juju.json("status")["applications"]["web"]["exposed"]
    juju("unexpose", "web")
    assert not juju.json("show-application", "web")["web"]["exposed"]
    juju("trust", "web")
    assert juju.json("config", "web")["application-config"]["trust"]["value"]
    bad = juju("set-constraints", "web", "colour=red", code=1)
    assert 'unknown constraint "colour"' in bad.err


def test_models_have_options_and_constraints(juju):
    juju("model-config", "update-status-hook-interval=10s")
    assert juju("model-config", "update-status-hook-interval").out == "10s\n"
    shown = juju.json("model-config")["update-status-hook-interval"]
    assert (shown["Value"], shown["Source"]) == ("10s", "model")
    juju("model-config", "--reset", "update-status-hook-interval")
    assert juju.json("model-config")["update-status-hook-interval"]["Source"] != "model"
    juju("set-model-constraints", "mem=1G")
    assert juju.json("model-constraints") == {"mem": 1024}


def test_who_and_where_one_is(juju):
    assert juju.json("whoami")["user"] == "admin"
    assert juju.json("controllers")["current-controller"] == "sandbox"
    shown = json.loads(juju("show-controller", "--format", "json").out)["sandbox"]
    assert shown["account"] == {"user": "admin", "access": "superuser"}
