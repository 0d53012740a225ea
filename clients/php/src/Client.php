<?php

declare(strict_types=1);

namespace Rollbook;

use Rollbook\Api\ContactInput;
use Rollbook\Api\ContactsAddRequest;
use Rollbook\Api\ContactsChangesAnswer;
use Rollbook\Api\ContactsChangesRequest;
use Rollbook\Api\ContactsFindAnswer;
use Rollbook\Api\ContactsFindRequest;
use Rollbook\Api\ContactsUpdateRequest;
use Rollbook\Api\ContactToAdd;
use Rollbook\Api\Request;
use Rollbook\Api\RequestFindRequest;

/**
 * A client of one server.
 *
 * Each method of the API is a method of this class. They repeat a call after a 429, a 503 and a failure on the way, and
 * never send a request twice that might be applied twice.
 */
final class Client extends Transport
{
    /** The most contacts of a batch, and the most bytes of them: the server takes 1 MiB. */
    private const CONTACTS = 100;
    private const BYTES = 900_000;

    /**
     * Updates contacts, in batches that are sent one after another. Returns when all of them are on disk.
     *
     * @param iterable<ContactInput|array<string, mixed>> $contacts
     * @param string|null $key The beginning of the batches' keys: batch 3 of `import-7` has the key `import-7/3`. An
     *     input that is sent again within 24 hours is then applied once. By default, each batch has a random key.
     * @return list<Batch>
     */
    public function updateContacts(
        string $contactListId,
        iterable $contacts,
        ?bool $upsert = null,
        ?string $contactBy = null,
        ?bool $restoreErased = null,
        ?string $webHookUri = null,
        ?string $key = null,
    ): array {
        $send = function (array $batch, ?string $key) use ($contactListId, $upsert, $contactBy, $restoreErased, $webHookUri): string {
            $body = new ContactsUpdateRequest($contactListId, $batch,
                upsert: $upsert, contactBy: $contactBy, restoreErased: $restoreErased, webHookUri: $webHookUri);
            return $this->contactsUpdate($body, $key)->requestId;
        };
        return self::sendAll($contacts, $send, $key);
    }

    /**
     * Adds contacts, in batches that are sent one after another. `key` is that of updateContacts.
     *
     * @param iterable<ContactToAdd|array<string, mixed>> $contacts
     * @return list<Batch>
     */
    public function addContacts(
        string $contactListId,
        iterable $contacts,
        ?bool $restoreErased = null,
        ?string $webHookUri = null,
        ?string $key = null,
    ): array {
        $send = function (array $batch, ?string $key) use ($contactListId, $restoreErased, $webHookUri): string {
            $body = new ContactsAddRequest($contactListId, $batch, restoreErased: $restoreErased, webHookUri: $webHookUri);
            return $this->contactsAdd($body, $key)->requestId;
        };
        return self::sendAll($contacts, $send, $key);
    }

    /**
     * The contacts of a list, page by page. The first page has the `cursor` with which `follow` completes them.
     *
     * @return \Generator<ContactsFindAnswer>
     */
    public function findContacts(ContactsFindRequest $body): \Generator
    {
        $body = clone $body;
        do {
            $page = $this->contactsFind($body);
            yield $page;
            $body->after = $page->next;
        } while ($page->next !== null);
    }

    /**
     * Follows the changes of a list, or of all lists, for as long as it is read. Each page is yielded, also an empty one
     * when `waitSeconds` (25 by default) have passed: store its `next` when its changes are done, and begin after it next
     * time. A failure is repeated as for any read. A CursorExpiredException means: read the list again.
     *
     * @return \Generator<ContactsChangesAnswer>
     */
    public function follow(?ContactsChangesRequest $body = null): \Generator
    {
        $body = $body === null ? new ContactsChangesRequest() : clone $body;
        $body->waitSeconds ??= 25;
        while (true) {
            $page = $this->contactsChanges($body);
            yield $page;
            $body->after = $page->next;
        }
    }

    /** The results of a request, once it is processed. `timeout` is in seconds. */
    public function waitFor(string $requestId, float $timeout = 60): Request
    {
        $end = \microtime(true) + $timeout;
        for ($pause = 0.1;; $pause = \min($pause * 1.5, 2)) {
            $request = $this->requestFind(new RequestFindRequest([$requestId]))->requests[$requestId] ?? null;
            if ($request === null) {
                throw new RollbookException('the server does not know the request', null, [], $requestId);
            }
            if ($request->status === 'processed') {
                return $request;
            }
            if (\microtime(true) + $pause > $end) {
                throw new WaitTimeoutException("the request was not processed within $timeout s", null, [], $requestId);
            }
            \usleep((int) ($pause * 1e6));
        }
    }

    /**
     * @param iterable<mixed> $contacts
     * @param \Closure(list<mixed>, ?string): string $send
     * @return list<Batch>
     */
    private static function sendAll(iterable $contacts, \Closure $send, ?string $key): array
    {
        $accepted = [];
        $first = 0;
        foreach (self::split($contacts) as $batch) {
            try {
                $requestId = $send($batch, $key === null ? null : $key . '/' . \count($accepted));
            } catch (RollbookException $error) {
                $error->first = $first;
                $error->accepted = $accepted;
                throw $error;
            }
            $accepted[] = new Batch($requestId, $first, \count($batch));
            $first += \count($batch);
        }
        return $accepted;
    }

    /**
     * Batches of an input: as many contacts as a body may hold.
     *
     * @param iterable<mixed> $contacts
     * @return \Generator<list<mixed>>
     */
    private static function split(iterable $contacts): \Generator
    {
        $batch = [];
        $held = 0;
        foreach ($contacts as $contact) {
            $size = \strlen(\json_encode($contact, JSON_THROW_ON_ERROR)) + 1;
            if (\count($batch) === self::CONTACTS || ($batch !== [] && $held + $size > self::BYTES)) {
                yield $batch;
                $batch = [];
                $held = 0;
            }
            $batch[] = $contact;
            $held += $size;
        }
        if ($batch !== []) {
            yield $batch;
        }
    }
}
