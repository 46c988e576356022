"""A hook that is forked from a waiting interpreter is as one that `dispatch` starts."""

from __future__ import annotations

import asyncio
import compileall
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from sandbox import processes
from sandbox.juju import controller
from sandbox.juju.engine.process import Command, Process, WarmStart
from sandbox.juju.engine.warm_start import dispatching, preloads, scripts
from sandbox.juju.engine.warm_start.pool import WarmStart as Pool
from tests.sandbox.juju.engine import packed_python

PROBE = """\
#!/usr/bin/env python3
import atexit
import json
import ops
import os
import random
import shapes.square
import signal
import stat
import sys
import threading
from charms.demo.v0 import demo


def described(stream):
    return [stream.name, stream.encoding, stream.errors, stream.line_buffering,
            stream.buffer.raw.seekable(), stream.isatty()]


class Late:
    def __del__(self):
        os.write(1, b"deleted\\n")


def probe():
    modules = sorted(name for name in sys.modules if name != "sitecustomize")
    return {
        "modules": modules,
        "environment": dict(os.environ),
        "c environment": __import__("subprocess").check_output(["/usr/bin/env"]).decode(),
        "cwd": os.getcwd(),
        "argv": [sys.argv, sys.orig_argv],
        "paths": sys.path,
        "prefix": [sys.prefix, sys.base_prefix, sys.executable, str(sys.flags)],
        "main": sorted(vars(sys.modules["__main__"])),
        "name": [__name__, __file__, repr(__spec__)],
        "signals": {n.name: str(signal.getsignal(n)) for n in signal.Signals},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "streams": [described(s) for s in (sys.stdin, sys.stdout, sys.stderr)],
        "kinds": [stat.S_IFMT(os.fstat(fd).st_mode) for fd in range(3)],
        "files": os.listdir("/proc/self/fd"),
        "umask": os.umask(0o22),
        "session": os.getsid(0) == os.getpid() == os.getpgid(0),
        "threads": threading.active_count(),
        "stdin": sys.stdin.read(),
        "hooks": [str(sys.excepthook), str(sys.displayhook)],
        "shape": shapes.square.SIDE,
        "demo": demo.__file__,
        "finders": sorted(sys.path_importer_cache),
    }


if __name__ == "__main__":
    what = os.environ["JUJU_HOOK_NAME"]
    if what == "probe":
        print(json.dumps(probe()))
    elif what == "random":
        print(random.random(), os.urandom(4).hex())
    elif what == "exit":
        atexit.register(lambda: os.write(1, b"at exit\\n"))
        print("last words")
        sys.exit(7)
    elif what == "raise":
        raise RuntimeError("on purpose")
    elif what == "message":
        sys.exit("no good")
    elif what == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "unflushed":
        left_open = open("left-open", "w")
        left_open.write("all of it")
        late = Late()
        cycle = [Late()]
        cycle.append(cycle)
    elif what == "thread":
        threading.Timer(0.05, print, ["from a thread"]).start()
    elif what == "child":
        os.system("echo $JUJU_HOOK_NAME $PPID > parent; echo $PYTHONPATH")
"""
SQUARE = "import json\nimport pathlib\nSIDE = 3\n"
DEMO = "import hashlib\nVALUE = 1\n"


def waiting(mark: pathlib.Path) -> list[int]:
    return [pid for pid in processes.matching(MARK=str(mark)) if processes._runs(pid)]


@dataclasses.dataclass
class Charm:
    """A charm's folder, and both ways to run its dispatch."""

    folder: pathlib.Path
    pool: Pool
    environment: dict[str, str]

    async def run(self, what: str, *, warm: bool, **variables: str) -> tuple[int, str, str]:
        environment = {**self.environment, "JUJU_HOOK_NAME": what, **variables}
        command = Command([str(self.folder / "dispatch")], self.folder, environment)
        start = None
        if warm:
            found = await self.pool.interpreter(self.folder, command.argv[0], environment)
            assert found is not None, "no warm start"
            start = WarmStart(*found)
        ended = await (await Process.start(command, None, start)).wait()
        return ended.code, ended.stdout.decode(), ended.stderr.decode()

    def waiting(self) -> list[int]:
        return waiting(self.folder)

    async def none_waits(self) -> bool:
        for _ in range(100):
            if not self.waiting():
                return True
            await asyncio.sleep(0.05)
        return False

    async def warms(self) -> bool:
        program = str(self.folder / "dispatch")
        return await self.pool.interpreter(self.folder, program, self.environment) is not None


