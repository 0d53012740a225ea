"""Sends requests, and repeats those that may be repeated."""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import urllib3
from urllib3 import exceptions

from .api import Api, Problem
from .errors import (
    CursorExpired,
    OutcomeUnknown,
    RollbookError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    ValidationError,
)

#: Codes of a 503 that promise that nothing was done.
NOTHING_DONE = ("BACKLOG_FULL", "NOT_SAVED", "STORE_UNAVAILABLE")
#: Failures before a request was sent. `NewConnectionError` includes names that do not resolve.
NOT_SENT = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyError)
KINDS: dict[int, type[RollbookError]] = {
    400: ValidationError,
    401: Unauthorized,
    403: Unauthorized,
    410: CursorExpired,
    413: ValidationError,
}


class _Known(TypedDict):
    status: int
    problems: list[Problem]
    request_id: str | None
    idempotency_key: str | None


@dataclass
class _Attempt:
    error: RollbookError
    #: The server may have accepted the request.
    unknown: bool = False
    #: A later attempt may succeed.
    again: bool = False
    #: Seconds of Retry-After.
    after: int = 0


class Transport(Api):
    """A pool of connections to one server. Threads may share it."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 30,
        retry_for: float = 60,
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        """`url` is the address of the server, such as `https://contacts.example.com`.

        `timeout` is in seconds, for one attempt. `retry_for` is in seconds from the first attempt, in which a call is
        repeated. Give a `pool` for a proxy (`urllib3.ProxyManager`) or a certificate authority of your own.
        """
        self._url = url.rstrip("/").removesuffix("/v3") + "/v3/"
        self._token = token
        self._timeout = timeout
        self._retry_for = retry_for
        self._pool = pool or urllib3.PoolManager(maxsize=10)

    def _call(self, path: str, kind: str, body: Mapping[str, Any], idempotency_key: str | None = None) -> Any:
        sent = json.dumps(body, allow_nan=False).encode()
        key = (idempotency_key or str(uuid.uuid4())) if kind == "keyed" else None
        # An answer that the server holds back has that much more time.
        timeout = self._timeout + (body.get("waitSeconds") or 0)
        end = time.monotonic() + self._retry_for
        unknown, attempts = False, 0
        while True:
            answer = self._attempt(path, sent, key, timeout)
            if not isinstance(answer, _Attempt):
                return answer
            unknown = unknown or answer.unknown
            pause = max(answer.after, _back_off(attempts))
            again = answer.again and (kind != "write" or not answer.unknown)
            if not again or time.monotonic() + pause > end:
                # With the same key and body, a request that was accepted is never invalid later.
                certain = not unknown or kind == "read" or isinstance(answer.error, ValidationError)
                if certain:
                    raise answer.error
                raise _as_unknown(answer.error) from answer.error
            time.sleep(pause)
            attempts += 1

    def _attempt(self, path: str, sent: bytes, key: str | None, timeout: float) -> dict[str, Any] | _Attempt:
        headers = {
            "Access-Token": self._token,
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            response = self._pool.request(
                "POST",
                self._url + path,
                body=sent,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(10, timeout), read=timeout),
                retries=False,
                redirect=False,
            )
        except exceptions.HTTPError as cause:
            return _broken(cause, key)
        return _judge(response.status, response.headers.get("Retry-After", ""), response.data, key)


def _broken(cause: exceptions.HTTPError, key: str | None) -> _Attempt:
    reason = cause.original_error if isinstance(cause, exceptions.ProxyError) else cause
    untrusted = isinstance(reason, exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(reason)
    unknown = not untrusted and not isinstance(cause, NOT_SENT)
    message = "the connection broke before the answer" if unknown else "the server cannot be reached"
    message = "the certificate of the server is not trusted" if untrusted else message
    error = Unavailable(message, idempotency_key=key)
    error.__cause__ = cause
    return _Attempt(error, unknown, again=not untrusted)


def _judge(status: int, retry_after: str, data: bytes, key: str | None) -> dict[str, Any] | _Attempt:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    # Every answer of the server has a `result`; a proxy's may be JSON too.
    ours = isinstance(found, dict) and "result" in found
    body: dict[str, Any] = found if ours else {}
    if status == 200 and ours:
        return body
    known: _Known = {
        "status": status,
        "problems": body.get("details") or [],
        "request_id": body.get("requestId"),
        "idempotency_key": key,
    }
    after = int(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after) else 0
    if 300 <= status < 400:
        return _Attempt(RollbookError("the server redirects to another address: use that address", **known))
    if status in (408, 429):
        return _Attempt(_named(TooManyRequests if status == 429 else Unavailable, known), again=True, after=after)
    if status == 503 and ours:
        error = _named(Unavailable, known)
        return _Attempt(error, unknown=error.code not in NOTHING_DONE, again=True, after=after)
    # The answer of a proxy, or a part of an answer: it does not tell what the server did.
    if not ours and status in (200, 502, 503, 504):
        return _Attempt(_named(Unavailable, known), unknown=True, again=True, after=after)
    kind = KINDS.get(status, RollbookError)
    if known["problems"] and known["problems"][0]["code"] == "CURSOR_UNKNOWN":
        kind = CursorExpired
    return _Attempt(_named(kind, known), unknown=status >= 500)


def _named(kind: type[RollbookError], known: _Known) -> RollbookError:
    """An error whose message names codes, fields and positions, but no values."""
    problems = known["problems"]
    shown = []
    for problem in problems[:3]:
        place = "" if problem["field"] is None else f" in {problem['field']}"
        position = "" if problem["position"] is None else f" at position {problem['position']}"
        shown.append(f"{problem['code']}{place}{position}")
    rest = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
    return kind(f"{known['status']}: {', '.join(shown) or 'not an answer of Rollbook'}{rest}", **known)


def _as_unknown(error: RollbookError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"the server may have accepted the request ({error})",
        status=error.status,
        problems=error.problems,
        request_id=error.request_id,
        idempotency_key=error.idempotency_key,
    )


def _back_off(attempts: int) -> float:
    """Half a second, then twice as long each time, at most 10 s; random from its half on."""
    return min(0.5 * (1 << min(attempts, 10)), 10.0) * random.uniform(0.5, 1)
