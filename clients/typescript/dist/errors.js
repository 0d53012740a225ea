/**
 * A call that failed. The message holds codes and positions but no texts of the server, since those can quote
 * personal data: it may be logged.
 */
export class RollbookError extends Error {
    status;
    problems;
    requestId;
    idempotencyKey;
    /** For a batch of a longer input: the index of its first contact. Add `problem.position` to it. */
    first = 0;
    /** For a longer input: the batches that were accepted before this one. */
    accepted = [];
    constructor(message, failure = {}) {
        super(message, { cause: failure.cause });
        this.name = new.target.name;
        this.status = failure.status;
        this.problems = failure.problems ?? [];
        this.requestId = failure.requestId;
        this.idempotencyKey = failure.idempotencyKey;
    }
    /** The code of the first problem, such as `INVALID_EMAIL`. */
    get code() {
        return this.problems[0]?.code;
    }
}
/** The request is invalid (400, 413). `problems` has every error; nothing was stored. */
export class ValidationError extends RollbookError {
}
/** The token is unknown, or lacks a right (401, 403). */
export class UnauthorizedError extends RollbookError {
}
/** Too many concurrent requests, also after the retries (429). Nothing was stored. */
export class TooManyRequestsError extends RollbookError {
}
/** The server cannot be reached or cannot store now, also after the retries. Nothing was stored. */
export class UnavailableError extends RollbookError {
}
/**
 * The connection broke, or a proxy answered for the server: the server may have accepted the request. With
 * `idempotencyKey`, send the same body with that key again. Without one, read what the request would have changed.
 */
export class OutcomeUnknownError extends RollbookError {
}
/** The cursor is older than the stored changes, or is that of another store. Read the whole list again. */
export class CursorExpiredError extends RollbookError {
}
/** The request was not processed in time. It is still queued. */
export class WaitTimeoutError extends RollbookError {
}
