import type { Problem } from "./api.js";
/** What an error knows of the call that failed. */
export interface Failure {
    /** The HTTP status of the last answer, if the server answered. */
    status?: number | undefined;
    /** Every problem of the request, for programs: code, field and position. */
    problems?: Problem[] | undefined;
    requestId?: string | undefined;
    /** The key of the request. Send the same body with this key again to learn its outcome. */
    idempotencyKey?: string | undefined;
    cause?: unknown;
}
/**
 * A call that failed. The message holds codes and positions but no texts of the server, since those can quote
 * personal data: it may be logged.
 */
export declare class RollbookError extends Error {
    readonly status: number | undefined;
    readonly problems: Problem[];
    readonly requestId: string | undefined;
    readonly idempotencyKey: string | undefined;
    /** For a batch of a longer input: the index of its first contact. Add `problem.position` to it. */
    first: number;
    /** For a longer input: the batches that were accepted before this one. */
    accepted: Batch[];
    constructor(message: string, failure?: Failure);
    /** The code of the first problem, such as `INVALID_EMAIL`. */
    get code(): string | undefined;
}
/** A batch that the server accepted: it is on disk. */
export interface Batch {
    requestId: string;
    /** The index of its first contact in the input. */
    first: number;
    /** How many contacts it has. */
    count: number;
}
/** The request is invalid (400, 413). `problems` has every error; nothing was stored. */
export declare class ValidationError extends RollbookError {
}
/** The token is unknown, or lacks a right (401, 403). */
export declare class UnauthorizedError extends RollbookError {
}
/** Too many concurrent requests, also after the retries (429). Nothing was stored. */
export declare class TooManyRequestsError extends RollbookError {
}
/** The server cannot be reached or cannot store now, also after the retries. Nothing was stored. */
export declare class UnavailableError extends RollbookError {
}
/**
 * The connection broke, or a proxy answered for the server: the server may have accepted the request. With
 * `idempotencyKey`, send the same body with that key again. Without one, read what the request would have changed.
 */
export declare class OutcomeUnknownError extends RollbookError {
}
/** The cursor is older than the stored changes, or is that of another store. Read the whole list again. */
export declare class CursorExpiredError extends RollbookError {
}
/** The request was not processed in time. It is still queued. */
export declare class WaitTimeoutError extends RollbookError {
}
