"""Keys and passwords of one state directory: made once, kept in a file only its owner reads."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import jwt

from tidewire.errors import StackError

_TEN_YEARS = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Keys:
    """What clients, parts and roles of the stack prove themselves with.

    `anon_key` and `service_role_key` are JWTs of the older kind; the proxy takes them for the
    publishable and the secret key.
    """

    publishable_key: str
    secret_key: str
    jwt_secret: str
    anon_key: str
    service_role_key: str
    postgres_password: str
    authenticator_password: str
    auth_admin_password: str
    supabase_admin_password: str

    def __repr__(self) -> str:
        return f"Keys(publishable_key={self.publishable_key!r}, ...)"


def load_or_make_keys(path: Path) -> Keys:
    """Return the keys in `path`, making the file first if it does not exist.

    Raises:
      StackError: the file exists and is not what this module writes.
    """
    if not path.exists():
        write_private(path, json.dumps(asdict(_make_keys()), indent=2))
    try:
        values = json.loads(path.read_text())
        return Keys(**{field.name: str(values[field.name]) for field in fields(Keys)})
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"keys must be a JSON object with every key, got {path}: {error}"
        ) from error


def _make_keys() -> Keys:
    jwt_secret = secrets.token_urlsafe(48)
    return Keys(
        publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
        secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        jwt_secret=jwt_secret,
        anon_key=_role_token("anon", jwt_secret),
        service_role_key=_role_token("service_role", jwt_secret),
        postgres_password=secrets.token_urlsafe(24),
        authenticator_password=secrets.token_urlsafe(24),
        auth_admin_password=secrets.token_urlsafe(24),
        supabase_admin_password=secrets.token_urlsafe(24),
    )


def _role_token(role: str, secret: str) -> str:
    now = int(time.time())
    claims = {
        "iss": "supabase",
        "ref": "tidewire",
        "role": role,
        "iat": now,
        "exp": now + _TEN_YEARS,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def write_private(path: Path, text: str) -> None:
    """Write so that nobody else can read it at any moment, and whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
