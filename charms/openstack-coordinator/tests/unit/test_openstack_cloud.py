"""The openstack_cloud contract: what is published is read back, and nothing half-done is."""

from __future__ import annotations

import pydantic
import pytest
from charms.openstack_coordinator.v0.openstack_cloud import (
    OpenStackCloud,
    TenantCredentials,
    to_databag,
)
from charms.openstack_coordinator.v0.openstack_cloud_testing import tenant_credentials
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
        generation=st.integers(1, 1000),
    ),
)


@given(clouds)
def test_what_was_published_is_read_back(cloud: OpenStackCloud) -> None:
    assert OpenStackCloud.model_validate_json(to_databag(cloud)["cloud"]) == cloud


@pytest.mark.parametrize("missing", ["region", "auth_url", "credentials", "generation"])
def test_a_ready_cloud_that_lacks_something_cannot_be_published(missing: str) -> None:
    whole = {
        "region": "RegionOne",
        "auth_url": "https://10.0.0.1:5000/v3",
        "credentials": SECRET,
        "generation": 1,
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


def test_credentials_are_read_back_from_the_content_of_their_secret() -> None:
    whole = tenant_credentials(3)
    assert TenantCredentials.model_validate(whole.to_content()) == whole


def test_credentials_that_lack_a_key_are_told_by_the_key_and_never_show_a_value() -> None:
    content = tenant_credentials().to_content()
    del content["username"]
    with pytest.raises(pydantic.ValidationError, match="username") as refused:
        TenantCredentials.model_validate(content)
    assert content["password"] not in str(refused.value)
    assert content["password"] not in repr(tenant_credentials())
