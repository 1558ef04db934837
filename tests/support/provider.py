"""An OpenID Connect provider of our own, in a process of its own: it believes whoever names an e-mail address.

``python tests/support/provider.py CLIENT_ID CLIENT_SECRET`` listens on a free port of this machine and prints its
issuer. It checks what a provider checks: the client's secret, the address it goes back to, a code used once, PKCE.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = sys.argv[1:3]
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
CODES: dict[str, dict[str, str]] = {}
#: Somebody whose address the provider has not verified.
UNVERIFIED = "unverified@example.com"
FORM = """<!doctype html><title>Provider</title><form method="post">{kept}
<label>E-mail <input name="email"></label> <button>Continue</button></form>"""


class Provider(BaseHTTPRequestHandler):
    """The endpoints that the sign-in uses."""

    def do_GET(self) -> None:
        place, asked = self._asked(urlsplit(self.path).query)
        if place == "/.well-known/openid-configuration":
            issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
            ends = {f"{end}_endpoint": f"{issuer}/{end}" for end in ("authorization", "token", "end_session")}
            self._json({
                **ends,
                "issuer": issuer,
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            })  # fmt: skip
        elif place == "/jwks":
            self._json({"keys": [KEY.as_dict(private=False)]})
        elif place == "/authorization" and asked.get("client_id") == CLIENT_ID:
            kept = "".join(f'<input type="hidden" name="{k}" value="{html.escape(v)}">' for k, v in asked.items())
            self._answer(200, FORM.format(kept=kept).encode(), "text/html")
        elif place == "/end_session":
            self._go(asked["post_logout_redirect_uri"])
        else:
            self._json({"error": "invalid_request"}, 400)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        place, asked = self._asked(body)
        if place == "/authorization":
            code = secrets.token_hex(16)
            CODES[code] = asked
            self._go(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
        elif place == "/token":
            self._token(asked)
        else:
            self._json({"error": "invalid_request"}, 400)

    def _token(self, asked: dict[str, str]) -> None:
        given = CODES.pop(asked.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        if self._client(asked) != (CLIENT_ID, CLIENT_SECRET):
            self._json({"error": "invalid_client"}, 401)
        elif (
            given is None
            or given["redirect_uri"] != asked.get("redirect_uri")
            or given["code_challenge"] != proof.decode().rstrip("=")
        ):
            self._json({"error": "invalid_grant"}, 400)
        else:
            now = int(time.time())
            claims = {
                "iss": f"http://127.0.0.1:{self.server.server_address[1]}",
                "aud": CLIENT_ID,
                "sub": given["email"],
                "email": given["email"],
                "email_verified": given["email"] != UNVERIFIED,
                "nonce": given["nonce"],
                "iat": now,
                "exp": now + 600,
            }
            signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, KEY)
            self._json({"id_token": signed, "access_token": "none", "token_type": "Bearer", "expires_in": 600})

    def _client(self, asked: dict[str, str]) -> tuple[str, ...]:
        said = self.headers.get("Authorization", "")
        if said.startswith("Basic "):
            return tuple(unquote(part) for part in base64.b64decode(said[6:]).decode().split(":", 1))
        return asked.get("client_id", ""), asked.get("client_secret", "")

    def _asked(self, query: str) -> tuple[str, dict[str, str]]:
        return urlsplit(self.path).path, {key: values[0] for key, values in parse_qs(query).items()}

    def _json(self, value: dict[str, Any], status: int = 200) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _go(self, url: str) -> None:
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
