"""The nouns every part shares, as frozen values.

Owns: Channel, Address, Language, InboundMessage, OutboundMessage, DeliveryStatus and their kin.
May import: the standard library only; must run on Python 3.10 too, since the engine uses it.
Start reading at: `InboundMessage`.
"""

from __future__ import annotations

import dataclasses
import uuid
from enum import Enum


class Channel(str, Enum):
    """The way a message travels."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    SIMULATOR = "simulator"


class Language(str, Enum):
    """Languages that the shipped content speaks, by ISO 639-1 code."""

    ENGLISH = "en"
    SPANISH = "es"
    FRENCH = "fr"
    ARABIC = "ar"
    UKRAINIAN = "uk"
    RUSSIAN = "ru"


class Control(str, Enum):
    """Who answers a contact: the bot, or a counsellor (then the bot is silent)."""

    BOT = "bot"
    COUNSELLOR = "counsellor"


class DeliveryStatus(str, Enum):
    """How far an outbound message has come. For one send it only ever moves forward (see `rank`).

    queued     waits in the outbox
    sending    a worker is handing it to the provider now
    unknown    handed over, but no answer came: look it up before anything is sent again
    held       not sent for now: WhatsApp's 24-hour window is closed, or the contact said STOP
    sent       the provider accepted it
    delivered  it reached the phone
    read       it was opened (only where receipts are on)
    failed     it will not arrive
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"

    @property
    def rank(self) -> int:
        """Position on the way out; a status may only be replaced by one of higher rank."""
        return _RANK[self]

    def after(self, reported: DeliveryStatus) -> DeliveryStatus:
        """The status to keep when `reported` arrives, whatever order reports come in."""
        return reported if reported.rank > self.rank else self


_RANK = {
    DeliveryStatus.QUEUED: 0,
    DeliveryStatus.SENDING: 1,
    DeliveryStatus.UNKNOWN: 2,
    DeliveryStatus.HELD: 3,
    DeliveryStatus.SENT: 4,
    DeliveryStatus.FAILED: 5,
    DeliveryStatus.DELIVERED: 6,
    DeliveryStatus.READ: 7,
}


SIMULATED = "sim:"


class OptOut(str, Enum):
    """What the provider itself made of a STOP-like word (Twilio's `OptOutType`)."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclasses.dataclass(frozen=True)
class Address:
    """Where one contact is reached on one channel.

    `value` is an E.164 number ("+573001112222"), a short code, or WhatsApp's business-scoped
    user id ("CO.1A2B..."), which is all that is known of people who hide their number.
    Never log it: `repr` hides it.
    """

    channel: Channel
    value: str

    def __repr__(self) -> str:
        return f"Address({self.channel.value}, hidden)"

    @property
    def is_simulated(self) -> bool:
        """True for a contact played at a terminal; nothing is sent to any provider."""
        return self.value.startswith(SIMULATED)

    @property
    def is_business_scoped(self) -> bool:
        """True for a WhatsApp user id in place of a phone number."""
        return self.channel is Channel.WHATSAPP and "." in self.value


@dataclasses.dataclass(frozen=True)
class Media:
    """One attachment of an inbound message, by reference; it is not fetched on arrival."""

    url: str
    content_type: str


@dataclasses.dataclass(frozen=True)
class Location:
    """A place the contact chose to send. Degrees, WGS 84."""

    latitude: float
    longitude: float
    label: str = ""


@dataclasses.dataclass(frozen=True)
class InboundMessage:
    """One message as it came from a provider, before anybody interpreted it.

    `provider_id` is unique per channel. `text` is the body or a media caption; `button_title`
    and `button_payload` are set when a button or list row was tapped. `aliases` are further
    addresses of the same contact (WhatsApp sends number and user id together).
    """

    channel: Channel
    provider_id: str
    sender: Address
    recipient: str
    text: str = ""
    aliases: tuple[Address, ...] = ()
    media: tuple[Media, ...] = ()
    location: Location | None = None
    button_title: str = ""
    button_payload: str = ""
    in_reply_to: str = ""
    opt_out: OptOut | None = None
    forwarded: bool = False

    def __repr__(self) -> str:
        return f"InboundMessage({self.channel.value}, {self.provider_id})"

    @property
    def texts(self) -> tuple[str, ...]:
        """Every piece of writing in it; all of them are screened."""
        label = self.location.label if self.location else ""
        found = (self.text, self.button_title, label)
        return tuple(dict.fromkeys(part for part in found if part.strip()))


@dataclasses.dataclass(frozen=True)
class OutboundMessage:
    """One message on its way to a contact. `id` is ours and travels in the callback URL."""

    id: uuid.UUID
    recipient: Address
    text: str

    def __repr__(self) -> str:
        return f"OutboundMessage({self.id})"


class SendAction(str, Enum):
    """What to do after a send did not simply succeed (the closed list of outcomes)."""

    RETRY = "retry"
    RETRY_NEXT_DAY = "retry_next_day"
    RETRY_ONCE = "retry_once"
    GIVE_UP = "give_up"
    UNUSABLE_ADDRESS = "unusable_address"
    OPTED_OUT = "opted_out"
    WINDOW_CLOSED = "window_closed"
    CONTENT = "content"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class SendOutcome:
    """What came of handing one message to a provider.

    `status` is SENT with `provider_id`, or FAILED/UNKNOWN/QUEUED with `action` saying what
    follows. `code` is the provider's own error code; `retry_after` is in seconds.
    """

    status: DeliveryStatus
    provider_id: str | None = None
    action: SendAction | None = None
    code: int | None = None
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True)
class DeliveryReport:
    """A provider's later word on one of our messages (a status callback)."""

    provider_id: str
    status: DeliveryStatus
    message_id: uuid.UUID | None = None
    code: int | None = None


@dataclasses.dataclass(frozen=True)
class Reading:
    """What the engine understood of one message. `confidence` runs from 0 to 1."""

    intent: str
    confidence: float
    language: str
