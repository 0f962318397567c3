"""Tokens of a real OpenID provider, and logging in there: what is let in, and as whom."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

import syndb_lab
from syndb_lab.errors import AcademicVerificationRequired, AuthError
from tests.support.live_service import Live, running_service
from tests.support.restricted_dataset import SECRET_ID, secret_folder
from tests.support.servers.oidc_provider import AUDIENCE, IssuerServer, new_key, running_issuer
from tests.support.wire import refused

SPACED = "member@elsewhere.example ; ,Staff@Example.edu;;  alum@example.edu"
PEOPLE = {
    "ada": {"affiliation": SPACED, "isMemberOf": ["tracers", "bad group\n", 7]},
    "bob": {"eduperson_scoped_affiliation": ["student@cs.example.edu"]},
    "carla": {"affiliation": "alum@example.edu;staff;@example.edu;staff@;staff@example.edu.evil.example"},
    "dan": {},
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuerServer]:
    with running_issuer(tmp_path_factory.mktemp("issuer")) as server:
        server.keep([server.key], PEOPLE)
        yield server


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, issuer: IssuerServer) -> Iterator[Live]:
    settings = {
        "SYNDB_OIDC_ISSUER": issuer.url,
        "SYNDB_OIDC_AUDIENCE": AUDIENCE,
        "SYNDB_OIDC_CLIENT_ID": "syndb-lab",
        "SYNDB_OIDC_DOMAINS": "example.edu, *.example.edu",
        "SYNDB_OIDC_GROUPS_CLAIM": "isMemberOf",
        "SYNDB_OIDC_REFETCH_S": "0",
        "SYNDB_OIDC_TOKEN_DAYS": "7",
    }
    folder = tmp_path_factory.mktemp("login")
    with running_service(folder, **settings) as live:
        live.syndb_lab(
            "dataset", "add", str(secret_folder(folder / "secret")), "--restrict-to", "group:tracers"
        )
        yield live


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    for name in ("SYNDB_URL", "SYNDB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


class Person:
    """Somebody at a browser: follows the provider's pages, and logs in by a name."""

    def __init__(self, name: str, *, refuses: bool = False) -> None:
        self._name = name
        self._refuses = refuses
        self._http = httpx.Client(trust_env=False, timeout=120)

    def open(self, url: str) -> None:
        """Open a page in the background, as a browser does."""
        threading.Thread(target=self.visit, args=(url,), daemon=True).start()

    def visit(self, url: str) -> str:
        """Go through the pages to the last one; return its text."""
        answer = self._http.get(url)
        for _ in range(20):
            if answer.is_redirect:
                answer = self._http.get(urljoin(str(answer.url), answer.headers["Location"]))
            elif 'name="prompt"' in answer.text and self._refuses:
                answer = self._http.get(f"{answer.url}/abort")
            elif 'value="login"' in answer.text:
                answer = self._post(answer, {"prompt": "login", "login": self._name, "password": "x"})
            elif 'value="consent"' in answer.text:
                answer = self._post(answer, {"prompt": "consent"})
            else:
                return answer.text
        raise AssertionError("the provider's pages have no end")

    def confirm(self, url: str) -> str:
        """Confirm a device's code."""
        page = self._http.get(url)
        page = self._submit(page)
        for _ in range(4):
            text = page.text
            if page.is_redirect or 'name="prompt"' in text:
                self.visit(urljoin(str(page.url), page.headers.get("Location", "")))
                return text
            page = self._submit(page)
        return page.text

    def _submit(self, page: httpx.Response) -> httpx.Response:
        fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page.text))
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action, page.text
        return self._http.post(urljoin(str(page.url), action[1]), data=fields)

    def _post(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert action, page.text
        return self._http.post(urljoin(str(page.url), action[1]), data=fields)


def me(live: Live, token: str) -> dict[str, Any]:
    with live.http(token) as http:
        answer = http.get("/v1/auth/me")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def test_a_login_by_browser(service: Live, issuer: IssuerServer, capsys: pytest.CaptureFixture[str]) -> None:
    lab = syndb_lab.login(service.url, open_browser=Person("ada").open)
    assert SECRET_ID in {dataset.id for dataset in lab.datasets()}
    assert lab.sql("SELECT 1 AS one").to_polars().item() == 1
    said = capsys.readouterr().out
    assert f"Logged in as {issuer.url}#ada, academic (staff@example.edu)." in said
    assert "syndb_" not in said
    with syndb_lab.connect(service.url) as again:
        assert again.datasets()
    listed = next(line for line in service.syndb_lab("token", "list").splitlines() if "#ada" in line)
    assert issuer.url in listed
    assert "tracers" in service.syndb_lab("group", "list")


def test_a_login_by_device(service: Live) -> None:
    shown: list[str] = []

    def show(line: str) -> None:
        shown.append(line)
        if line.startswith("Open "):
            threading.Thread(target=Person("bob").confirm, args=(line.split()[1],), daemon=True).start()

    lab = syndb_lab.login(service.url, device=True, show=show)
    assert lab.datasets()
    assert SECRET_ID not in {dataset.id for dataset in lab.datasets()}
    assert shown[-1].endswith("academic (student@cs.example.edu).")


def test_who_is_not_academic_is_let_in_and_told(service: Live) -> None:
    lab = syndb_lab.login(service.url, open_browser=Person("carla").open)
    with pytest.raises(AcademicVerificationRequired):
        lab.datasets()


def test_a_login_that_is_refused_or_left(service: Live) -> None:
    with pytest.raises(AuthError, match="refused"):
        syndb_lab.login(service.url, open_browser=Person("dan", refuses=True).open)
    with pytest.raises(AuthError, match="nobody logged in"):
        syndb_lab.login(service.url, open_browser=lambda url: None, wait_s=0.05)


def test_a_login_that_somebody_else_answers(service: Live) -> None:
    """Whoever sends a code of their own to the loopback address does not know the state, and ends nothing."""

    def attack(url: str) -> None:
        redirect = httpx.URL(url).params["redirect_uri"]
        assert httpx.get(f"{redirect}?code=stolen&state=guessed", trust_env=False).status_code == 400

    def attack_and_log_in(url: str) -> None:
        attack(url)
        Person("ada").open(url)

    with pytest.raises(AuthError, match="nobody logged in"):
        syndb_lab.login(service.url, open_browser=attack, wait_s=0.05)
    assert syndb_lab.login(service.url, open_browser=attack_and_log_in).datasets()


def test_a_service_without_a_login_says_so(live: Live) -> None:
    with pytest.raises(AuthError, match="has no login"):
        syndb_lab.login(live.url)
    with live.http() as http:
        refused(http.post("/v1/auth/tokens"), 404, "not_found")


def test_an_access_token_is_taken_wherever_tokens_are(service: Live, issuer: IssuerServer) -> None:
    token = issuer.sign(affiliation=SPACED, isMemberOf="tracers;others")
    found = me(service, token)
    assert found["user"] == f"{issuer.url}#ada"
    assert found["academic"]
    assert found["groups"] == ["others", "tracers"]
    assert (found["standing"]["issuer"], found["standing"]["affiliation"]) == (
        issuer.url,
        "staff@example.edu",
    )
    with service.http(token) as http:
        assert http.get("/v1/datasets").status_code == 200
        made = http.post("/v1/auth/tokens")
        assert made.status_code == 201
        refused(
            http.post("/v1/auth/tokens", headers={"Authorization": f"Bearer {made.json()['token']}"}),
            401,
            "unauthenticated",
        )
    ours = me(service, made.json()["token"])
    assert ours["token_id"]
    assert {**ours, "token_id": None, "expires_at": None, "standing": None} == {**found, "standing": None}


AFFILIATIONS = [
    ("faculty@example.edu", True),
    (" STAFF@EXAMPLE.EDU ", True),
    ("x; ;;member@example.edu,", True),
    (["alum@example.edu", "employee@a.b.example.edu"], True),
    ("alum@example.edu", False),
    ("staff", False),
    ("staff@evil-example.edu", False),
    ("staff@example.edu.evil.com", False),
    ("staff@a@example.edu", False),
    ("@example.edu", False),
    ("", False),
    (None, False),
    (7, False),
    ({"staff@example.edu": True}, False),
    ([["staff@example.edu"]], False),
]


@pytest.mark.parametrize(("claim", "academic"), AFFILIATIONS, ids=range(len(AFFILIATIONS)))
def test_affiliations(service: Live, issuer: IssuerServer, claim: Any, academic: bool) -> None:
    token = issuer.sign(sub="of-affiliations", affiliation=claim)
    assert me(service, token)["academic"] is academic
    with service.http(token) as http:
        if academic:
            assert http.get("/v1/jobs").status_code == 200
        else:
            refused(http.get("/v1/jobs"), 403, "academic_verification_required")


def test_a_standing_that_is_taken_back_is_gone_from_our_tokens(service: Live, issuer: IssuerServer) -> None:
    with service.http(issuer.sign(sub="leaver", affiliation="staff@example.edu")) as http:
        ours = http.post("/v1/auth/tokens").json()["token"]
    assert me(service, ours)["academic"]
    me(service, issuer.sign(sub="leaver"))
    assert not me(service, ours)["academic"]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def forged(issuer: IssuerServer) -> dict[str, str]:
    now = int(time.time())
    good = issuer.sign()
    head, body, signature = good.split(".")
    none = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).decode().rstrip("=")
    )
    public = issuer.key.as_pem(private=False)
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 600}
    kid = {"kid": issuer.key.kid}
    other = encoded(json.dumps(claims | {"sub": "root"}).encode())
    shared = f"{encoded(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', **kid}).encode())}.{body}"
    return {
        "of another issuer": issuer.sign(iss="https://login.evil.example"),
        "for another audience": issuer.sign(aud="https://other.example.edu"),
        "for no audience": issuer.sign(aud=None),
        "for others": issuer.sign(aud=["a", "b"]),
        "expired": issuer.sign(iat=now - 9000, exp=now - 8400),
        "a clock ten minutes behind": issuer.sign(iat=now - 1200, exp=now - 600),
        "a clock ten minutes ahead": issuer.sign(iat=now + 600, exp=now + 1200),
        "not valid before ten minutes": issuer.sign(nbf=now + 600),
        "without an end": issuer.sign(exp=None),
        "without a subject": issuer.sign(sub=None),
        "an empty subject": issuer.sign(sub=""),
        "a subject with a line break": issuer.sign(sub="ada\nroot"),
        "alg none": f"{none}.{body}.",
        "alg none, with a signature": f"{none}.{body}.{signature}",
        "the public key as a secret": f"{shared}.{encoded(hmac.digest(public, shared.encode(), 'sha256'))}",
        "another key of that name": issuer.sign(new_key(issuer.key.kid or "")),
        "an unknown key": issuer.sign(new_key("nobodys")),
        "another kind of key": jwt.encode(
            {"alg": "ES256", "typ": "at+jwt", **kid}, claims, ECKey.generate_key("P-256")
        ),
        "an ID token's type": issuer.sign(header={"typ": "id+jwt"}),
        "another body": f"{head}.{other}.{signature}",
        "truncated": good[:-8],
        "without a signature": f"{head}.{body}.",
        "no JSON": f"{head}.AAAA.{signature}",
        "malformed": "a.b.c",
        "dots": "..",
        "too long": issuer.sign(padding="x" * 20_000),
    }


