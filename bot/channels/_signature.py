"""Whether a webhook was really signed by our Twilio account.

Twilio signs the exact public URL and every form field with the account's primary Auth Token
(https://www.twilio.com/docs/usage/security#validating-requests), so the URL is rebuilt from the
configured public address and the raw path and query, never from what a proxy says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from bot.channels._account import TwilioAccount
from bot.errors import BadSignature


class _Fields:
    """Form fields as the validator wants them: a repeated key keeps all its values."""

    def __init__(self, form: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for key, value in form:
            self._values.setdefault(key, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, key: str) -> list[str]:
        return self._values[key]


def verify(
    account: TwilioAccount,
    *,
    path: str,
    query: str,
    form: Sequence[tuple[str, str]],
    signature: str | None,
) -> None:
    """Check the `X-Twilio-Signature` of one webhook; return if it is genuine.

    `path` and `query` are raw, still percent-encoded; `form` is decoded, in order, duplicates and
    blank values kept, nothing stripped. Raises BadSignature in every other case, also when the
    header is missing or no Auth Token is configured.
    """
    if not account.auth_token:
        raise BadSignature("No Twilio Auth Token is configured, so no webhook can be trusted.")
    if not signature:
        raise BadSignature("The request has no X-Twilio-Signature header.")
    if not _matches(account, _signed_url(account, path, query), form, signature):
        raise BadSignature(
            "The Twilio signature does not match. Check the Auth Token and that the public base "
            "URL is exactly the one entered at Twilio."
        )


def _matches(account: TwilioAccount, url: str, form: Sequence[tuple[str, str]], signature: str) -> bool:
    validator = RequestValidator(account.auth_token)
    try:
        return bool(validator.validate(url, _Fields(form), signature))
    except ValueError:  # a URL or a text that cannot be parsed or encoded was never signed
        return False


def _signed_url(account: TwilioAccount, path: str, query: str) -> str:
    """The URL as Twilio signs it: no user name, no fragment, the query only if there is one."""
    base = urlsplit(account.public_base_url)
    host = base.netloc.rpartition("@")[2]
    url = f"{base.scheme}://{host}{base.path.rstrip('/')}{path}"
    if query:
        url += f"?{query}"
    return url.partition("#")[0]
