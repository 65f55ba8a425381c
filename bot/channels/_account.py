"""One Twilio account: its credentials, its senders, and where its webhooks reach us."""

from __future__ import annotations

import dataclasses
import uuid

STATUS_PATH = "/webhooks/twilio/status"


@dataclasses.dataclass(frozen=True)
class TwilioAccount:
    """How one organisation reaches Twilio. `repr` hides the secrets.

    `auth_token` is the account's primary token: the only key webhooks are signed with (Twilio,
    "Security"). For sending, `api_key_sid` and `api_key_secret` are used when both are set.
    `public_base_url` is what the internet calls this service ("https://harbour.example.org"), and
    its host must not hold an underscore, or Twilio sends no status callbacks. `whatsapp_sender` and
    `sms_sender` are E.164 numbers; a messaging service, if set, sends SMS in place of `sms_sender`.
    `api_base_url` sends all requests to another host, for tests. Timeouts are in seconds.
    `validity_period` is how many seconds an SMS may wait in Twilio's queue: 1 to 36000; Twilio's
    own default of ten hours is far too long for a conversation.
    """

    account_sid: str
    auth_token: str = dataclasses.field(repr=False)
    api_key_sid: str = ""
    api_key_secret: str = dataclasses.field(default="", repr=False)
    public_base_url: str = ""
    whatsapp_sender: str = ""
    sms_sender: str = ""
    messaging_service_sid: str = ""
    api_base_url: str = ""
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    validity_period: int = 600

    @property
    def credentials(self) -> tuple[str, str]:
        """User name and password for Twilio's REST API."""
        if self.api_key_sid and self.api_key_secret:
            return self.api_key_sid, self.api_key_secret
        return self.account_sid, self.auth_token


def status_callback_url(account: TwilioAccount, message_id: uuid.UUID) -> str:
    """Where Twilio reports on one message.

    Our own id travels in the query, so a report that overtakes the answer to our request still
    finds its message (Twilio recommends query parameters for further identifiers).
    """
    return f"{account.public_base_url.rstrip('/')}{STATUS_PATH}?message={message_id}"
