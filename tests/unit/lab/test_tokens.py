"""A token goes to the service that gave it, and to no other."""

from __future__ import annotations

import http.server
import json
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import syndb_lab
from syndb_lab.connection import login as login_module
from syndb_lab.connection.loopback_redirect import LoopbackRedirect
from syndb_lab.http.service_tokens import load_token, save_token, token_file
from syndb_lab.http.transport import is_this_computer
from syndb_lab.text.secret_text import SecretText
from syndb_lab.user_data import job_journal
from syndb_lab.user_data.query_history import add_to_history, load_history


class Stranger:
    """Answers everything on a port of this computer, and remembers which tokens it was sent."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.tokens: list[str] = []
        self.location: str | None = None
        stranger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stranger.paths.append(self.path)
                if token := self.headers.get("Authorization"):
                    stranger.tokens.append(token)
                body = json.dumps(
                    {"status": "ok", "jobs": [], "next_cursor": None, "proof": "0" * 64}
                ).encode()
                self.send_response(307 if stranger.location else 200)
                if stranger.location:
                    self.send_header("Location", f"{stranger.location}{self.path}")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_HEAD = do_DELETE = do_PATCH = answer  # noqa: N815 - the names of http.server

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def strangers() -> Iterator[tuple[Stranger, Stranger]]:
    both = Stranger(), Stranger()
    yield both
    for one in both:
        one.close()


def ended_process() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


@pytest.mark.parametrize("pid", ["ended", "alive"])
@pytest.mark.parametrize("secret", ["kept", "none"])
def test_a_stranger_on_the_old_port_is_sent_no_token(
    strangers: tuple[Stranger, Stranger], tmp_path: Path, pid: str, secret: str
) -> None:
    stranger = strangers[0]
    (tmp_path / "token").write_text("syndb_SECRET\n")
    if secret == "kept":
        (tmp_path / "service.secret").write_text("secret")
    announcement = {
        "url": stranger.url,
        "pid": ended_process() if pid == "ended" else os.getpid(),
        "token_file": str(tmp_path / "token"),
        "secret_file": str(tmp_path / "service.secret"),
        "data_dir": str(tmp_path),
        "results": "",
        "started_at": "2026-01-01T00:00:00+00:00",
        "version": "0.1.0",
    }
    (tmp_path / "service.json").write_text(json.dumps(announcement))
    with pytest.raises(syndb_lab.ServiceUnavailable, match="no service runs"):
        syndb_lab.connect(data_dir=tmp_path, start=False)
    assert stranger.tokens == []


@pytest.mark.parametrize("way", ["named", "link", "folder", "hard link", "link to the secret"])
def test_a_folder_of_somebody_else_gets_no_other_services_token(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service proves itself, as it knows its secret; the token that it names is another service's."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "token").write_text(f"syndb_{folder.name.upper()}")
        (folder / "service.secret").write_text("secret")
    named = {"token_file": theirs / "token", "secret_file": theirs / "service.secret"}
    if way == "named":
        named["token_file"] = ours / "token"
    elif way == "folder":
        (theirs / "inner").symlink_to(ours)
        named["token_file"] = theirs / "inner" / "token"
    elif way == "link to the secret":
        named["secret_file"].unlink()
        named["secret_file"].symlink_to(ours / "service.secret")
    else:
        named["token_file"].unlink()
        if way == "link":
            named["token_file"].symlink_to(ours / "token")
        else:  # of a file that is this user's, into a folder that is somebody else's
            named["token_file"].hardlink_to(ours / "token")
            if os.getuid():
                pytest.skip("only root gives a folder to somebody else")
            os.chown(theirs, 1234, 1234)
            os.chown(named["secret_file"], 1234, 1234)
    told = {**named, "url": "http://127.0.0.1:9", "pid": os.getpid(), "data_dir": theirs, "started_at": "now"}
    (theirs / "service.json").write_text(json.dumps(told, default=str))
    monkeypatch.setattr("syndb_lab.user_data.service_registry.RunningService.is_responding", lambda _: True)
    with pytest.raises(syndb_lab.ServiceUnavailable, match="can't be read") as refused:
        syndb_lab.connect(data_dir=theirs, start=False)
    assert "OURS" not in str(refused.value)


def test_a_proxy_gets_no_token_on_its_way_to_this_computer(
    strangers: tuple[Stranger, Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also under a name that only the table of hosts knows."""
    ours, proxy = strangers
    found = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **options: found("127.0.0.1" if host == "box.lan" else host, *args, **options),
    )
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    with syndb_lab.connect(ours.url.replace("127.0.0.1", "box.lan"), "OURS") as lab:
        lab.jobs()
    assert proxy.tokens == []
    assert ours.tokens == ["Bearer OURS"]


