"""Logging in at a service's OpenID provider: in the browser, or by a code on another device.

GET /v1/auth ──▶ the provider's metadata ──▶ browser (code + PKCE, loopback) or device code ──▶ access token
      ──▶ POST /v1/auth/tokens ──▶ a token of the service, kept in a file that only this user can read
"""

from __future__ import annotations

import math
import os
import secrets
import time
import warnings
import webbrowser
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from syndb_lab.connection.loopback_redirect import LoopbackRedirect
from syndb_lab.conversion.error_conversion import convert_call_errors
from syndb_lab.conversion.plain_values import article
from syndb_lab.conversion.sql_values import format_value, number
from syndb_lab.errors import AuthError, ParameterError, ServiceUnavailable, SyndbError
from syndb_lab.http.error_mapping import error_from_response
from syndb_lab.http.service_tokens import save_token
from syndb_lab.http.transport import LOOPBACK, canonical_url, goes_direct, require_private
from syndb_lab.lab import Lab
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.text.secret_text import SecretText
from syndb_lab.text.terminal_text import escape_control_characters

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
WAIT_S: Final = 300.0
SLOWER_S: Final = 5.0
TIMEOUT_S: Final = 30.0

Show = Callable[[str], None]


@convert_call_errors
def login(
    url: str | None = None,
    *,
    device: bool = False,
    wait_s: float = WAIT_S,
    open_browser: Callable[[str], Any] = webbrowser.open,
    show: Show = print,
) -> Lab:
    """Log in at a service's OpenID provider, and keep the token that the service makes of it.

    Parameters
    ----------
    url : str, optional
        Address of the service; SYNDB_URL, where none is given.
    device : bool
        Show an address and a code for another device, instead of opening a browser here: on a remote
        JupyterHub, a browser can't come back to this computer.
    wait_s : float
        Seconds to wait for you.
    open_browser : callable
        Opens an address in a browser.
    show : callable
        Shows a line of text.

    Returns
    -------
    Lab
        Connected; the next ``connect(url)`` finds the token, too.

    Raises
    ------
    AuthError
        The service has no login, it was refused, or it took too long.
    ServiceUnavailable
        The service or the provider does not answer.

    Examples
    --------
    >>> lab = syndb_lab.login("https://syndb.example.edu")  # doctest: +SKIP
    Your browser opens https://login.example.edu/…
    Logged in as https://login.example.edu#1234, academic (staff@example.edu).
    """
    if not isinstance(url, str | None):
        raise ParameterError(
            f"url is {article(url)}, no address", hint='For example: syndb_lab.login("https://…").'
        )
    patience = number("wait_s", wait_s)
    if patience is None or not 0 < patience < math.inf:
        raise ParameterError(
            f"wait_s is {format_value(wait_s)}; it takes a number of seconds above 0",
            hint="For example: wait_s=300.",
        )
    for name, call in (("open_browser", open_browser), ("show", show)):
        if not callable(call):
            raise ParameterError(
                f"{name} is {article(call)}; it takes a function of one text", hint=f"Leave out {name}."
            )
    named = url or os.environ.get("SYNDB_URL")
    if not named:
        raise AuthError("no service is named", hint="Say which one: syndb_lab.login(url), or set SYNDB_URL.")
    address = canonical_url(named)

    def show_escaped(text: str) -> None:
        show(escape_control_characters(text))

    require_private(address)
    with _client(address) as http:
        told = _request(http, "GET", f"{address}/v1/auth").get("login")
    if not told:
        raise AuthError(
            f"the service at {address} has no login",
            hint=NextStep(Action.ASK_FOR_TOKEN),
        )
    provider = Provider(told, show_escaped)
    access_token = provider.by_device(patience) if device else provider.by_browser(patience, open_browser)
    with _client(address) as http:
        headers = {"Authorization": f"Bearer {access_token}"}
        made = _request(http, "POST", f"{address}/v1/auth/tokens", headers=headers)
    token = made["token"] = SecretText(made["token"])
    save_token(address, token)
    standing = made.get("standing")
    academic = f"academic ({standing['affiliation']})" if standing else "not verified as academic"
    show_escaped(f"Logged in as {made['user']}, {academic}.")
    return Lab(address, token)