def lay_out(folder: pathlib.Path, dispatch: str, source: str, **more: str) -> pathlib.Path:
    found = packed_python.files(source, **more)
    for name, content in {**found, "dispatch": dispatch}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    compileall.compile_dir(folder / "venv", quiet=2)
    for program in ("dispatch", "src/charm.py"):
        (folder / program).chmod(0o755)
    if dispatch == packed_python.BY_CHARM_PLUGIN:  # it installs into the venv's own folder
        for path in folder.glob("venv/lib/python*/site-packages/*"):
            shutil.move(path, folder / "venv" / path.name)
    return folder


@pytest.fixture
async def make(tmp_path):
    made = []

    def charm(dispatch=packed_python.DISPATCH, source=PROBE, **more):
        more = {"src__shapes__square": SQUARE, "lib__charms__demo__v0__demo": DEMO, **more}
        folder = lay_out(tmp_path / f"charm{len(made)}", dispatch, source, **more)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "MARK": str(folder),
            "JUJU_DISPATCH_PATH": "hooks/start",
        }
        made.append(Charm(folder, Pool(tmp_path / "warm"), environment))
        return made[-1]

    yield charm
    for one in made:
        one.pool.close()
        await one.none_waits()


@pytest.mark.parametrize("dispatch", [packed_python.DISPATCH, packed_python.BY_CHARM_PLUGIN])
async def test_a_charm_observes_the_same(make, dispatch):
    """But for the parent process and the seed of hashes: see docs/architecture.md."""
    charm = make(dispatch)
    await charm.run("probe", warm=False)  # links the virtual environment's Python
    fresh = json.loads((await charm.run("probe", warm=False))[1])
    await charm.run("random", warm=True)
    warm = json.loads((await charm.run("probe", warm=True, JUJU_UNIT_NAME="a/0"))[1])
    assert warm.pop("environment").pop("JUJU_UNIT_NAME") == "a/0"
    assert sorted(warm.pop("c environment").replace("JUJU_UNIT_NAME=a/0\n", "").split()) == sorted(
        fresh.pop("c environment").split()
    )
    fresh.pop("environment")
    for key, value in fresh.items():
        assert warm[key] == value, key
    assert len(charm.waiting()) == 1


@pytest.mark.parametrize(
    "what", ["exit", "raise", "message", "signal", "unflushed", "thread", "child"]
)
async def test_it_ends_the_same(make, what):
    charm = make()
    await charm.run("random", warm=False)
    fresh = await charm.run(what, warm=False)
    (charm.folder / "left-open").unlink(missing_ok=True)
    warm = await charm.run(what, warm=True)
    assert (warm[0], sorted(warm[1].split()), warm[2]) == (
        fresh[0],
        sorted(fresh[1].split()),
        fresh[2],
    )
    if what == "unflushed":
        assert (charm.folder / "left-open").read_text() == "all of it"


async def test_no_two_hooks_draw_the_same_numbers(make):
    charm = make()
    await charm.run("random", warm=False)
    drawn = [(await charm.run("random", warm=True))[1] for _ in range(3)]
    assert len(set(drawn)) == 3


async def test_a_hook_that_is_killed_is_told_apart_and_the_next_one_runs(make):
    charm = make(source="import time\ntime.sleep(30)\n")
    _link_python(charm)
    found = await charm.pool.interpreter(
        charm.folder, str(charm.folder / "dispatch"), charm.environment
    )
    assert found
    command = Command([str(charm.folder / "dispatch")], charm.folder, charm.environment)
    running = await Process.start(command, None, WarmStart(*found))
    with pytest.raises(asyncio.TimeoutError):  # as an agent that dies waits no more
        await asyncio.wait_for(running.wait(), 0.1)
    running.kill()
    assert (await running.wait()).code == -signal.SIGKILL
    assert await charm.warms()

    again = await Process.start(command, None, WarmStart(*found))
    for pid in charm.waiting():
        if pid != again.pid:
            os.kill(pid, signal.SIGKILL)
    assert (await again.wait()).terminated, "a hook does not outlive what it was forked from"
    assert again.pid not in charm.waiting()
    assert await charm.warms(), "another one is started"


