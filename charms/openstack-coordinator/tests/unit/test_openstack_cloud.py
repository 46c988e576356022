"""The openstack_cloud contract: what is published is read back, and nothing half-done is."""

from __future__ import annotations

import pydantic
import pytest
from charms.openstack_coordinator.v0.openstack_cloud import (
    OpenStackCloud,
    to_databag,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = "secret:d4n5q3f6qsvs7b2k1vt0"
TEXT = st.text(min_size=1, max_size=40)


clouds = st.one_of(
    st.builds(OpenStackCloud, ready=st.just(False), reason=TEXT, release=st.text()),
    st.builds(
        OpenStackCloud,
        ready=st.just(True),
        region=TEXT,
        auth_url=TEXT,
        ca_certificate=st.text(),
        credentials=st.just(SECRET),
    ),
)


@given(clouds)
def test_what_was_published_is_read_back(cloud: OpenStackCloud) -> None:
    assert OpenStackCloud.model_validate_json(to_databag(cloud)["cloud"]) == cloud


@pytest.mark.parametrize("missing", ["region", "auth_url", "credentials"])
def test_a_ready_cloud_that_lacks_something_cannot_be_published(missing: str) -> None:
    whole = {
        "region": "RegionOne",
        "auth_url": "https://10.0.0.1:5000/v3",
        "credentials": SECRET,
    }
    del whole[missing]
    with pytest.raises(pydantic.ValidationError, match=f"{missing} is missing"):
        OpenStackCloud.model_validate({"ready": True, **whole})


def test_a_cloud_that_is_not_ready_says_why() -> None:
    with pytest.raises(pydantic.ValidationError, match="reason is missing"):
        OpenStackCloud(ready=False)


def test_credentials_are_the_id_of_a_secret_and_never_their_text() -> None:
    with pytest.raises(pydantic.ValidationError, match="credentials"):
        OpenStackCloud(ready=True, region="r", auth_url="u", credentials="password")


def test_fields_of_a_later_provider_are_ignored() -> None:
    document = '{"ready": false, "reason": "not yet", "volumes": "fast"}'
    assert OpenStackCloud.model_validate_json(document).reason == "not yet"


def test_a_document_of_another_version_is_not_guessed_at() -> None:
    with pytest.raises(pydantic.ValidationError, match="version"):
        OpenStackCloud.model_validate_json('{"version": 2, "ready": false, "reason": "x"}')
