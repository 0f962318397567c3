"""Settings that hold secrets or open doors: refused with their names, never shown."""

from __future__ import annotations

import pytest

from syndb_service.errors import BadSetting
from syndb_service.settings import Settings, load_settings

PASSWORD = "hunter2-not-for-logs"


def test_a_url_with_a_password_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDB_DATABASE_URL", f"postgresql+psycopg://ada:{PASSWORD}@db.lab/jobs")
    monkeypatch.setenv("SYNDB_BROKER_URL", f"redis://:{PASSWORD}@broker.lab/0")
    settings = load_settings()
    assert PASSWORD in settings.database
    assert PASSWORD in settings.broker
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert PASSWORD not in shown


def test_a_refused_setting_does_not_show_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDB_CORS_ORIGINS", f"https://ada:{PASSWORD}@lab.example.edu")
    with pytest.raises(BadSetting, match="SYNDB_CORS_ORIGINS") as refusal:
        load_settings()
    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize("origins", ["*", "lab.example.edu", "https://lab.example.edu/", "null", "ftp://lab"])
def test_origins_that_are_none(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("SYNDB_CORS_ORIGINS", f"https://ok.example.edu, {origins}")
    with pytest.raises(BadSetting, match="SYNDB_CORS_ORIGINS"):
        load_settings()


def test_origins_that_are_some() -> None:
    settings = Settings(cors_origins="https://lab.example.edu, http://localhost:8888 http://[::1]:9")
    assert settings.cors_allowed == ["https://lab.example.edu", "http://localhost:8888", "http://[::1]:9"]


@pytest.mark.parametrize(
    ("settings", "names", "says"),
    [
        ({"ISSUER": "http://login.example.edu", "AUDIENCE": "x"}, "SYNDB_OIDC_ISSUER", "https"),
        ({"ISSUER": "https://login.example.edu?x=1", "AUDIENCE": "x"}, "SYNDB_OIDC_ISSUER", "URL"),
        ({"ISSUER": f"https://a:{PASSWORD}@login.example.edu", "AUDIENCE": "x"}, "SYNDB_OIDC_ISSUER", "URL"),
        ({"ISSUER": "login.example.edu", "AUDIENCE": "x"}, "SYNDB_OIDC_ISSUER", "URL"),
        ({"ISSUER": "https://login.example.edu"}, "SYNDB_OIDC_AUDIENCE", "must be set"),
        ({"LEEWAY_S": "3000"}, "SYNDB_OIDC_LEEWAY_S", "300"),
        ({"DOMAINS": "staff@example.edu"}, "SYNDB_OIDC_DOMAINS", "no domain"),
        ({"AFFILIATIONS": " , "}, "SYNDB_OIDC_AFFILIATIONS", "at least one"),
        ({"TOKEN_DAYS": "0"}, "SYNDB_OIDC_TOKEN_DAYS", "greater than 0"),
    ],
)
def test_a_login_that_is_set_wrong(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], names: str, says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"SYNDB_OIDC_{name}", value)
    with pytest.raises(BadSetting, match=names) as refusal:
        load_settings()
    assert says in str(refusal.value)
    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize("issuer", ["https://login.example.edu", "http://127.0.0.1:8", "http://[::1]:8/x"])
def test_a_login_that_is_set_right(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    monkeypatch.setenv("SYNDB_OIDC_ISSUER", issuer)
    monkeypatch.setenv("SYNDB_OIDC_AUDIENCE", "https://syndb.example.edu")
    assert load_settings().oidc_issuer == issuer
