"""What the gateway works with: the database, the wake-up line, the provider's account.

Owns: Parts, twilio_account().
May import: settings, store, channels.
Start reading at: `Parts`.
"""

from __future__ import annotations

import dataclasses

from fastapi import Request

from bot.channels.twilio import TwilioAccount
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.database import Database
from bot.store.seal import Keyring
from bot.store.wake import Wake


@dataclasses.dataclass(frozen=True)
class Parts:
    """Made once at start. `twilio` is None when no account is set; `send_attempts` is how often a send is tried,
    `line_days` for how long a check of a help line counts, `unsigned` what nobody has signed (see
    `bot.conversation.sign_off`)."""

    database: Database
    wake: Wake
    twilio: TwilioAccount | None
    send_attempts: int = 5
    line_days: int = 180
    unsigned: tuple[str, ...] = ()

    @staticmethod
    def from_settings(settings: Settings) -> Parts:
        """Raises ConfigurationError for missing keys."""
        keys = Keyring.parse(settings.encryption_keys.get_secret_value(), settings.lookup_key.get_secret_value())
        return Parts(
            Database(settings.database(), keys),
            Wake(settings.redis_url.get_secret_value()),
            twilio_account(settings),
            settings.send_attempts,
            settings.line_days,
        )

    async def close(self) -> None:
        """Give everything back."""
        await self.wake.close()
        await self.database.close()


def twilio_account(settings: Settings) -> TwilioAccount | None:
    """The provider's account as set; None without an account id. Raises ConfigurationError."""
    if not settings.twilio_account_sid:
        return None
    if not settings.twilio_auth_token.get_secret_value() or not settings.public_base_url:
        raise ConfigurationError(
            "With a Twilio account, HARBOUR_TWILIO_AUTH_TOKEN and HARBOUR_PUBLIC_BASE_URL are needed too:"
            " without them no webhook can be checked."
        )
    return TwilioAccount(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_key_sid=settings.twilio_api_key_sid,
        api_key_secret=settings.twilio_api_key_secret.get_secret_value(),
        public_base_url=settings.public_base_url,
        whatsapp_sender=settings.twilio_whatsapp_sender,
        sms_sender=settings.twilio_sms_sender,
        messaging_service_sid=settings.twilio_messaging_service_sid,
        api_base_url=settings.twilio_api_base_url,
        validity_period=settings.twilio_validity_period,
    )


def parts(request: Request) -> Parts:
    """The parts of the application a request came to."""
    found: Parts = request.app.state.parts
    return found
