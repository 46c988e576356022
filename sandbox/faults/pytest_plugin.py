"""The fixture `faults`: a charm's tests that break the sandbox under it.

In a conftest.py: `pytest_plugins = ["sandbox.faults.pytest_plugin"]`. The sandbox is that of
SANDBOX_HOME, as for the `sandbox` and `juju` commands. A test asks for what shall go wrong:

    def test_the_application_survives_its_leader(juju, faults):
        faults.freeze("app/0", seconds=30)
        faults.expire_leader("app")
        juju.wait(jubilant.all_active)

Whatever lasts is undone after the test. What was done is shown with a failing test, as commands
that do it again; series are drawn from `--faults-seed`, which the header prints.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from sandbox.faults import plan
from sandbox.faults.client import FaultClient, FaultRefused
from sandbox.faults.fault import CONTROLLER, Fault
from sandbox.home import Home

_SEED = pytest.StashKey[int]()
_DONE = pytest.StashKey[list[str]]()


class Faults:
    """What can be made to go wrong. Targets are units, `machine:3` or `controller`."""

    def __init__(self, client: FaultClient, seed: int) -> None:
        self._client = client
        self.seed = seed
        self.done: list[str] = []
        """The commands that do again what was done, in order."""

    def kill(self, target: str, *, seconds: float = 0.0) -> None:
        """End a unit's agent with its hook, a machine or the controller; back after a while."""
        self.apply(Fault("kill", target, seconds=seconds))

    def freeze(self, target: str, *, seconds: float = 0.0) -> None:
        """Stop it with all of its processes, for a while or until the end of the test."""
        if target == CONTROLLER and not seconds:
            raise ValueError("nothing could thaw a controller that is frozen for ever")
        self.apply(Fault("freeze", target, seconds=seconds))

    def disconnect(self, unit: str, *, seconds: float = 0.0) -> None:
        """Cut a unit's agent off from the controller: its hook tools fail, and so its hook."""
        self.apply(Fault("disconnect", unit, seconds=seconds))

    def fail_hook(self, unit: str, hook: str = "", *, times: int = 1) -> None:
        """Let the unit's next hook (or the next one of that name) fail after it has run."""
        self.apply(Fault("fail-hook", unit, hook=hook, times=times))

    def kill_at_write(
        self, unit: str, key: str = "", *, moments: str = Fault.moments, times: int = 1
    ) -> None:
        """Kill the unit's agent at each write of such keys: before it, then after it."""
        self.apply(Fault("kill-at-write", unit, key=key, moments=moments, times=times))

    def watchers(self, *, delay: float = 0.0, duplicate: float = 0.0) -> None:
        """Hold messages of watchers back, up to `delay` seconds, and repeat a share of them."""
        self.apply(Fault("watchers", delay=delay, duplicate=duplicate, seed=self.seed))

    def expire_leader(self, application: str) -> None:
        """Let the lease of the leader end now, as if it had stopped renewing it."""
        self.apply(Fault("expire-leader", application))

    def clock(self, rate: float) -> None:
        """Let the controller's time run faster: at 360 an hour passes in ten seconds."""
        self.apply(Fault("clock", rate=rate))

    def clear(self) -> None:
        """Undo what lasts."""
        self.apply(Fault("clear"))

    def series(self, count: int, *, within: float) -> None:
        """Draw a series from the seed and bring it about, over some `within` seconds."""
        for timed in plan.draw(self.seed, self._client.model(), count, within):
            time.sleep(timed.after)
            self.apply(timed.fault)

    def apply(self, fault: Fault) -> None:
        """Bring any fault about.

        Raises:
            FaultRefused: no such target, or no controller runs.
        """
        self.done.append(fault.text())
        self._client.apply(fault)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--faults-seed` and `--faults-model`."""
    group = parser.getgroup("faults", "faults on purpose in a sandbox")
    group.addoption("--faults-seed", type=int, help="what series of faults are drawn from")
    group.addoption("--faults-model", default="", help="needed where several have the target")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of the whole run."""
    seed = config.getoption("--faults-seed")
    config.stash[_SEED] = random.SystemRandom().randrange(10**6) if seed is None else seed


def pytest_report_header(config: pytest.Config) -> str:
    """Tell how to repeat the run."""
    return f"faults: --faults-seed={config.stash[_SEED]}"


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Iterator[Faults]:
    """Faults in the sandbox of the environment; undone after the test."""
    client = FaultClient(Home.from_environment(), str(request.config.getoption("--faults-model")))
    made = Faults(client, request.config.stash[_SEED])
    request.node.stash[_DONE] = made.done
    yield made
    if made.done:
        try:
            client.apply(Fault("clear"))
        except FaultRefused as refusal:
            request.node.add_report_section("teardown", "faults", f"not undone: {refusal}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show with a failing test how to do again what was done to it."""
    done = item.stash.get(_DONE, [])
    if call.when == "call" and call.excinfo is not None and done:
        item.add_report_section("call", "faults", "\n".join(done))
