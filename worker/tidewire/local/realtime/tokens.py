"""Who a client is: API keys and JSON web tokens."""

from __future__ import annotations

import enum
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

_SHARED_SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
_KEY_PAIR_ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
# Expiry is checked here, so that its age can be told; the other claims are not ours to judge.
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_UNVERIFIED: Options = {**_UNCHECKED, "verify_signature": False}


class Refusal(enum.Enum):
    """Why a token is refused."""

    MALFORMED = "malformed"
    SIGNATURE = "signature"
    SIGNER = "signer"
    CLAIMS = "claims"
    EXPIRED = "expired"


class TokenRefused(Exception):
    """A token does not prove who its bearer is."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal, self.message = refusal, message


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a connection or channel acts as.

    Attributes:
      token: what was presented; equal tokens need no second look.
      claims: as the database sees them in `request.jwt.claims`.
      expires_at: Unix seconds; None for API keys, which do not expire.
    """

    token: str
    claims: Mapping[str, Any]
    expires_at: float | None

    @property
    def role(self) -> str:
        return str(self.claims["role"])


class TokenVerifier:
    """Turns API keys and tokens into identities."""

    def __init__(
        self,
        *,
        jwt_secret: str,
        publishable_key: str,
        secret_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret, self._clock = jwt_secret, clock
        self._keys = {publishable_key: "anon", secret_key: "service_role"}

    def identify(self, token: str) -> Identity:
        """Return the identity behind an API key or token.

        Raises:
          TokenRefused: neither a known key nor a valid, unexpired token.
        """
        for key, role in self._keys.items():
            if hmac.compare_digest(token.encode(), key.encode()):
                return Identity(token, {"role": role}, None)
        claims = self._verified_claims(token)
        if "role" not in claims or "exp" not in claims:
            raise TokenRefused(Refusal.CLAIMS, "Fields `role` and `exp` are required in JWT")
        expires_at = claims["exp"]
        if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
            raise TokenRefused(Refusal.CLAIMS, "Token expiration time is invalid")
        identity = Identity(token, claims, expires_at)
        self.check_unexpired(identity)
        return identity

    def check_unexpired(self, identity: Identity) -> None:
        """Raise TokenRefused if the identity's token has expired since it was verified."""
        if identity.expires_at is None:
            return
        age = self._clock() - identity.expires_at
        if age >= 0:
            raise TokenRefused(Refusal.EXPIRED, f"Token has expired {int(age)} seconds ago")

    def seconds_left(self, identity: Identity) -> float | None:
        """Return how long the identity's token is still good for; None if for ever."""
        if identity.expires_at is None:
            return None
        return max(0.0, identity.expires_at - self._clock())

    def _verified_claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            jwt.decode(token, options=_UNVERIFIED)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenRefused(
                Refusal.MALFORMED, "The token provided is not a valid JWT"
            ) from error
        if header.get("alg") not in _SHARED_SECRET_ALGORITHMS:
            raise TokenRefused(Refusal.SIGNER, _signer_message(header))
        try:
            return jwt.decode(
                token,
                self._secret,
                algorithms=list(_SHARED_SECRET_ALGORITHMS),
                options=_UNCHECKED,
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused(Refusal.SIGNATURE, "Failed to validate JWT signature") from error


def _signer_message(header: Mapping[str, Any]) -> str:
    key = ""
    if header.get("alg") in _KEY_PAIR_ALGORITHMS and "kid" in header:
        key = f' for key ID (kid) "{header["kid"]}"'
    return f"Failed to generate JWT signer{key}, check your JWT secret or JWKS configuration"
