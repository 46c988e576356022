"""User secrets."""

from __future__ import annotations

import jubilant
import pytest


def test_a_secret_s_life(deployed):
    uri = deployed.add_secret("maas", {"api-key": "hunter2"}, info="the key")
    deployed.grant_secret("maas", "web")
    deployed.config("web", {"credentials": uri})
    assert deployed.show_secret(uri, reveal=True).content == {"api-key": "hunter2"}
    shown = deployed.show_secret("maas")
    assert (shown.name, shown.description, shown.revision) == ("maas", "the key", 1)
    assert not hasattr(shown, "content")
    read = deployed.exec("secret-get", uri.unique_identifier, unit="web/0")
    assert "hunter2" in read.stdout
    deployed.update_secret("maas", {"api-key": "hunter3"}, info="the new key", auto_prune=True)
    revealed = deployed.show_secret("maas", reveal=True)
    assert (revealed.revision, revealed.content) == (2, {"api-key": "hunter3"})
    revisions = deployed.show_secret("maas", revisions=True).revisions
    assert [revision.revision for revision in revisions] == [1, 2]
    assert [secret.name for secret in deployed.secrets()] == ["maas"]
    assert deployed.secrets(owner="web") == []
    deployed.remove_secret("maas", revision=1)
    deployed.remove_secret("maas")
    assert deployed.secrets() == []


def test_a_secret_that_was_not_granted_is_not_read(deployed):
    uri = deployed.add_secret("private", {"value": "x"})
    with pytest.raises(jubilant.TaskError) as refusal:
        deployed.exec("secret-get", uri.unique_identifier, unit="web/0")
    assert "permission denied" in refusal.value.task.stderr
    deployed.remove_secret("private")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show-secret", "nothing"), 'secret "nothing" not found'),
        (("remove-secret", "nothing"), 'secret "nothing" not found'),
        (("grant-secret", "nothing", "web"), 'secret "nothing" not found'),
        (("add-secret", "small", "A=b"), 'key "A" not valid'),
        (("add-secret", "empty"), "missing secret value or filename"),
    ],
)
def test_refusals_in_juju_s_words(deployed, words, message):
    with pytest.raises(jubilant.CLIError) as refusal:
        deployed.cli(*words)
    assert message in refusal.value.stderr
