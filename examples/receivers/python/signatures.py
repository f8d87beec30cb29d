"""Signatures of webhooks of PNS. Python 3.9 or later, no packages."""

import base64
import hashlib
import hmac
import re
import time


def standard_id(headers, body, secrets, now=None, tolerance_seconds=300):
    """The id of a request that is signed as in Standard Webhooks, else None. The id is part of the signed text.

    `headers` has a case-insensitive get(), `body` the exact bytes, `secrets` the accepted secrets; `now` is in seconds.
    """
    request_id = headers.get("webhook-id", "")
    signed_at = headers.get("webhook-timestamp", "")
    now = time.time() if now is None else now
    if not request_id or not _is_near(signed_at, now, tolerance_seconds):
        return None
    given = [each[3:] for each in headers.get("webhook-signature", "").split(" ") if each.startswith("v1,")]
    signed = _latin1(f"{request_id}.{signed_at}.") + body
    expected = [base64.b64encode(_hmac(_standard_key(secret), signed)) for secret in secrets if has_key(secret)]
    return request_id if _is_any_equal(given, expected) else None


def ox_id(headers, body, secrets, now=None, tolerance_seconds=172_800):
    """The id of a request that is signed with X-OX-Signature, else None.

    The id is a digest of the body, because this signature does not cover `webhook-id`. The signed time is the time of the
    notification, and the last retry is made about a day later, so the tolerance is two days.
    """
    parts = [part.strip() for part in headers.get("x-ox-signature", "").split(",")]
    signed_at = parts[0][2:] if parts[0].startswith("t=") else ""
    now = time.time() if now is None else now
    if not _is_near(signed_at, now * 1000, tolerance_seconds * 1000):
        return None
    given = [part[3:] for part in parts if part.startswith("v1=")]
    signed = f"v1:{signed_at}:".encode() + body
    expected = [_hmac(secret.encode(), signed).hex().encode() for secret in secrets if secret]
    return hashlib.sha256(body).hexdigest() if _is_any_equal(given, expected) else None


def has_key(secret):
    """Whether a secret contains a key. Everybody can sign with an empty key, for example the key of `whsec_`."""
    return len(_standard_key(secret)) > 0


def _is_near(text, now, tolerance):
    return re.fullmatch(r"[0-9]{1,15}", text) is not None and abs(now - int(text)) <= tolerance


def _standard_key(secret):
    """`whsec_` precedes a key in base64. Any other secret is the key itself."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret[len("whsec_") :] + "==")
    return secret.encode()


def _hmac(key, signed):
    return hmac.new(key, signed, hashlib.sha256).digest()


def _latin1(text):
    return text.encode("latin-1", "replace")


def _is_any_equal(given, expected):
    """Whether a given text equals an expected text. The time does not depend on where the texts differ."""
    return any(hmac.compare_digest(_latin1(one), other) for one in given for other in expected)