class Provider:
    """The OpenID provider of a service.

    Parameters
    ----------
    login : dict
        What ``GET /v1/auth`` says: ``issuer``, ``client_id``, ``scope`` and ``audience``.
    show : callable
        Shows a line of text.
    """

    def __init__(self, login: dict[str, Any], show: Show) -> None:
        self._issuer = _safe(str(login["issuer"]))
        self._client_id = str(login["client_id"])
        self._asks = {"scope": str(login["scope"])}
        if urlsplit(str(login["audience"])).scheme in {"http", "https", "urn"}:
            self._asks["resource"] = str(login["audience"])
        self._show = show
        with _client(self._issuer) as http:
            self._told = _request(http, "GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if self._told.get("issuer") != self._issuer:
            raise AuthError(f"what answers at {self._issuer} is another identity provider")

    def __repr__(self) -> str:
        return f"Provider({self._issuer!r})"

    def by_browser(self, wait_s: float, open_browser: Callable[[str], Any]) -> str:
        """Log in with a browser on this computer: authorization code and PKCE, back on a loopback address."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        with LoopbackRedirect(state) as redirect, self._oauth(redirect_uri=redirect.uri) as oauth:
            where, _ = oauth.create_authorization_url(
                _safe(self._told["authorization_endpoint"]), state=state, code_verifier=verifier, **self._asks
            )
            self._show(f"Your browser opens {where}")
            open_browser(where)
            answer = redirect.wait(wait_s)
            if answer is None:
                raise AuthError(
                    f"nobody logged in within {wait_s:g} s",
                    hint="Try again; where the browser runs elsewhere, use syndb_lab.login(device=True).",
                )
            self._check(answer)
            return self._token(
                oauth, code=answer["code"], code_verifier=verifier, grant_type="authorization_code"
            )

    def by_device(self, wait_s: float) -> str:
        """Log in with a browser anywhere, by a code that is shown here."""
        endpoint = self._told.get("device_authorization_endpoint")
        if not endpoint:
            raise AuthError(f"{self._issuer} has no device login", hint="Use syndb_lab.login() without it.")
        with _client(self._issuer) as http:
            asked = _request(http, "POST", _safe(endpoint), data={"client_id": self._client_id, **self._asks})
        where = asked.get("verification_uri_complete") or asked["verification_uri"]
        self._show(f"Open {where} and confirm the code {asked['user_code']}.")
        until = time.monotonic() + min(wait_s, float(asked.get("expires_in", wait_s)))
        pause = float(asked.get("interval", SLOWER_S))
        with self._oauth() as oauth:
            while time.monotonic() < until:
                time.sleep(pause)
                try:
                    return self._token(oauth, grant_type=DEVICE_GRANT, device_code=asked["device_code"])
                except _NotYetError as not_yet:
                    pause += SLOWER_S if not_yet.slower else 0.0
        raise AuthError(f"nobody confirmed the code within {wait_s:g} s", hint="Try again.")

    def _oauth(self, **options: Any) -> Any:
        try:
            with warnings.catch_warnings():
                import authlib.deprecate  # noqa: F401 - it turns its warnings on where it is first imported

                warnings.simplefilter("ignore")  # it prefers another httpx to ours
                from authlib.integrations.httpx_client import OAuth2Client
        except ImportError as error:
            raise SyndbError(
                "logging in needs the package Authlib", hint="pip install 'syndb-lab[lab]'"
            ) from error
        return OAuth2Client(
            client_id=self._client_id,
            token_endpoint_auth_method="none",  # noqa: S106 - a public client has no password
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            trust_env=not goes_direct(urlsplit(self._issuer).hostname or ""),
            **options,
        )

    def _token(self, oauth: Any, **fields: Any) -> str:
        from authlib.common.errors import AuthlibBaseError

        try:
            resource = {name: self._asks[name] for name in ("resource",) if name in self._asks}
            got = oauth.fetch_token(_safe(self._told["token_endpoint"]), **fields, **resource)
        except AuthlibBaseError as error:
            if error.error in {"authorization_pending", "slow_down"}:
                raise _NotYetError(error.error == "slow_down") from None
            raise _login_rejected(error.error, error.description) from None
        except httpx.HTTPError as error:
            raise _provider_unavailable(self._issuer, error) from None
        return SecretText(got["access_token"])

    def _check(self, answer: dict[str, str]) -> None:
        """Make sure that the answer is from the provider that we asked, and grants what was asked for."""
        if answer.get("iss", self._issuer) != self._issuer:
            raise AuthError("the login came back from another identity provider", hint="Try again.")
        if "code" not in answer:
            raise _login_rejected(answer.get("error"), answer.get("error_description"))


class _NotYetError(Exception):
    """Nobody has confirmed the code yet."""

    def __init__(self, slower: bool) -> None:
        super().__init__()
        self.slower = slower


def _client(url: str) -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_S, trust_env=not goes_direct(urlsplit(url).hostname or ""))


def _request(http: httpx.Client, method: str, url: str, **fields: Any) -> dict[str, Any]:
    try:
        answer = http.request(method, url, **fields)
    except httpx.HTTPError as error:
        raise _provider_unavailable(url, error) from None
    if answer.is_error:
        raise error_from_response(answer)
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SyndbError(f"what answers at {url} is no service of this kind", hint="Check the address.")
    return found


def _safe(url: str) -> str:
    """Return an address that nobody can listen to on the way: https, or this computer."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise AuthError(
        f"the identity provider's address {url} is not https", hint="Tell the service's operator."
    )


def _login_rejected(code: str | None, description: str | None) -> AuthError:
    return AuthError(
        f"the login was refused: {description or code or 'no reason was given'}", hint="Try again."
    )


def _provider_unavailable(url: str, error: Exception) -> ServiceUnavailable:
    host = urlsplit(url).netloc
    return ServiceUnavailable(
        f"nothing answers at {host} ({type(error).__name__})", hint="Try again in a moment."
    )
