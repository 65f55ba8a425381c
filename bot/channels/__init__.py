"""The only code that speaks to messaging providers.

Owns: reading and checking their webhooks, sending, looking up what became of a message, how long a
message may be.
May import: bot.vocabulary, bot.clock, bot.errors, httpx, twilio, the standard library.
Start reading at: `protocol.SendingChannel`, then `twilio.TwilioChannel`.
"""
