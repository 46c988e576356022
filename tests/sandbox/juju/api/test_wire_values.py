"""Tags, parameters and frames: pure, whatever a client sends."""

from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju.api import framing, tags
from sandbox.juju.api.parameters import Fields, parse_time
from sandbox.juju.errors import JujuError

NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*){0,3}", fullmatch=True)
NUMBERS = st.integers(min_value=0, max_value=10**6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda children: st.lists(children) | st.dictionaries(st.text(max_size=10), children),
    max_leaves=10,
)


@given(NAMES, NUMBERS)
def test_a_units_tag_names_the_unit(application, number):
    name = f"{application}/{number}"
    assert tags.unit(tags.for_unit(name)) == name
    assert tags.for_receiver(name) == tags.for_unit(name)


@given(NUMBERS, st.lists(NUMBERS, max_size=1))
def test_a_machines_tag_names_the_machine(host, containers):
    machine = "/lxd/".join(str(number) for number in [host, *containers])
    assert tags.machine(tags.for_machine(machine)) == machine
    assert tags.for_receiver(machine) == tags.for_machine(machine)


@given(NAMES, NAMES, st.text("abc_%5f-", min_size=1))
def test_a_credentials_tag_names_the_credential(cloud, owner, name):
    plain = name.replace("%", "")
    if plain:
        tag = tags.for_credential(cloud, owner, plain)
        assert tags.credential(tag) == (cloud, owner, plain)


@pytest.mark.parametrize(
    ("parse", "tag", "message"),
    [
        (tags.unit, "machine-0", '"machine-0" is not a valid unit tag'),
        (tags.unit, "unit-keystone", '"unit-keystone" is not a valid unit tag'),
        (tags.model, "model-1", '"model-1" is not a valid model tag'),
        (tags.user, "user-", '"user-" is not a valid tag'),
        (tags.machine, "nonsense", '"nonsense" is not a valid tag'),
        (tags.credential, "cloudcred-a_b", '"cloudcred-a_b" is not a valid cloudcred tag'),
    ],
)
def test_what_is_no_such_tag_is_refused_in_jujus_words(parse, tag, message):
    with pytest.raises(JujuError) as refusal:
        parse(tag)
    assert str(refusal.value) == message


@given(st.datetimes(timezones=st.just(datetime.timezone.utc)))
def test_a_time_is_read_as_go_writes_it(moment):
    text = moment.isoformat().replace("+00:00", "Z")
    assert parse_time(text) == moment
    head, dot, decimals = text.removesuffix("Z").partition(".")
    if dot:
        assert parse_time(f"{head}.{decimals}999Z") == moment


def refusal_of(read):
    """The message of a refusal, or none."""
    try:
        read()
    except JujuError as refusal:
        return str(refusal)
    return ""


@given(JSON)
def test_parameters_of_any_shape_are_read_or_refused_by_name(value):
    fields = Fields.parse({"member": value})
    readers = (
        fields.text,
        fields.number,
        fields.flag,
        fields.texts,
        fields.text_map,
        fields.each,
        fields.fields,
    )
    for read in readers:
        message = refusal_of(lambda read=read: read("member"))
        assert not message or ".member of type" in message


@given(JSON.filter(lambda value: value is not None and not isinstance(value, dict)))
def test_parameters_that_are_no_object_are_refused(value):
    assert "cannot unmarshal" in refusal_of(lambda: Fields.parse(value))


def test_names_match_whatever_their_case():
    assert Fields({"CharmName": "keystone"}).text("charmname") == "keystone"
    assert Fields({"num-units": 3}).number("Num-Units") == 3


@given(JSON)
def test_a_message_is_a_request_or_a_bad_frame(value):
    try:
        request = framing.parse_request(json.dumps(value))
    except framing.BadFrame:
        return
    assert isinstance(request.number, int)