def _link_python(charm: Charm) -> None:
    """As a first run of `dispatch` does."""
    (charm.folder / "venv/bin").mkdir(parents=True)
    (charm.folder / "venv/bin/python").symlink_to("/usr/bin/python3")


UNFIT = {
    "an import that reads a hook's variables": "import os\nNAME = os.environ.get('JUJU_X')\n",
    "an import that copies the environment": "import os\nALL = dict(os.environ)\n",
    "an import that changes the environment": "import os\nos.environ['A'] = 'b'\n",
    "an import that starts a thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
    ),
    "an import that opens a file": "FILE = open('/dev/null')\n",
    "an import that fails": "raise RuntimeError\n",
}


@pytest.mark.parametrize("why", UNFIT)
async def test_in_doubt_a_hook_is_started_anew(make, why):
    charm = make(source="import odd\n")
    site = next(charm.folder.glob("venv/lib/python*/site-packages"))
    (site / "odd.py").write_text(UNFIT[why])
    _link_python(charm)
    first = await charm.warms()
    if "variables" in why:
        charm.environment["JUJU_X"] = "other"
        waiting = charm.waiting()
        assert await charm.warms()
        assert charm.waiting() != waiting, "another interpreter, with the other value"
    else:
        assert not first
        assert await charm.none_waits()


async def test_a_changed_environment_or_charm_takes_another_interpreter(make):
    charm = make()
    await charm.run("random", warm=False)
    assert await charm.warms()
    before = charm.waiting()
    charm.environment["http_proxy"] = "http://127.0.0.1:1"
    assert await charm.warms()
    assert charm.waiting() != before
    before = charm.waiting()
    site = next(charm.folder.glob("venv/lib/python*/site-packages"))
    (site / "more.py").write_text("")
    assert await charm.warms()
    assert charm.waiting() != before


async def test_another_dispatch_is_run_as_it_is(make):
    charm = make(packed_python.DISPATCH.replace("exec", "touch ran; exec"))
    await charm.run("random", warm=False)
    assert not await charm.warms()


async def test_idle_interpreters_end(make, monkeypatch):
    charm = make()
    await charm.run("random", warm=False)
    assert await charm.warms()
    monkeypatch.setattr("sandbox.juju.engine.warm_start.pool._LONGEST", -1.0)
    charm.pool._end_idle()
    assert await charm.none_waits()


@pytest.fixture
def by_descriptor():
    """Children are watched as in the controller."""
    policy = asyncio.get_event_loop_policy()
    before = policy.get_child_watcher() if sys.version_info < (3, 12) else None
    controller.watch_children_by_descriptor()
    yield
    if before is not None:
        policy.set_child_watcher(before)


