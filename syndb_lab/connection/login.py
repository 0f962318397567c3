"""``login()`` at a service's OpenID provider: in the browser, or by a code on another device.

GET /v1/auth ──▶ the provider's metadata ──▶ browser (code + PKCE, loopback) or device code ──▶ access token
      ──▶ POST /v1/auth/tokens ──▶ a token of the service, stored in a file that only this user can read
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
    """Log in at a service's OpenID provider, and store the token that the service returns.

    Parameters
    ----------
    url : str, optional
        Address of the service; SYNDB_URL by default.
    device : bool
        Show an address and a code for another device, in place of opening a browser here. A remote
        JupyterHub needs this, because a browser elsewhere can't redirect to it.
    wait_s : float
        Seconds to wait for the login.
    open_browser : callable
        Opens an address in a browser.
    show : callable
        Shows a line of text.

    Returns
    -------
    Lab
        A connection with the new token; a later ``connect(url)`` finds the token, too.

    Raises
    ------
    AuthError
        The service has no login, the login was rejected, or it took longer than ``wait_s``.
    ServiceUnavailable
        The service or the provider does not respond.

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
    timeout_s = number("wait_s", wait_s)
    if timeout_s is None or not 0 < timeout_s < math.inf:
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
        login_options = _request(http, "GET", f"{address}/v1/auth").get("login")
    if not login_options:
        raise AuthError(
            f"the service at {address} has no login",
            hint=NextStep(Action.ASK_FOR_TOKEN),
        )
    provider = Provider(login_options, show_escaped)
    access_token = provider.by_device(timeout_s) if device else provider.by_browser(timeout_s, open_browser)
    with _client(address) as http:
        headers = {"Authorization": f"Bearer {access_token}"}
        account = _request(http, "POST", f"{address}/v1/auth/tokens", headers=headers)
    token = account["token"] = SecretText(account["token"])
    save_token(address, token)
    status = account.get("standing")
    academic = f"academic ({status['affiliation']})" if status else "not verified as academic"
    show_escaped(f"Logged in as {account['user']}, {academic}.")
    return Lab(address, token)


class Provider:
    """The OpenID provider of a service.

    Parameters
    ----------
    login : dict
        ``login`` of ``GET /v1/auth``: ``issuer``, ``client_id``, ``scope`` and ``audience``.
    show : callable
        Shows a line of text.
    """

    def __init__(self, login: dict[str, Any], show: Show) -> None:
        self._issuer = _safe(str(login["issuer"]))
        self._client_id = str(login["client_id"])
        self._scope = {"scope": str(login["scope"])}
        if urlsplit(str(login["audience"])).scheme in {"http", "https", "urn"}:
            self._scope["resource"] = str(login["audience"])
        self._show = show
        with _client(self._issuer) as http:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            self._metadata = _request(http, "GET", address)
        if self._metadata.get("issuer") != self._issuer:
            raise AuthError(f"what answers at {self._issuer} is another identity provider")

    def __repr__(self) -> str:
        return f"Provider({self._issuer!r})"

    def by_browser(self, wait_s: float, open_browser: Callable[[str], Any]) -> str:
        """Log in with a browser on this computer: authorization code with PKCE, and a loopback redirect."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        with LoopbackRedirect(state) as redirect, self._oauth(redirect_uri=redirect.uri) as oauth:
            endpoint = _safe(self._metadata["authorization_endpoint"])
            address, _ = oauth.create_authorization_url(
                endpoint, state=state, code_verifier=verifier, **self._scope
            )
            self._show(f"Your browser opens {address}")
            open_browser(address)
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
        """Log in with a browser on any device, by a code that is shown here."""
        endpoint = self._metadata.get("device_authorization_endpoint")
        if not endpoint:
            raise AuthError(f"{self._issuer} has no device login", hint="Use syndb_lab.login() without it.")
        with _client(self._issuer) as http:
            data = {"client_id": self._client_id, **self._scope}
            device = _request(http, "POST", _safe(endpoint), data=data)
        address = device.get("verification_uri_complete") or device["verification_uri"]
        self._show(f"Open {address} and confirm the code {device['user_code']}.")
        deadline = time.monotonic() + min(wait_s, float(device.get("expires_in", wait_s)))
        pause = float(device.get("interval", SLOWER_S))
        with self._oauth() as oauth:
            while time.monotonic() < deadline:
                time.sleep(pause)
                try:
                    return self._token(oauth, grant_type=DEVICE_GRANT, device_code=device["device_code"])
                except _NotYetError as not_yet:
                    pause += SLOWER_S if not_yet.slower else 0.0
        raise AuthError(f"nobody confirmed the code within {wait_s:g} s", hint="Try again.")

    def _oauth(self, **options: Any) -> Any:
        try:
            with warnings.catch_warnings():
                import authlib.deprecate  # noqa: F401 - its first import turns its warnings on

                warnings.simplefilter("ignore")  # authlib warns about the httpx version
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
            resource = {name: self._scope[name] for name in ("resource",) if name in self._scope}
            answer = oauth.fetch_token(_safe(self._metadata["token_endpoint"]), **fields, **resource)
        except AuthlibBaseError as error:
            if error.error in {"authorization_pending", "slow_down"}:
                raise _NotYetError(error.error == "slow_down") from None
            raise _login_rejected(error.error, error.description) from None
        except httpx.HTTPError as error:
            raise _provider_unavailable(self._issuer, error) from None
        return SecretText(answer["access_token"])

    def _check(self, answer: dict[str, str]) -> None:
        """Raise if the answer comes from another provider, or contains an error in place of a code."""
        if answer.get("iss", self._issuer) != self._issuer:
            raise AuthError("the login came back from another identity provider", hint="Try again.")
        if "code" not in answer:
            raise _login_rejected(answer.get("error"), answer.get("error_description"))


class _NotYetError(Exception):
    """The code is not confirmed yet; ``slower`` asks for a longer pause between polls."""

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
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SyndbError(f"what answers at {url} is no service of this kind", hint="Check the address.")
    return content


def _safe(url: str) -> str:
    """Return an address that is https or on this computer; raise for any other."""
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
