export type * from "./api.js";
export type { Call, KeyedCall } from "./call.js";
export { Client, type ClientOptions, type SendOptions } from "./client.js";
export { type Batch, CursorExpiredError, OutcomeUnknownError, RollbookError, TooManyRequestsError, UnauthorizedError, UnavailableError, ValidationError, WaitTimeoutError, } from "./errors.js";
