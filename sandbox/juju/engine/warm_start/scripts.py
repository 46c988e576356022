"""A `dispatch` that is a Python script and asks for a warm start itself.

Its line `# warm-start: src runtime.program` says that the modules below `src` read nothing of
a unit when they are imported, and which one to import beforehand. All units with the same
sources share one waiting interpreter, so it imports a copy that outlives them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re
import shutil

_SHEBANG = re.compile(r"#!(?P<python>/usr/bin/python3)(?P<flags>(?: -[A-Za-z]+)*)\n")
_MARK = re.compile(r"^# warm-start: (?P<folder>[a-z]+) (?P<module>[a-z_.]+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Script:
    """How such a script is run, and what is imported for it."""

    python: str
    flags: tuple[str, ...]
    folder: str
    """Of its modules, below the charm's."""
    module: str
    digest: str
    """Of its text and all of its modules."""

    def copy(self, charm: pathlib.Path, kept: pathlib.Path) -> pathlib.Path:
        """The folder with a copy of the charm's modules, made at the first call."""
        target = kept / self.digest
        if not target.exists():
            partial = kept / f"{self.digest}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(charm / self.folder, partial / self.folder)
            partial.rename(target)
        return target


def read(charm: pathlib.Path) -> Script | None:
    """What a charm's `dispatch` asks for; None for one that asks for nothing."""
    try:
        text = (charm / "dispatch").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    shebang, mark = _SHEBANG.match(text), _MARK.search(text)
    if shebang is None or mark is None:
        return None
    digest = hashlib.sha256(text.encode())
    for path in sorted((charm / mark["folder"]).rglob("*.py")):
        digest.update(f"\0{path.relative_to(charm)}\0".encode() + path.read_bytes())
    return Script(
        shebang["python"],
        tuple(shebang["flags"].split()),
        mark["folder"],
        mark["module"],
        digest.hexdigest()[:16],
    )
