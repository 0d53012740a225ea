/**
 * How far a method may be repeated after an attempt without a clear answer: `read` always, `keyed` with its
 * Idempotency-Key, `write` never.
 */
export type Kind = "read" | "keyed" | "write";
/** Options of one call. */
export interface Call {
    /** Ends the call and its retries. */
    signal?: AbortSignal;
    /** Milliseconds for one attempt, the answer included. The default is that of the client. */
    timeout?: number;
}
/** Options of a call that queues a request. */
export interface KeyedCall extends Call {
    /** 1 to 255 visible ASCII characters. By default, a random key is made before the first attempt. */
    idempotencyKey?: string;
}
