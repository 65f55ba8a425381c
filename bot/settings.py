"""Every setting, typed, with help. Read once at the edge and passed inward as values.

Owns: Settings, load().
May import: pydantic-settings, `bot.errors`.
Start reading at: `Settings`.

A setting comes from the environment (`HARBOUR_` and its name in capitals; `DATABASE_URL` and
`REDIS_URL` carry no prefix), else from the file `run.json` that a running `harbour run` keeps in
the data folder, else from the default here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigurationError

RUN_FILE = "run.json"


def _plain(name: str) -> AliasChoices:
    """A setting that may also be given without the prefix."""
    return AliasChoices(name, f"HARBOUR_{name}", name.lower())


class Settings(BaseSettings):
    """All that an operator can set. Times are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="HARBOUR_", extra="ignore")

    data_folder: Path = Field(Path("data"), description="where embedded servers and demo keys live")
    flows_folder: Path = Field(Path("flows"), description="flows and texts to publish")
    lexicon_folder: Path = Field(Path("escalation/lexicon"), description="risk lexicons to screen with")
    organisation: str = Field("Harbour", description="the name the bot gives itself")
    languages: str = Field(
        "en,es,fr,ar,uk,ru", description="languages this deployment serves; each must be signed, see `harbour sign-off`"
    )
    unsigned_accepted_by: str = Field(
        "", description="the director who accepts that unsigned content screens and answers people; unset: nobody"
    )
    demo: bool = Field(False, description="a trial on made-up content, where drafts do; `harbour run` sets it")
    first_languages: str = Field("en,ar,es", description="what is said to somebody whose language is unknown")
    time_zone: str = Field("UTC", description="IANA zone used where a contact has no place yet")

    country: str = Field(
        "", description="where people write from, ISO 3166 alpha-2, where their place names none; unset: no help lines"
    )

    database_url: SecretStr = Field(
        SecretStr(""),
        validation_alias=_plain("DATABASE_URL"),
        description="PostgreSQL, postgresql://…; unset: an embedded server",
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        validation_alias=_plain("REDIS_URL"),
        description="Redis or Valkey, redis://…; unset: embedded; without one, slower and never wrong",
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""), description="id:base64 pairs, comma separated; the first seals, all open; 32 bytes each"
    )
    lookup_key: SecretStr = Field(SecretStr(""), description="base64, 32 bytes: finds addresses by keyed hash")

    gateway_host: str = Field("127.0.0.1", description="address the gateway listens on")
    gateway_port: int = Field(8000, description="port the gateway listens on")
    public_base_url: str = Field("", description="https://… as the provider calls it; webhooks are checked against it")
    engine_url: str = Field("http://127.0.0.1:5005", description="the engines, comma separated")
    engine_timeout: float = Field(3.0, description="longest wait for one engine answer")
    worker_metrics_port: int = Field(0, description="port of a worker's own /metrics; 0: none")
    worker_metrics_host: str = Field("127.0.0.1", description="address of a worker's own /metrics")

    worker_turns: int = Field(8, description="contacts one worker handles at the same time")
    worker_sends: int = Field(8, description="addresses one worker sends to at the same time")
    poll_interval: float = Field(0.5, description="how often workers look without being woken")
    answer_within: float = Field(60.0, description="a message waits this long for the engine before the person is told")
    turn_attempts: int = Field(3, description="tries of a turn that fails before the person is told")
    send_attempts: int = Field(5, description="tries of a send that may be retried")
    send_lease: float = Field(30.0, description="a send not finished by then is looked up at the provider")

    twilio_account_sid: str = Field("", description="AC…")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="primary auth token: checks signatures")
    twilio_api_key_sid: str = Field("", description="SK…; recommended for sending")
    twilio_api_key_secret: SecretStr = Field(SecretStr(""), description="its secret")
    twilio_whatsapp_sender: str = Field("", description="your WhatsApp sender, +…")
    twilio_sms_sender: str = Field("", description="your SMS number, +…")
    twilio_messaging_service_sid: str = Field("", description="MG…; used for SMS in place of a number")
    twilio_api_base_url: str = Field("", description="another host in place of Twilio's, for tests")
    twilio_validity_period: int = Field(600, description="an SMS not delivered within this time is dropped")
    whatsapp_per_second: float = Field(80, description="sends a second on WhatsApp, all workers together")
    sms_per_second: float = Field(1, description="sends a second on SMS, all workers together")
    window_hours: float = Field(24, description="WhatsApp's customer-service window")
    sms_segments: int = Field(6, description="most segments of one SMS; longer texts are split")

    second_reader: bool = Field(
        True, description="a statistical reader beside the risk lexicons; it only raises levels"
    )
    smallest_count: int = Field(5, description="smaller numbers are left out of `harbour screen --report`")
    history_days: int = Field(14, description="how long an earlier risk level counts")
    keep_days: int = Field(
        0, description="days after which your team erases what is kept, as people are told; 0: no time"
    )
    acknowledge_minutes: int = Field(30, description="wait the person is told while someone is on duty")
    repeat_crisis_minutes: float = Field(5, description="how soon the first answer to risk may be repeated in full")
    line_days: int = Field(180, description="days for which a human's check of a help line counts")
    line_police: bool = Field(False, description="give help lines that may call the police, too")
    away_hours: float = Field(24, description="silence after which a contact is welcomed back")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is passed wins, then the environment, then a running demo's own file."""
        return init_settings, env_settings, _RunFile(settings_cls)

    def database(self) -> str:
        """The database's URL. Raises ConfigurationError when there is none."""
        url = self.database_url.get_secret_value()
        if not url:
            raise ConfigurationError("There is no database: start `make run` first, or set DATABASE_URL.")
        return url


class _RunFile(PydanticBaseSettingsSource):
    """Settings that a running `harbour run` left in the data folder."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the whole file is given at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The file's values; none if there is no such file."""
        if os.environ.get("HARBOUR_IGNORE_RUN_FILE"):
            return {}
        path = Path(os.environ.get("HARBOUR_DATA_FOLDER", "data")) / RUN_FILE
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return found


def load(**given: Any) -> Settings:
    """The settings. Raises ConfigurationError naming each wrong one."""
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"These settings are wrong: {wrong}.") from error
