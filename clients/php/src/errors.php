<?php

// One exception for each cause.

declare(strict_types=1);

namespace Rollbook;

use Rollbook\Api\Problem;

/** A batch that the server accepted: it is on disk. */
final class Batch
{
    /**
     * @param int $first The index of its first contact in the input.
     * @param int $count How many contacts it has.
     */
    public function __construct(
        public readonly string $requestId,
        public readonly int $first,
        public readonly int $count,
    ) {
    }
}

/**
 * A call that failed. The message holds codes and positions but no texts of the server, since those can quote personal
 * data: it may be logged.
 */
class RollbookException extends \RuntimeException
{
    /** For a batch of a longer input: the index of its first contact. Add the position of a problem to it. */
    public int $first = 0;

    /** @var list<Batch> For a longer input: the batches that were accepted before this one. */
    public array $accepted = [];

    /**
     * @param int|null $status The HTTP status of the last answer, if the server answered.
     * @param list<Problem> $problems Every problem of the request: code, field and position.
     * @param string|null $idempotencyKey The key of the request. Send the same body with this key again to learn its
     *     outcome.
     */
    final public function __construct(
        string $message,
        public readonly ?int $status = null,
        public readonly array $problems = [],
        public readonly ?string $requestId = null,
        public readonly ?string $idempotencyKey = null,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, 0, $previous);
    }

    /** The code of the first problem, such as `INVALID_EMAIL`. PHP reserves getCode() for numbers. */
    public function problemCode(): ?string
    {
        return $this->problems[0]->code ?? null;
    }
}

/** The request is invalid (400, 413). `problems` has every error; nothing was stored. */
class ValidationException extends RollbookException
{
}

/** The token is unknown, or lacks a right (401, 403). */
class UnauthorizedException extends RollbookException
{
}

/** Too many concurrent requests, also after the retries (429). Nothing was stored. */
class TooManyRequestsException extends RollbookException
{
}

/** The server cannot be reached or cannot store now, also after the retries. Nothing was stored. */
class UnavailableException extends RollbookException
{
}

/**
 * The connection broke, or a proxy answered for the server: the server may have accepted the request. With
 * `idempotencyKey`, send the same body with that key again. Without one, read what the request would have changed.
 */
class OutcomeUnknownException extends RollbookException
{
}

/** The cursor is older than the stored changes, or is that of another store. Read the whole list again. */
class CursorExpiredException extends RollbookException
{
}

/** The request was not processed in time. It is still queued. */
class WaitTimeoutException extends RollbookException
{
}
