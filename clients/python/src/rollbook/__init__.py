"""A client of Rollbook, a contact-data server."""

from .client import Client
from .errors import (
    Batch,
    CursorExpired,
    OutcomeUnknown,
    RollbookError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    ValidationError,
    WaitTimeout,
)

__all__ = [
    "Batch",
    "Client",
    "CursorExpired",
    "OutcomeUnknown",
    "RollbookError",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "ValidationError",
    "WaitTimeout",
]
