"""Which records a model keeps, by its logging-config."""

from __future__ import annotations

import pytest

from sandbox.juju.engine.logging_config import keeps


@pytest.mark.parametrize(
    ("config", "logger", "severity", "kept"),
    [
        ("<root>=INFO", "unit.app/0.install", "DEBUG", False),
        ("<root>=INFO", "unit.app/0.install", "INFO", True),
        ("<root>=INFO;unit=DEBUG", "unit.app/0.install", "DEBUG", True),
        ("<root>=INFO; unit = debug", "juju.worker", "DEBUG", False),
        ("unit.app/0=TRACE", "unit.app/0.install", "TRACE", True),
        ("unit.app/0=TRACE", "unit.app/1.install", "TRACE", False),
        ("<root>=warn", "juju", "INFO", False),
        ("", "juju", "WARNING", True),
        ("<root>=loud", "juju", "INFO", False),
    ],
)
def test_a_logger_has_the_level_of_its_nearest_ancestor(config, logger, severity, kept):
    assert keeps(config, logger, severity) is kept
