"""The client: every method of the API, and helpers for long inputs and for results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

from .api import (
    ContactInput,
    ContactsAddRequest,
    ContactsChangesAnswer,
    ContactsChangesRequest,
    ContactsFindAnswer,
    ContactsFindRequest,
    ContactsUpdateRequest,
    ContactToAdd,
    Request,
)
from .errors import Batch, RollbookError, WaitTimeout
from .transport import Transport

#: The most contacts of a batch, and the most bytes of them: the server takes 1 MiB.
CONTACTS = 100
BYTES = 900_000

T = TypeVar("T", ContactInput, ContactToAdd)


class Client(Transport):
    """A client of one server. Threads may share it; a token may have 10 calls at the same time.

    Each method of the API is a method of this class. They repeat a call after a 429, a 503 and a failure on the way,
    and never send a request twice that might be applied twice.
    """

    def update_contacts(
        self,
        contact_list_id: str,
        contacts: Iterable[ContactInput],
        *,
        upsert: bool = False,
        contact_by: Literal["userId", "email", "phoneNumber"] | None = None,
        restore_erased: bool = False,
        web_hook_uri: str | None = None,
        key: str | None = None,
    ) -> list[Batch]:
        """Updates contacts, in batches that are sent one after another. Returns when all of them are on disk.

        `key` is the beginning of the batches' keys: batch 3 of `import-7` has the key `import-7/3`. An input that is
        sent again within 24 hours is then applied once. By default, each batch has a random key.
        """

        def send(batch: list[ContactInput], key: str | None) -> str:
            body: ContactsUpdateRequest = {
                "contactListId": contact_list_id,
                "contacts": batch,
                "upsert": upsert,
                "contactBy": contact_by,
                "restoreErased": restore_erased,
                "webHookUri": web_hook_uri,
            }
            return self.contacts_update(body, idempotency_key=key)["requestId"]

        return _send_all(contacts, send, key)

    def add_contacts(
        self,
        contact_list_id: str,
        contacts: Iterable[ContactToAdd],
        *,
        restore_erased: bool = False,
        web_hook_uri: str | None = None,
        key: str | None = None,
    ) -> list[Batch]:
        """Adds contacts, in batches that are sent one after another. `key` is that of `update_contacts`."""

        def send(batch: list[ContactToAdd], key: str | None) -> str:
            body: ContactsAddRequest = {
                "contactListId": contact_list_id,
                "contacts": batch,
                "restoreErased": restore_erased,
                "webHookUri": web_hook_uri,
            }
            return self.contacts_add(body, idempotency_key=key)["requestId"]

        return _send_all(contacts, send, key)

    def find_contacts(self, body: ContactsFindRequest) -> Iterator[ContactsFindAnswer]:
        """The contacts of a list, page by page. The first page has the `cursor` with which `follow` completes them."""
        after = body.get("after")
        while True:
            page = self.contacts_find({**body, "after": after})
            yield page
            after = page["next"]
            if after is None:
                return

    def follow(self, body: ContactsChangesRequest | None = None) -> Iterator[ContactsChangesAnswer]:
        """Follows the changes of a list, or of all lists, for as long as it is read.

        Each page is yielded, also an empty one when `waitSeconds` (25 by default) have passed: store its `next` when
        its changes are done, and begin after it next time. A failure is repeated as for any read. `CursorExpired`
        means: read the list again.
        """
        asked: ContactsChangesRequest = {"waitSeconds": 25, **(body or {})}
        while True:
            page = self.contacts_changes(asked)
            yield page
            asked = {**asked, "after": page["next"]}

    def wait_for(self, request_id: str, timeout: float = 60) -> Request:
        """The results of a request, once it is processed. `timeout` is in seconds."""
        end = time.monotonic() + timeout
        pause = 0.1
        while True:
            request = self.request_find({"ids": [request_id]})["requests"].get(request_id)
            if request is None:
                raise RollbookError("the server does not know the request", request_id=request_id)
            if request["status"] == "processed":
                return request
            if time.monotonic() + pause > end:
                raise WaitTimeout(f"the request was not processed within {timeout} s", request_id=request_id)
            time.sleep(pause)
            pause = min(pause * 1.5, 2)


def _send_all(contacts: Iterable[T], send: Callable[[list[T], str | None], str], key: str | None) -> list[Batch]:
    accepted: list[Batch] = []
    first = 0
    for batch in _split(contacts):
        try:
            request_id = send(batch, None if key is None else f"{key}/{len(accepted)}")
        except RollbookError as error:
            error.first, error.accepted = first, accepted
            raise
        accepted.append(Batch(request_id, first, len(batch)))
        first += len(batch)
    return accepted


def _split(contacts: Iterable[T]) -> Iterator[list[T]]:
    """Batches of an input: as many contacts as a body may hold."""
    batch: list[T] = []
    held = 0
    for contact in contacts:
        size = len(json.dumps(contact)) + 2
        if len(batch) == CONTACTS or (batch and held + size > BYTES):
            yield batch
            batch, held = [], 0
        batch.append(contact)
        held += size
    if batch:
        yield batch
