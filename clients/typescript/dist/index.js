export { Client } from "./client.js";
export { CursorExpiredError, OutcomeUnknownError, RollbookError, TooManyRequestsError, UnauthorizedError, UnavailableError, ValidationError, WaitTimeoutError, } from "./errors.js";
