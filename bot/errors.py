"""One family of errors: a code, a plain sentence that says what to do, and an HTTP status.

Owns: HarbourError and its kinds.
May import: the standard library.
Start reading at: `HarbourError`.
"""

from __future__ import annotations


class HarbourError(Exception):
    """Something a person can act on. `sentence` holds nothing of a contact's message or address."""

    code = "error"
    status = 500

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class ConfigurationError(HarbourError):
    """A setting is missing or wrong; the process does not start."""

    code = "configuration"


class BadSignature(HarbourError):
    """A webhook was not signed by the provider's account."""

    code = "bad_signature"
    status = 403


class BadWebhook(HarbourError):
    """A signed webhook without the fields it must have."""

    code = "bad_webhook"
    status = 400


class EngineUnavailable(HarbourError):
    """The conversation engine cannot be reached or does not answer in time."""

    code = "engine_unavailable"
    status = 503


class EngineFailed(HarbourError):
    """The engine answered, but could not play this turn."""

    code = "engine_failed"
    status = 502


class ContentError(HarbourError):
    """A flow, a text or a lexicon is wrong: file, line, and how to mend it are in the sentence."""

    code = "content"


class CannotDecrypt(HarbourError):
    """A stored value cannot be opened: its key is missing or the value was altered."""

    code = "cannot_decrypt"