def test_no_tool_that_shows_variables_shows_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Such as rich with ``show_locals``, or IPython's ``%xmode Verbose``."""
    monkeypatch.setenv("SYNDB_URL", "http://192.0.2.1")
    monkeypatch.setenv("SYNDB_TOKEN", "syndb_SECRET")
    with pytest.raises(syndb_lab.AuthError) as refused:
        syndb_lab.connect()
    save_token("https://lab.example.edu", "syndb_SECRET")
    with syndb_lab.connect("https://lab.example.edu") as lab:
        seen = [vars(lab), vars(lab._transport), vars(lab._transport._options["auth"])]
    for entry in refused.traceback:
        if "syndb_lab" in str(entry.path):
            told = entry.frame.f_locals.items()
            seen.append({name: one for name, one in told if name != "self"})  # half made
    assert len(seen) > 5
    assert "SECRET" not in repr(seen)
    token = SecretText("syndb_SECRET")
    assert "SECRET" not in f"{token!r} {token[:9]!r} {token.strip()!r} {[token]}"
    assert f"Bearer {token}" == "Bearer syndb_SECRET"


def test_a_token_of_the_environment_goes_to_its_own_address_alone(
    strangers: tuple[Stranger, Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = strangers
    monkeypatch.setenv("SYNDB_URL", f" {ours.url.upper().replace('HTTP', 'http')}/ ")
    monkeypatch.setenv("SYNDB_TOKEN", "OURS")
    save_token(other.url, "OTHERS")
    for url in (None, ours.url, f"{ours.url}/"):
        with syndb_lab.connect(url) as lab:
            lab.jobs()
    with syndb_lab.connect(other.url) as lab:
        lab.jobs()
    assert ours.tokens == ["Bearer OURS"] * 3
    assert other.tokens == ["Bearer OTHERS"]


def test_a_token_without_an_address_goes_nowhere(
    strangers: tuple[Stranger, Stranger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDB_TOKEN", "OURS")
    with syndb_lab.connect(strangers[0].url) as lab:
        lab.jobs()
    assert strangers[0].tokens == []


def test_a_redirect_takes_no_token_along(strangers: tuple[Stranger, Stranger]) -> None:
    ours, other = strangers
    ours.location = other.url
    with syndb_lab.connect(ours.url, "OURS") as lab, pytest.raises(syndb_lab.SyndbError) as refused:
        lab.jobs()
    assert other.paths == []
    assert "OURS" not in str(refused.value) + repr(refused.value) + repr(lab)


@pytest.mark.parametrize(
    "url",
    [
        "https://Syndb.Example.EDU",
        "https://syndb.example.edu:443",
        " https://syndb.example.edu ",
        "HTTPS://syndb.example.edu/",
    ],
)
def test_a_kept_token_is_found_under_every_spelling(url: str) -> None:
    save_token("https://syndb.example.edu", "T")
    assert load_token(url) == "T"
    save_token(url, "U")
    assert load_token("https://syndb.example.edu") == "U"
    assert load_token("https://syndb.example.edu:8443") is None
    assert load_token("http://syndb.example.edu") is None
    assert token_file().stat().st_mode & 0o077 == 0


def test_nothing_is_sent_in_the_clear_to_another_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    for way in (
        lambda: syndb_lab.connect("http://192.0.2.1", "T"),
        lambda: syndb_lab.login("http://192.0.2.1"),
    ):
        with pytest.raises(syndb_lab.AuthError, match="plain http") as refused:
            way()
        assert "https" in str(refused.value)
        assert "SYNDB_PLAIN_HTTP=1" in str(refused.value)
    monkeypatch.setenv("SYNDB_PLAIN_HTTP", "1")
    syndb_lab.connect("http://192.0.2.1", "T").close()


def test_this_computer_is_known_by_each_of_its_addresses() -> None:
    assert all(map(is_this_computer, ("localhost", "127.0.0.1", "127.9.9.9", "0.0.0.0")))
    assert not any(map(is_this_computer, ("192.0.2.1", "no such host", "", "2001:db8::1")))


def test_the_answer_to_another_login_is_dropped_and_the_right_one_waited_for() -> None:
    with LoopbackRedirect("right") as redirect:
        for state in ("wrong", "", "right and more"):
            answer = httpx.get(redirect.uri, params={"state": state, "code": "x"})
            assert (answer.status_code, "not the login" in answer.text) == (400, True)
        assert redirect.wait(0.01) is None
        assert httpx.get(redirect.uri, params={"state": "right", "code": "y"}).is_success
        assert not httpx.get(redirect.uri, params={"state": "right", "code": "z"}).is_success
        assert redirect.wait(120) == {"state": "right", "code": "y"}


def write_some(name: str) -> None:
    for number in range(20):
        save_token(f"https://{name}{number}.example.edu", "T")
        add_to_history({"kind": "query", "sql": f"SELECT '{name}{number}'", "at": "now"})
        job_journal.record_job({"job_id": f"{name}{number}", "query": "SELECT 1"}, "u")


def test_writers_at_the_same_time_lose_nothing_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_journal, "MAX_ENTRIES", 100)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_some, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    names = {f"{name}{number}" for name in "abc" for number in range(20)}
    assert {name for name in names if load_token(f"https://{name}.example.edu") is None} == set()
    assert {str(draft["sql"])[8:-1] for draft in load_history()} == names
    assert {entry.job_id for entry in job_journal.entries()} == names


def test_a_line_that_was_cut_off_costs_that_line_alone() -> None:
    job_journal.record_job({"job_id": "11111111", "query": "SELECT 1"}, "u")
    file = job_journal.journal_file()
    file.write_text(file.read_text() * 2 + file.read_text()[:40])
    job_journal.record_job({"job_id": "22222222", "query": "SELECT 2"}, "u")
    assert [entry.job_id for entry in job_journal.entries()] == ["22222222", "11111111", "11111111"]


def test_a_login_shows_no_control_character_of_provider_or_service(monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"user": "ada\x1b[2J", "token": "syndb_SECRET", "standing": None}
    answers = {"GET": {"login": {"issuer": "https://login.example.org"}}, "POST": account}
    monkeypatch.setattr(login_module, "_request", lambda _http, method, *_, **__: answers[method])
    monkeypatch.setattr(login_module, "save_token", lambda *_: None)

    class Provider:
        def __init__(self, _login: object, show: Callable[[str], None]) -> None:
            self._show = show

        def by_device(self, _timeout_s: float) -> str:
            self._show("confirm \x1b]0;title\x07 the code \x9b31m")
            return "access"

    monkeypatch.setattr(login_module, "Provider", Provider)
    shown: list[str] = []
    syndb_lab.login("http://127.0.0.1:1", device=True, show=shown.append).close()
    assert len(shown) == 2
    assert "ada" in shown[1]
    assert not [text for text in shown if any(character in text for character in "\x1b\x07\x9b")]
