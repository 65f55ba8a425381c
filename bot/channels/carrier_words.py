"""Words that end or restart SMS at the provider itself, whatever we do.

Owns: carrier_opt_out(), is_ambiguous_stop().
May import: `bot.vocabulary`.
Start reading at: `carrier_opt_out`.

Source: Twilio, docs/messaging/tutorials/advanced-opt-out: on long codes these words, alone in a
message and in any case, block all later sends (error 21610) and are answered by Twilio.
"""

from __future__ import annotations

from bot.vocabulary import Channel, InboundMessage, OptOut

_STOP = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
_START = frozenset({"start", "unstop"})
_MAY_BE_DISTRESS = frozenset({"end", "quit", "cancel"})


def carrier_opt_out(message: InboundMessage) -> OptOut | None:
    """What the provider made of the message: its own word for it, else the SMS defaults."""
    if message.opt_out is not None or message.channel is not Channel.SMS:
        return message.opt_out
    word = message.text.strip().casefold()
    if word in _STOP:
        return OptOut.STOP
    return OptOut.START if word in _START else None


def is_ambiguous_stop(message: InboundMessage) -> bool:
    """A word that ends SMS and that a person in distress may mean otherwise ("end", "quit")."""
    return message.channel is Channel.SMS and message.text.strip().casefold() in _MAY_BE_DISTRESS
