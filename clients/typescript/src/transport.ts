import type { Refused } from "./api.js";
import { Api } from "./api.js";
import type { Call, KeyedCall, Kind } from "./call.js";
import {
  CursorExpiredError,
  type Failure,
  OutcomeUnknownError,
  RollbookError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from "./errors.js";

export interface ClientOptions {
  /** Milliseconds for one attempt, the answer included; 30,000 by default. */
  timeout?: number;
  /** Milliseconds from the first attempt in which a call is repeated; 60,000 by default. */
  retryFor?: number;
  /** Another `fetch`, such as one with a proxy or a certificate authority of its own. */
  fetch?: typeof fetch;
}

/** One attempt: the answer or what broke, and whether the server may have done what was asked. */
interface Attempt {
  error: RollbookError;
  /** The server may have accepted the request. */
  unknown: boolean;
  /** A later attempt may succeed. */
  again: boolean;
  /** Seconds of Retry-After. */
  after: number;
}

/** Codes of a 503 that promise that nothing was done. */
const NOTHING_DONE = ["BACKLOG_FULL", "NOT_SAVED", "STORE_UNAVAILABLE"];
/** Failures before a request was sent, as Node.js names them. */
const NOT_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

/** Sends requests, and repeats those that may be repeated. */
export abstract class Transport extends Api {
  readonly #url: string;
  readonly #token: string;
  readonly #timeout: number;
  readonly #retryFor: number;
  readonly #fetch: typeof fetch;

  /** @param url The address of the server, such as `https://contacts.example.com`. */
  constructor(url: string, token: string, options: ClientOptions = {}) {
    super();
    this.#url = `${url.replace(/\/+$/, "").replace(/\/v3$/, "")}/v3/`;
    this.#token = token;
    this.#timeout = options.timeout ?? 30_000;
    this.#retryFor = options.retryFor ?? 60_000;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  protected async call(path: string, kind: Kind, body: unknown, call: KeyedCall): Promise<unknown> {
    const sent = JSON.stringify(body);
    const key = kind === "keyed" ? (call.idempotencyKey ?? crypto.randomUUID()) : undefined;
    // An answer that the server holds back has that much more time.
    const { waitSeconds } = body as { waitSeconds?: number | null };
    const timeout = (call.timeout ?? this.#timeout) + (waitSeconds ?? 0) * 1000;
    const end = Date.now() + this.#retryFor;
    let unknown = false;
    for (let attempts = 0; ; attempts += 1) {
      const answer = await this.#attempt(path, sent, key, call, timeout);
      if ("body" in answer) {
        return answer.body;
      }
      unknown ||= answer.unknown;
      const pause = Math.max(answer.after * 1000, backOff(attempts));
      const again = answer.again && (kind !== "write" || !answer.unknown) && Date.now() + pause <= end;
      if (!again) {
        // With the same key and body, a request that was accepted is never invalid later.
        const certain = !unknown || kind === "read" || answer.error instanceof ValidationError;
        throw certain ? answer.error : asUnknown(answer.error);
      }
      await sleep(pause, call.signal);
    }
  }

  async #attempt(
    path: string,
    sent: string,
    key: string | undefined,
    { signal: caller }: Call,
    timeout: number,
  ): Promise<{ body: unknown } | Attempt> {
    const headers: Record<string, string> = { "Access-Token": this.#token, "Content-Type": "application/json" };
    if (key !== undefined) {
      headers["Idempotency-Key"] = key;
    }
    const limit = AbortSignal.timeout(timeout);
    const signal = caller ? AbortSignal.any([caller, limit]) : limit;
    try {
      const response = await this.#fetch(this.#url + path, { method: "POST", headers, body: sent, signal, redirect: "manual" });
      return judge(response, await response.text(), key);
    } catch (cause) {
      // The caller ended it.
      caller?.throwIfAborted();
      return broken(cause, key);
    }
  }
}

function broken(cause: unknown, key: string | undefined): Attempt {
  const code = codeOf(cause);
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  const unknown = !untrusted && !NOT_SENT.includes(code);
  const reached = unknown ? "the connection broke before the answer" : "the server cannot be reached";
  const message = untrusted ? "the certificate of the server is not trusted" : reached;
  const error = new UnavailableError(message, { idempotencyKey: key, cause });
  return { error, unknown, again: !untrusted, after: 0 };
}

function judge(response: Response, text: string, key: string | undefined): { body: unknown } | Attempt {
  const { status } = response;
  const body = parsed(text);
  if (status === 200 && body !== undefined) {
    return { body };
  }
  const refused = body as Partial<Refused> | undefined;
  const problems = refused?.details ?? [];
  const failure = { status, problems, requestId: refused?.requestId, idempotencyKey: key };
  // `redirect: "manual"` hides the status in browsers.
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    const error = new RollbookError("the server redirects to another address: use that address", failure);
    return { error, unknown: false, again: false, after: 0 };
  }
  const seconds = response.headers.get("Retry-After") ?? "";
  const after = /^\d{1,6}$/.test(seconds) ? Number(seconds) : 0;
  if (status === 429 || status === 408) {
    const kind = status === 429 ? TooManyRequestsError : UnavailableError;
    return { error: named(kind, failure), unknown: false, again: true, after };
  }
  if (status === 503 && body !== undefined) {
    const unknown = !NOTHING_DONE.includes(problems[0]?.code ?? "");
    return { error: named(UnavailableError, failure), unknown, again: true, after };
  }
  // The answer of a proxy, or a part of an answer: nobody knows what the server did.
  if (body === undefined && (status === 200 || (status >= 502 && status <= 504))) {
    return { error: named(UnavailableError, failure), unknown: true, again: true, after };
  }
  const kinds: Record<number, typeof RollbookError> = {
    400: ValidationError,
    401: UnauthorizedError,
    403: UnauthorizedError,
    410: CursorExpiredError,
    413: ValidationError,
  };
  const cursor = problems[0]?.code === "CURSOR_UNKNOWN" ? CursorExpiredError : undefined;
  return { error: named(cursor ?? kinds[status] ?? RollbookError, failure), unknown: status >= 500, again: false, after: 0 };
}

function parsed(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text);
    // Every answer of the server has a `result`; a proxy's may be JSON too.
    return typeof body === "object" && body !== null && "result" in body ? body : undefined;
  } catch {
    return undefined;
  }
}

/** An error whose message names codes, fields and positions, but no values. */
function named(kind: typeof RollbookError, failure: Failure): RollbookError {
  const problems = failure.problems ?? [];
  const shown = problems.slice(0, 3).map(({ code, field, position }) => {
    const at = position === null ? "" : ` at position ${position}`;
    return `${code}${field === null ? "" : ` in ${field}`}${at}`;
  });
  const rest = problems.length > 3 ? `, and ${problems.length - 3} more` : "";
  return new kind(`${failure.status}: ${shown.join(", ") || "not an answer of Rollbook"}${rest}`, failure);
}

function asUnknown(error: RollbookError): OutcomeUnknownError {
  return new OutcomeUnknownError(`the server may have accepted the request (${error.message})`, {
    ...error,
    cause: error.cause ?? error,
  });
}

/** The code of a failure of `fetch`, which stands in its cause. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code ?? "";
}

/** Half a second, then twice as long each time, at most 10 s; random from its half on, in milliseconds. */
function backOff(attempts: number): number {
  return Math.min(500 * 2 ** Math.min(attempts, 10), 10_000) * (0.5 + Math.random() / 2);
}

export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
