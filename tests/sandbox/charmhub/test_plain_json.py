"""The runtime's JSON is everybody's JSON."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import plain_json

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(documents)
def test_what_it_writes_others_read_and_what_others_write_it_reads(document):
    assert json.loads(plain_json.dumps(document)) == document
    assert plain_json.loads(json.dumps(document)) == document
    assert plain_json.loads(json.dumps(document, indent=2, ensure_ascii=False)) == document


@pytest.mark.parametrize("text", ["", "  ", "{", '{"a": }', "[1] 2", "nothing"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError):
        plain_json.loads(text)


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "nothing"])
def test_it_is_refused_too_where_the_module_json_is_not_loaded(text):
    code = (
        f"import sys; sys.path[0] = {str(descriptions.FOLDER)!r}\n"
        "from runtime import plain_json\n"
        "assert 'json' not in sys.modules\n"
        f"try: plain_json.loads({text!r})\n"
        "except ValueError: sys.exit(7)"
    )
    assert subprocess.run(["/usr/bin/python3", "-SE", "-c", code], check=False).returncode == 7
