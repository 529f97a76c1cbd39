"""Wrong settings are refused by the name of their environment variable, without their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewire import ConfigurationError, Settings

_NAMES = ("DATABASE_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the outside world."""
    monkeypatch.chdir(tmp_path)
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)


def test_older_names_of_the_keys_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "service")
    key = Settings.load().supabase_secret_key
    assert key is not None
    assert key.get_secret_value() == "service"


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEWIRE_SLOTS", "")
    assert Settings.load().slots == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("TIDEWIRE_SLOTS", "0"), ("TIDEWIRE_LINGER_MS", "-1"), ("TIDEWIRE_LEASE_SECONDS", "soon")],
)
def test_wrong_value_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        Settings.load()


def test_heartbeat_must_fit_the_lease_three_times() -> None:
    with pytest.raises(
        ConfigurationError, match="TIDEWIRE_HEARTBEAT_SECONDS must be at most a third of"
    ):
        Settings.load(lease_seconds=15, heartbeat_seconds=6)


def test_wrong_database_url_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@host/db")
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
        Settings.load()
    assert "hunter2" not in str(caught.value)


def test_missing_database_url_is_named() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL must be set"):
        _ = Settings.load().dsn


@pytest.mark.parametrize(
    ("url", "said", "pooled"),
    [
        ("postgresql://h:6543/db", None, True),
        ("postgresql://h:5432/db", None, False),
        ("postgresql://h/db", None, False),
        ("postgresql://h:5432/db", True, True),
        ("postgresql://h:6543/db", False, False),
    ],
)
def test_transaction_pooler_is_known_by_its_port_or_by_the_setting(
    url: str, said: bool | None, pooled: bool
) -> None:
    settings = Settings.load(database_url=url, transaction_pooler=said)
    assert settings.through_transaction_pooler is pooled


def test_printed_settings_hold_no_secret() -> None:
    settings = Settings.load(
        database_url="postgresql://u:hunter2@h/db", supabase_secret_key="sb_secret_x"
    )
    assert "hunter2" not in repr(settings)
    assert "sb_secret_x" not in repr(settings)
    assert {"hunter2", "sb_secret_x"} <= set(settings.secrets())
