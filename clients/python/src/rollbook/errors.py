"""One error type for each cause."""

from __future__ import annotations

from dataclasses import dataclass

from .api import Problem


@dataclass(frozen=True)
class Batch:
    """A batch that the server accepted: it is on disk."""

    request_id: str
    #: The index of its first contact in the input.
    first: int
    #: How many contacts it has.
    count: int


class RollbookError(Exception):
    """A call that failed.

    The message holds codes and positions but no texts of the server, since those can quote personal data: it may be
    logged.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problems: list[Problem] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        #: The HTTP status of the last answer, if the server answered.
        self.status = status
        #: Every problem of the request: code, field and position.
        self.problems: list[Problem] = problems or []
        self.request_id = request_id
        #: The key of the request. Send the same body with this key again to learn its outcome.
        self.idempotency_key = idempotency_key
        #: For a batch of a longer input: the index of its first contact. Add the position of a problem to it.
        self.first = 0
        #: For a longer input: the batches that were accepted before this one.
        self.accepted: list[Batch] = []

    @property
    def code(self) -> str | None:
        """The code of the first problem, such as `INVALID_EMAIL`."""
        return self.problems[0]["code"] if self.problems else None


class ValidationError(RollbookError):
    """The request is invalid (400, 413). `problems` has every error; nothing was stored."""


class Unauthorized(RollbookError):
    """The token is unknown, or lacks a right (401, 403)."""


class TooManyRequests(RollbookError):
    """Too many concurrent requests, also after the retries (429). Nothing was stored."""


class Unavailable(RollbookError):
    """The server cannot be reached or cannot store now, also after the retries. Nothing was stored."""


class OutcomeUnknown(RollbookError):
    """The connection broke, or a proxy answered for the server: the server may have accepted the request.

    With `idempotency_key`, send the same body with that key again. Without one, read what the request would have
    changed.
    """


class CursorExpired(RollbookError):
    """The cursor is older than the stored changes, or is that of another store. Read the whole list again."""


class WaitTimeout(RollbookError, TimeoutError):
    """The request was not processed in time. It is still queued."""
