"""What a task's process gave, as the results that clients read. Pure."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.juju.engine.process import Ended


def output(ended: Ended) -> dict[str, Any]:
    """return-code, stdout and stderr; output that is no UTF-8 comes as base64."""
    results: dict[str, Any] = {"return-code": exit_code(ended.code)}
    for stream, data in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = base64.b64encode(data).decode()
            results[f"{stream}-encoding"] = "base64"
        if text:
            results[stream] = text
    return results


def exit_code(code: int) -> int:
    """An exit code as a shell gives it: 128 and the signal for a killed process."""
    return 128 - code if code < 0 else code
