"""A Python charm as charmcraft packs one: its dispatch, and a virtual environment with ops."""

from __future__ import annotations

import pathlib
import sysconfig

DISPATCH = """\
#!/bin/sh
dispatch_path="$(dirname $(realpath $0))"
venv_bin_path="${dispatch_path}/venv/bin"
python_path="${venv_bin_path}/python"
if [ ! -e "${python_path}" ]; then
    mkdir -p "${venv_bin_path}"
    ln -s $(which python3) "${python_path}"
fi

# Where the charm finds its own modules and its libraries.
export PYTHONPATH="${dispatch_path}/lib:${dispatch_path}/src"

# Where the linker finds staged packages.
export LD_LIBRARY_PATH="${dispatch_path}/usr/lib:${dispatch_path}/lib:\
${dispatch_path}/usr/lib/$(uname -m)-linux-gnu"

exec "${python_path}" "${dispatch_path}/src/charm.py"
"""

BY_CHARM_PLUGIN = """\
#!/bin/sh

JUJU_DISPATCH_PATH="${JUJU_DISPATCH_PATH:-$0}" PYTHONPATH=lib:venv \\
  exec ./src/charm.py
"""

_OF_OPS = ("ops", "yaml", "_yaml", "websocket", "opentelemetry", "typing_extensions.py")
_PYVENV = "home = /usr/bin\ninclude-system-site-packages = false\nversion_info = 3\n"


def files(source: str, **more: str) -> dict[str, str | bytes]:
    """The files of a charm with this charm.py, its dispatch apart; ops is in its venv."""
    installed = pathlib.Path(sysconfig.get_path("purelib"))
    version = installed.parent.name
    found: dict[str, str | bytes] = {
        "src/charm.py": source,
        "venv/pyvenv.cfg": _PYVENV,
        **{name.replace("__", "/") + ".py": text for name, text in more.items()},
    }
    for name in _OF_OPS:
        place = installed / name
        paths = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
        for path in paths:
            if "__pycache__" not in path.parts:
                inner = f"venv/lib/{version}/site-packages/{path.relative_to(installed)}"
                found[inner] = path.read_bytes()
    return found
