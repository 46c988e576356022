"""The Python environment of OpenStack's services, made from its own lock."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".cache" / "openstack"
_PROJECT = pathlib.Path(__file__).parent
_DRIVER = _PROJECT / "hypervisor" / "sandbox_hypervisor.py"


class EnvironmentFailed(Exception):
    """The environment could not be made; the message ends with what uv said."""


def ensure() -> None:
    """Make the environment, or bring it up to its lock.

    Raises:
        EnvironmentFailed: uv refused.
    """
    uv = pathlib.Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "sync", "--quiet", "--frozen", "--project", _PROJECT, "--python", "/usr/bin/python3"],
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(FOLDER)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise EnvironmentFailed(f"OpenStack's services could not be installed: {done.stderr}")
    # Nova loads a hypervisor driver from its own package nova.virt, and from nowhere else.
    for virt in FOLDER.glob("lib/python3*/site-packages/nova/virt"):
        link = virt / _DRIVER.name
        link.unlink(missing_ok=True)
        link.symlink_to(_DRIVER)
