"""Where the services of one sandbox keep their files, and the addresses they listen on."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import secrets

from ..home import Home
from . import environment

REGION = "RegionOne"
DATABASES = (
    "keystone",
    "placement",
    "glance",
    "neutron",
    "nova_api",
    "nova",
    "nova_cell0",
    "cinder",
)
SERVICE_USERS = ("placement", "glance", "neutron", "nova", "cinder")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The root of an HTTP server."""
        return f"http://{self}"


@dataclasses.dataclass(frozen=True)
class Layout:
    """One sandbox's OpenStack: every path, address and password that its parts share."""

    home: Home
    passwords: dict[str, str] = dataclasses.field(repr=False)
    """Of the `database`, `rabbit`, `admin`, `metadata`, and each service user."""

    @classmethod
    def load(cls, home: Home) -> Layout:
        """The layout of a sandbox; its passwords are made at first use.

        They are part of the data folder: the database and keystone know them.
        """
        file = home.folder("openstack") / "data" / "passwords.json"
        if file.exists():
            return cls(home, json.loads(file.read_text(encoding="ascii")))
        names = ("database", "rabbit", "admin", "metadata", *SERVICE_USERS)
        layout = cls(home, {name: secrets.token_hex(16) for name in names})
        layout.keep_passwords()
        return layout

    def keep_passwords(self) -> None:
        """Write them down, whole or not at all."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        part = self.data / ".passwords.part"
        part.touch(mode=0o600)
        part.write_text(json.dumps(self.passwords), encoding="ascii")
        part.replace(self.data / "passwords.json")

    @property
    def environment(self) -> pathlib.Path:
        """The Python environment of the services."""
        return environment.FOLDER

    def program(self, name: str) -> str:
        """A script of that environment."""
        return str(self.environment / "bin" / name)

    @property
    def folder(self) -> pathlib.Path:
        """Everything of this sandbox's OpenStack."""
        return self.home.folder("openstack")

    @property
    def data(self) -> pathlib.Path:
        """What the databases and keystone keep: the part worth caching."""
        return self.folder / "data"

    def made(self, *parts: str) -> pathlib.Path:
        """A folder below `folder`, made if absent."""
        folder = self.folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def configuration(self, service: str) -> pathlib.Path:
        """The configuration folder of a service."""
        return self.made("etc", service)

    @property
    def keystone(self) -> Endpoint:
        """The identity API."""
        return self._endpoint(1, 5000)

    @property
    def placement(self) -> Endpoint:
        """The placement API."""
        return self._endpoint(2, 8778)

    @property
    def glance(self) -> Endpoint:
        """The image API."""
        return self._endpoint(3, 9292)

    @property
    def neutron(self) -> Endpoint:
        """The network API."""
        return self._endpoint(4, 9696)

    @property
    def nova(self) -> Endpoint:
        """The compute API."""
        return self._endpoint(5, 8774)

    @property
    def cinder(self) -> Endpoint:
        """The block storage API."""
        return self._endpoint(6, 8776)

    @property
    def database(self) -> Endpoint:
        """MariaDB."""
        return self._endpoint(10, 3306)

    @property
    def queue(self) -> Endpoint:
        """RabbitMQ."""
        return self._endpoint(11, 5672)

    @property
    def ovn_northbound(self) -> Endpoint:
        """OVN's northbound database."""
        return self._endpoint(12, 6641)

    @property
    def ovn_southbound(self) -> Endpoint:
        """OVN's southbound database."""
        return self._endpoint(12, 6642)

    @property
    def identity_url(self) -> str:
        """Where clients authenticate."""
        return f"{self.keystone.url}/v3"

    @property
    def erlang_ports(self) -> tuple[int, int]:
        """Of epmd and of Erlang's distribution: both listen on 127.0.0.1 whatever is asked."""
        return 20000 + self.home.block, 20300 + self.home.block

    def _endpoint(self, number: int, port: int) -> Endpoint:
        return Endpoint(self.home.service_address(number), port)
