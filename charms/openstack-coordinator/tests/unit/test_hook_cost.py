"""A hook that does not look at the model costs no more than ops itself."""

from __future__ import annotations

import pathlib
import subprocess
import sys

SRC = pathlib.Path(__file__).parents[2] / "src"


def test_the_charm_imports_no_heavy_library_before_it_needs_it() -> None:
    program = "import sys, charm; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SRC)},
        check=True,
        capture_output=True,
        text=True,
    )
    imported = set(done.stdout.split())
    assert "ops" in imported
    assert not imported & {
        "juju",
        "keystoneauth1",
        "openstack",
        "pydantic",
        "tenacity",
        "websockets",
    }
