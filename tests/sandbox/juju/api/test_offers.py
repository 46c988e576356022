"""Offers as clients see them, and what each user may do with them."""

from __future__ import annotations

import pytest
import pytest_asyncio
from juju.errors import JujuAPIError, JujuError

from sandbox.juju.state import accounts, models

URL = "admin/cloud.identity"


@pytest_asyncio.fixture
async def offered(controller, model):
    """keystone's endpoint offered by the administrator, and a user who was granted nothing."""
    with controller.state() as tx:
        accounts.add_user(tx, "bob", "secret", display_name="Bob")
    async with controller.connect(model.uuid) as connection:
        await controller.deploy(connection, model)
    async with controller.connect() as connection:
        await call(controller, connection, "Offer", Offers=[offer(model)])
    return model


def offer(model):
    return {
        "model-tag": f"model-{model.uuid}",
        "application-name": "keystone",
        "offer-name": "identity",
        "endpoints": {"identity-service": "identity-service"},
    }


async def call(controller, connection, request, **params):
    return await controller.call(connection, "ApplicationOffers", 5, request, **params)


async def refused(waiting):
    """The one error of a bulk call, which libjuju raises."""
    with pytest.raises(JujuError) as refusal:
        await waiting
    return refusal.value.args[0][0]


def grant(user, access, action="grant"):
    return [{"user-tag": f"user-{user}", "action": action, "access": access, "offer-url": URL}]


async def test_an_administrator_sees_who_may_use_an_offer(controller, offered):
    async with controller.connect() as connection:
        filters = [{"model-name": "cloud", "owner-name": "admin"}]
        answer = await call(controller, connection, "ListApplicationOffers", Filters=filters)
    (shown,) = answer["results"]
    assert (shown["offer-url"], shown["application-name"]) == (URL, "keystone")
    assert shown["endpoints"] == [
        {"name": "identity-service", "role": "provider", "interface": "keystone", "limit": 0}
    ]
    assert {(user["user"], user["access"]) for user in shown["users"]} == {
        ("admin", "admin"),
        ("everyone@external", "read"),
    }


async def test_a_user_finds_and_consumes_only_what_was_granted(controller, offered):
    async with controller.connect() as admin, controller.connect(None, "bob", "secret") as bob:

        async def find():
            return (await call(controller, bob, "FindApplicationOffers", Filters=[{}]))["results"]

        async def consume():
            urls = {"offer-urls": [URL]}
            answer = await call(controller, bob, "GetConsumeDetails", **{"offer-urls": urls})
            return answer["results"][0]

        assert await find() == []
        assert await refused(consume()) == f'application offer "{URL}" not found'
        await call(controller, admin, "ModifyOfferAccess", changes=grant("bob", "read"))
        (seen,) = await find()
        assert [user["user"] for user in seen["users"]] == ["bob"]
        assert "connections" not in seen
        assert await refused(consume()) == "permission denied"
        await call(controller, admin, "ModifyOfferAccess", changes=grant("bob", "consume"))
        assert (await consume())["offer"]["offer-url"] == URL
        await call(controller, admin, "ModifyOfferAccess", changes=grant("bob", "read", "revoke"))
        assert await find() == []


@pytest.mark.parametrize("request_", ["Offer", "ModifyOfferAccess", "DestroyOffers"])
async def test_only_administrators_change_offers(controller, offered, request_):
    params = {
        "Offer": {"Offers": [offer(offered)]},
        "ModifyOfferAccess": {"changes": grant("bob", "admin")},
        "DestroyOffers": {"offer-urls": [URL]},
    }[request_]
    async with controller.connect(None, "bob", "secret") as bob:
        assert await refused(call(controller, bob, request_, **params)) == "permission denied"


async def test_a_user_cannot_consume_with_details_of_another(controller, offered):
    """The offer's uuid alone opens nothing: Consume asks who calls."""
    with controller.state() as tx:
        own = models.add_model(tx, "own", "bob", "sandbox")
    async with controller.connect() as admin:
        urls = {"offer-urls": {"offer-urls": [URL]}}
        details = (await call(controller, admin, "GetConsumeDetails", **urls))["results"][0]
    async with controller.connect(own.uuid, "bob", "secret") as bob:
        consume = controller.call(bob, "Application", 20, "Consume", args=[details["offer"]])
        assert await refused(consume) == "permission denied"


@pytest.mark.parametrize(
    ("offers", "message"),
    [([], "expected exactly one offer, got 0"), ([{}, {}], "expected exactly one offer, got 2")],
)
async def test_offers_are_made_one_by_one(controller, offered, offers, message):
    async with controller.connect() as connection:
        with pytest.raises(JujuAPIError, match=message):
            await call(controller, connection, "Offer", Offers=offers)