def test_tokens_that_are_not_good(service: Live, issuer: IssuerServer) -> None:
    tokens = forged(issuer)
    for what, token in tokens.items():
        for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/auth/tokens")):
            answer = httpx.request(
                method, f"{service.url}{path}", headers={"Authorization": f"Bearer {token}"}, trust_env=False
            )
            assert answer.status_code == 401, (what, answer.text)
            refused(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), what
            assert token not in answer.text
    log = (service.data_dir.parent / "up.log").read_text()
    assert "Traceback" not in log
    assert not [what for what, token in tokens.items() if len(token) > 40 and token in log]
    assert "root" not in service.syndb_lab("group", "list")


def test_clocks_may_differ_by_the_leeway(service: Live, issuer: IssuerServer) -> None:
    now = int(time.time())
    assert me(service, issuer.sign(iat=now + 20, nbf=now + 20))
    assert me(service, issuer.sign(iat=now - 600, exp=now - 5))


def test_keys_that_rotate(service: Live, issuer: IssuerServer) -> None:
    before = issuer.sign(sub="rotating")
    assert me(service, before)
    old = issuer.rotate()
    assert me(service, issuer.sign(sub="rotating"))
    with service.http(issuer.sign(old, sub="rotating", jti="another")) as http:
        assert "does not have" in refused(http.get("/v1/jobs"), 401, "unauthenticated")["detail"]


def test_while_the_provider_is_away_known_keys_hold(service: Live, issuer: IssuerServer) -> None:
    assert me(service, issuer.sign())
    issuer.kill()
    try:
        assert me(service, issuer.sign(sub="away"))
        with service.http(issuer.sign(new_key("new"))) as http:
            assert http.get("/v1/jobs").status_code == 401
    finally:
        issuer.start()
