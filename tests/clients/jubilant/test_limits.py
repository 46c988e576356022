"""What Juju takes no more of, and the names that it does not take."""

from __future__ import annotations

import jubilant
import pytest

MEBIBYTE = 1024**2


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("deploy", "web", "shop-1"),
            2,
            'invalid application name "shop-1", unexpected number(s) found after last hyphen',
        ),
        (
            ("deploy", "web", "Shop"),
            2,
            'invalid application name "Shop", unexpected uppercase character',
        ),
        (
            ("deploy", "web", "my_shop"),
            2,
            'invalid application name "my_shop", unexpected character _',
        ),
        (("deploy", "web", "-n", "0"), 2, "--num-units must be a positive integer"),
        (("deploy", "web", "shop", "too"), 2, 'unrecognized args: ["too"]'),
        (
            ("offer", "{model}.web:site", "Offer_1"),
            1,
            'cannot add application offer "Offer_1": offer name "Offer_1" not valid',
        ),
        (("add-secret", "key", "UPPER=x"), 1, 'key "UPPER" not valid'),
        (("run", "web/0", "Greet"), 2, 'invalid unit or action name "Greet"'),
    ],
)
def test_names_that_juju_refuses(deployed, words, code, message):
    words = [word.format(model=deployed.model) for word in words]
    with pytest.raises(jubilant.CLIError) as refusal:
        deployed.cli(*words, include_model=words[0] != "offer")
    assert (refusal.value.returncode, refusal.value.stderr.strip()) == (
        code,
        f"ERROR {message}",
    )


def test_a_secret_holds_a_million_bytes_of_base64(deployed, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(b"x" * 900_000)
    with pytest.raises(jubilant.CLIError) as refusal:
        deployed.cli("add-secret", "large", f"value#file={large}")
    assert 'base64 encoded secret content for key "value" too large' in refusal.value.stderr


def test_a_databag_holds_sixteen_mebibytes(deployed, tmp_path):
    """Over the limit the whole hook fails, and nothing of it is kept."""
    deployed.exec(_relation_set(15), unit="web/0", wait=60)
    with pytest.raises(jubilant.TaskError) as failed:
        deployed.exec(_relation_set(17), unit="web/0", wait=60)
    assert "Resulting document after update is larger than 16777216" in failed.value.task.stderr
    assert failed.value.task.message == "committing requested changes failed"
    assert "cannot apply changes: Resulting document after" in deployed.debug_log()
    kept = deployed.exec(f"relation-get {_RELATION} large web/0 | wc -c", unit="web/0")
    assert int(kept.stdout) == 15 * MEBIBYTE + 1


_RELATION = '-r "$(relation-ids cluster)"'


def _relation_set(mebibytes: int) -> str:
    value = f"head -c {mebibytes * MEBIBYTE} /dev/zero | tr '\\0' x"
    return f"(printf 'large: '; {value}) | relation-set {_RELATION} --file -"


def test_an_action_is_asked_for_what_its_schema_allows(deployed):
    with pytest.raises(ValueError, match="name : must be of type string, given 5"):
        deployed.run("web/0", "greet", {"name": 5})
