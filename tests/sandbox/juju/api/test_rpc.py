"""The RPC itself over a bare WebSocket: framing, refusals, and many calls at once."""

from __future__ import annotations

import contextlib
import json
import ssl
import uuid

import pytest
import websockets

from sandbox.juju.state import accounts, model_removal, models


@contextlib.asynccontextmanager
async def socket(controller, path="/api"):
    context = ssl.create_default_context(cadata=controller.ca)
    async with websockets.connect(f"wss://{controller.endpoint}{path}", ssl=context) as opened:
        yield opened


async def ask(opened, number, facade, version, request, **params):
    frame = {
        "request-id": number,
        "type": facade,
        "version": version,
        "request": request,
        "params": params,
    }
    await opened.send(json.dumps(frame))
    return json.loads(await opened.recv())


ADMIN = ("admin", "letmein")


async def log_in(opened, account=ADMIN):
    user, secret = account
    return await ask(
        opened, 1, "Admin", 3, "Login", **{"auth-tag": f"user-{user}", "credentials": secret}
    )


async def test_nothing_but_admin_is_there_before_the_login(controller, model):
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        answer = await ask(opened, 7, "Client", 8, "FullStatus", patterns=[])
    assert answer == {
        "request-id": 7,
        "error": 'unknown object type "Client"',
        "error-code": "not implemented",
        "response": {},
    }


@pytest.mark.parametrize(
    ("facade", "version", "request_name", "message"),
    [
        ("Nonsense", 1, "Do", 'unknown object type "Nonsense"'),
        ("ModelConfig", 9, "ModelGet", 'unknown version (9) of interface "ModelConfig"'),
        (
            "ModelConfig",
            3,
            "Vanish",
            "no such request - method ModelConfig(3).Vanish is not implemented",
        ),
        ("Admin", 3, "Login", 'unknown object type "Admin"'),
    ],
)
async def test_what_is_not_served_is_refused_in_jujus_words(
    controller, model, facade, version, request_name, message
):
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened)
        answer = await ask(opened, 2, facade, version, request_name)
    assert (answer["error"], answer["error-code"]) == (message, "not implemented")


async def test_each_kind_of_connection_has_its_facades(controller, model):
    async with socket(controller) as opened:
        await log_in(opened)
        answer = await ask(opened, 2, "Application", 20, "Get", application="x")
    assert answer["error"] == ('facade "Application" not supported for controller API connection')
    assert answer["error-code"] == "not supported"
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened)
        answer = await ask(opened, 2, "Cloud", 7, "Clouds")
    assert answer["error"] == 'facade "Cloud" not supported for model API connection'


async def test_an_unknown_model_is_said_to_be_unknown(controller):
    missing = str(uuid.uuid4())
    async with socket(controller, f"/model/{missing}/api") as opened:
        answer = await log_in(opened)
    assert answer["error"] == f'unknown model: "{missing}"'
    assert answer["error-code"] == "model not found"


async def test_what_is_no_uuid_is_no_model(controller):
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with socket(controller, "/model/rubbish/api"):
            pass
    assert refusal.value.response.status_code == 400


async def test_a_login_without_password_is_refused(controller):
    async with socket(controller) as opened:
        answer = await ask(
            opened, 1, "Admin", 3, "Login", **{"auth-tag": "user-admin", "macaroons": []}
        )
        assert answer["error-code"] == "no credentials provided"
        device = await ask(opened, 2, "Admin", 3, "LoginDevice")
        assert device["error-code"] == "not implemented"
        old = await ask(opened, 3, "Admin", 2, "Login")
        assert old["error-code"] == "not supported"
        redirect = await ask(opened, 4, "Admin", 3, "RedirectInfo")
        assert redirect["error"] == "not redirected"
        assert "error" not in await log_in(opened)


async def test_a_parameter_of_the_wrong_type_is_named(controller, model):
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened)
        answer = await ask(opened, 2, "Application", 20, "Get", application=7)
    assert "cannot unmarshal number" in answer["error"]
    assert ".application of type string" in answer["error"]


async def test_a_message_that_is_no_request_ends_the_connection(controller):
    async with socket(controller) as opened:
        await opened.send("what?")
        with pytest.raises(websockets.ConnectionClosed):
            await opened.recv()


async def test_many_calls_are_answered_on_one_connection_even_while_one_waits(controller, model):
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened)
        calls = [
            {"request-id": n, "type": "ModelConfig", "version": 3, "request": "ModelGet"}
            for n in range(2, 22)
        ]
        for call in calls:
            await opened.send(json.dumps(call))
        answers = [json.loads(await opened.recv()) for _ in calls]
    assert sorted(answer["request-id"] for answer in answers) == list(range(2, 22))
    assert all("error" not in answer for answer in answers)


async def test_a_reader_reads_but_changes_nothing(controller, model):
    with controller.state() as tx:
        accounts.add_user(tx, "viewer", "secret")
        models.set_access(tx, model.uuid, "viewer", "read")
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        info = (await log_in(opened, ("viewer", "secret")))["response"]["user-info"]
        assert (info["controller-access"], info["model-access"]) == ("login", "read")
        assert "error" not in await ask(opened, 2, "Client", 8, "FullStatus")
        refused = await ask(opened, 3, "ModelConfig", 3, "ModelSet", config={"mode": ""})
        assert (refused["error"], refused["error-code"]) == (
            "permission denied",
            "unauthorized access",
        )


async def test_access_that_is_taken_away_ends_at_once(controller, model):
    with controller.state() as tx:
        accounts.add_user(tx, "viewer", "secret")
        models.set_access(tx, model.uuid, "viewer", "read")
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened, ("viewer", "secret"))
        with controller.state() as tx:
            models.set_access(tx, model.uuid, "viewer", None)
        refused = await ask(opened, 2, "Client", 8, "FullStatus")
    assert refused["error-code"] == "unauthorized access"


async def test_connections_to_a_model_end_with_it(controller, model):
    async with socket(controller, f"/model/{model.uuid}/api") as opened:
        await log_in(opened)
        with controller.state() as tx:
            model_removal.destroy_model(tx, model.uuid)
        with pytest.raises(websockets.ConnectionClosed):
            await opened.recv()


async def test_a_defect_shows_and_logs_no_parameter(controller, caplog):
    async with socket(controller) as opened:
        await log_in(opened)
        with controller.state() as tx:
            tx.execute("DROP TABLE credentials")
        credential = {"auth-type": "certificate", "attrs": {"client-key": "hush-hush"}}
        answer = await ask(
            opened,
            2,
            "Cloud",
            7,
            "AddCredentials",
            credentials=[{"tag": "cloudcred-sandbox_admin_x", "credential": credential}],
        )
        assert answer["error"] == "internal error in Cloud(7).AddCredentials: OperationalError"
        assert "AddCredentials failed with OperationalError" in caplog.text
        assert "hush-hush" not in caplog.text
        assert "error" not in await ask(opened, 3, "Cloud", 7, "Clouds")
