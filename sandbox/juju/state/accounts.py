"""Users of the controller and their passwords."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from sandbox.juju import clock, errors
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import User

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.+-]*[a-zA-Z0-9]\Z")
_COST = {"n": 2**12, "r": 8, "p": 1, "dklen": 32}


def hash_password(password: str) -> str:
    """A salted scrypt hash: salt$hash, hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Whether the password is the one that was hashed; an empty hash matches none."""
    salt, dollar, digest = stored.partition("$")
    if not dollar:
        return False
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def add_user(
    tx: Transaction, name: str, password: str, *, display_name: str = "", access: str = "login"
) -> User:
    """Add a user; one without a password cannot log in before it has one.

    Raises:
        NotValid: the name is not a user name.
        AlreadyExists: there is such a user.
    """
    if not _NAME.match(name):
        raise errors.NotValid(f'invalid user name "{name}"')
    if tx.one("SELECT 1 FROM users WHERE name = ?", name):
        raise errors.AlreadyExists(f'username unavailable: user "{name}" already exists')
    tx.insert(
        "users",
        name=name,
        display_name=display_name,
        password_hash=hash_password(password) if password else "",
        access=access,
        created=clock.stamp(),
    )
    tx.touch("controller", "")
    return get_user(tx, name)


def get_user(tx: Transaction, name: str) -> User:
    """A user by name; NotFound if there is none."""
    row = tx.one("SELECT * FROM users WHERE name = ?", name)
    if row is None:
        raise errors.NotFound(f'user "{name}" not found')
    return User.from_row(row)


def all_users(tx: Transaction) -> list[User]:
    """Every user, by name."""
    return [User.from_row(row) for row in tx.all("SELECT * FROM users ORDER BY name")]


def authenticate(tx: Transaction, name: str, password: str) -> User:
    """The user whose password this is.

    Raises:
        Unauthorized: no such user or another password; Juju tells no difference.
    """
    row = tx.one("SELECT * FROM users WHERE name = ?", name)
    if row is None or not password_matches(password, row["password_hash"]):
        raise errors.Unauthorized("invalid entity name or password")
    return User.from_row(row)


def set_password(tx: Transaction, name: str, password: str) -> None:
    """Change a user's password; NotFound if there is no such user."""
    get_user(tx, name)
    tx.update("users", {"name": name}, password_hash=hash_password(password))


def set_access(tx: Transaction, name: str, access: str) -> None:
    """Give a user login or superuser access; NotFound if there is no such user."""
    get_user(tx, name)
    tx.update("users", {"name": name}, access=access)
    tx.touch("controller", "")


def remove_user(tx: Transaction, name: str) -> None:
    """Remove a user, with the credentials that were theirs; NotFound if there is none."""
    get_user(tx, name)
    tx.execute("DELETE FROM credentials WHERE owner = ?", name)
    tx.execute("DELETE FROM users WHERE name = ?", name)
    tx.touch("controller", "")


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST)
