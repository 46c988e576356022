"""Every server of the sandbox shows a certificate that clients can verify."""

from __future__ import annotations

import pathlib
import ssl
import subprocess
import sys
import threading

import pytest

from sandbox.authority import Authority, Certificate


def _serve(certificate: Certificate, address: str) -> int:
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    listener = socket.create_server((address, 0))

    def answer() -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()
        listener.close()

    threading.Thread(target=answer, daemon=True).start()
    return listener.getsockname()[1]


def _connect(authority: Authority, address: str, port: int) -> None:
    import socket

    context = ssl.create_default_context(cafile=str(authority.certificate))
    with socket.create_connection((address, port)) as plain:
        context.wrap_socket(plain, server_hostname=address).close()


def test_a_client_with_the_ca_trusts_the_server_by_its_address(tmp_path: pathlib.Path):
    authority = Authority(tmp_path)
    port = _serve(authority.issue("server", ["127.0.0.1"]), "127.0.0.1")

    _connect(authority, "127.0.0.1", port)


def test_a_certificate_for_another_address_is_refused(tmp_path: pathlib.Path):
    authority = Authority(tmp_path)
    port = _serve(authority.issue("server", ["127.0.0.2"]), "127.0.0.1")

    with pytest.raises(ssl.SSLCertVerificationError):
        _connect(authority, "127.0.0.1", port)


def test_a_restart_keeps_the_ca_and_the_certificates(tmp_path: pathlib.Path):
    first = Authority(tmp_path).issue("server", ["a.example"]).certificate.read_bytes()

    assert Authority(tmp_path).issue("server", ["a.example"]).certificate.read_bytes() == first


def test_keys_are_readable_by_their_owner_only(tmp_path: pathlib.Path):
    issued = Authority(tmp_path).issue("server", ["a.example"])

    assert issued.key.stat().st_mode & 0o077 == 0


def test_servers_that_start_at_once_share_one_ca(tmp_path: pathlib.Path):
    code = (
        "import sys, pathlib; from sandbox.authority import Authority; "
        "Authority(pathlib.Path(sys.argv[1])).issue(sys.argv[2], [sys.argv[2]])"
    )
    names = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    servers = [subprocess.Popen([sys.executable, "-c", code, tmp_path, name]) for name in names]
    assert [server.wait() for server in servers] == [0, 0, 0]

    authority = Authority(tmp_path)
    for name in names:
        _connect(authority, name, _serve(authority.issue(name, [name]), name))