def kill_unheard(pid):
    """Kill a child and wait for its end without taking it, while the event loop stands still."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_ending_an_interpreter_that_died_takes_nothing_from_asyncio(
    by_descriptor, make, caplog
):
    charm = make()
    await charm.run("random", warm=False)
    await charm.run("random", warm=True)
    (kept,) = charm.pool._kept.values()
    process = kept.interpreter._process
    kill_unheard(process.pid)
    charm.pool.close()
    assert await process.wait() == -signal.SIGKILL
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_only_what_is_imported_at_once_is_preloaded(tmp_path):
    (tmp_path / "src/own").mkdir(parents=True)
    (tmp_path / "src/charm.py").write_text(
        "from __future__ import annotations\n"
        "import ops, own.deep\n"
        "from own import near\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import never\n"
        "def later():\n    import heavy\n"
        "from far import *\n"
    )
    (tmp_path / "src/own/__init__.py").write_text("import first\n")
    (tmp_path / "src/own/deep.py").write_text("from . import near\nfrom yaml import safe_load\n")
    (tmp_path / "src/own/near.py").write_text("import own.deep\nimport last\n")
    found = preloads.of_script(tmp_path / "src/charm.py", [tmp_path / "lib"])
    assert [(p.module, *p.names) for p in found] == [
        ("ops",),
        ("first",),
        ("last",),
        ("yaml", "safe_load"),
        ("typing", "TYPE_CHECKING"),
        ("far",),
    ]


def test_charmcrafts_dispatch_is_known(tmp_path):
    folder = lay_out(tmp_path, packed_python.DISPATCH, PROBE)
    assert dispatching.read(folder, "x86_64", "/usr/bin") is None, "not before it has run"
    subprocess.run(
        ["./dispatch"], cwd=folder, check=False, capture_output=True, env={"PATH": "/usr/bin:/bin"}
    )
    found = dispatching.read(folder, "x86_64", "/usr/bin")
    assert found is not None
    assert found.arguments[1] == f"{folder}/src/charm.py"
    assert found.variables["LD_LIBRARY_PATH"].endswith("/usr/lib/x86_64-linux-gnu")


SCRIPT = """#!/usr/bin/python3 -SE
# warm-start: src plain.program

import sys

sys.path[0] += "/src"

from plain import program

program.main()
"""
PROGRAM = """
import os
import sys


def main():
    from . import late
    print(os.environ["JUJU_UNIT_NAME"], os.getcwd(), sys.argv, sys.path[0], late.NAME)
    print(sorted(os.environ), sys.flags.no_site, "site" in sys.modules)
    print(os.system("exit 3") >> 8)
    if os.environ["JUJU_HOOK_NAME"] == "fail":
        raise SystemExit(4)
"""


def scripted(folder, pool, program=PROGRAM):
    """Two units of a charm whose dispatch is a script that asks for a warm start."""
    units = []
    for number in range(2):
        charm = folder / f"unit{number}"
        (charm / "src/plain").mkdir(parents=True)
        for name, text in {
            "dispatch": SCRIPT,
            "src/plain/__init__.py": "",
            "src/plain/late.py": "NAME = 'late'\n",
            "src/plain/program.py": program,
        }.items():
            (charm / name).write_text(text)
        (charm / "dispatch").chmod(0o755)
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "MARK": str(folder),
            "JUJU_UNIT_NAME": f"app/{number}",
        }
        units.append(Charm(charm, pool, environment))
    return units


async def test_units_whose_dispatch_is_the_same_script_share_an_interpreter(tmp_path):
    pool = Pool(tmp_path / "warm")
    units = scripted(tmp_path, pool)
    try:
        for unit in units:
            fresh = await unit.run("start", warm=False)
            assert fresh[0] == 0, fresh
            assert await unit.run("start", warm=True) == fresh
        assert len(waiting(tmp_path)) == 1
        shutil.rmtree(units[0].folder)
        code, printed, _ = await units[1].run("fail", warm=True)
        assert (code, printed.split()[0]) == (4, "app/1"), "the other's folder is not needed"
        pool.drop(units[1].folder)
        assert len(waiting(tmp_path)) == 1, "it is not one unit's"
    finally:
        pool.close()


async def test_a_script_that_reads_a_hooks_variables_at_once_is_started_anew(tmp_path):
    pool = Pool(tmp_path / "warm")
    units = scripted(tmp_path, pool, f"import os\nNAME = os.environ['JUJU_UNIT_NAME']\n{PROGRAM}")
    try:
        assert not await units[0].warms()
    finally:
        pool.close()


def test_a_script_asks_for_a_warm_start_by_itself(tmp_path):
    (charm,) = scripted(tmp_path, Pool(tmp_path / "warm"))[:1]
    asked = scripts.read(charm.folder)
    assert asked is not None
    assert (asked.folder, asked.module, asked.flags) == ("src", "plain.program", ("-SE",))
    (charm.folder / "src/plain/late.py").write_text("NAME = 'other'\n")
    other = scripts.read(charm.folder)
    assert other is not None
    assert other.digest != asked.digest
    (charm.folder / "dispatch").write_text(SCRIPT.replace("# warm-start", "# cold start"))
    assert scripts.read(charm.folder) is None
