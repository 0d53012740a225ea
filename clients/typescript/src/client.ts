import type {
  ContactInput,
  ContactsAddRequest,
  ContactsChangesAnswer,
  ContactsChangesRequest,
  ContactsFindAnswer,
  ContactsFindRequest,
  ContactsUpdateRequest,
  ContactToAdd,
  Request,
} from "./api.js";
import type { Call, KeyedCall } from "./call.js";
import { type Batch, RollbookError, WaitTimeoutError } from "./errors.js";
import { type ClientOptions, sleep, Transport } from "./transport.js";

export type { ClientOptions };

/** Options of a longer input. */
export interface SendOptions extends Call {
  /**
   * The beginning of the batches' keys: batch 3 of `import-7` has the key `import-7/3`. An input that is sent again
   * within 24 hours is then applied once. By default, each batch has a random key.
   */
  key?: string;
}

/** The most contacts of a batch, and the most bytes of them: the server takes 1 MiB. */
const CONTACTS = 100;
const BYTES = 900_000;

/**
 * A client of one server. Calls may run at the same time, at most 10 per token.
 *
 * Each method of the API is a method of this class. They repeat a call after a 429, a 503 and a failure on the way,
 * and never send a request twice that might be applied twice.
 */
export class Client extends Transport {
  /** Updates contacts, in batches that are sent one after another. Returns when all of them are on disk. */
  async updateContacts(
    contactListId: string,
    contacts: Iterable<ContactInput> | AsyncIterable<ContactInput>,
    options: SendOptions & Omit<ContactsUpdateRequest, "contactListId" | "contacts" | "dryRun"> = {},
  ): Promise<Batch[]> {
    const { key, signal, timeout, ...rest } = options;
    const send = (batch: ContactInput[], call: KeyedCall) =>
      this.contactsUpdate({ ...rest, contactListId, contacts: batch }, call);
    return this.#batches(contacts, send, options);
  }

  /** Adds contacts, in batches that are sent one after another. Returns when all of them are on disk. */
  async addContacts(
    contactListId: string,
    contacts: Iterable<ContactToAdd> | AsyncIterable<ContactToAdd>,
    options: SendOptions & Omit<ContactsAddRequest, "contactListId" | "contacts" | "dryRun"> = {},
  ): Promise<Batch[]> {
    const { key, signal, timeout, ...rest } = options;
    const send = (batch: ContactToAdd[], call: KeyedCall) =>
      this.contactsAdd({ ...rest, contactListId, contacts: batch }, call);
    return this.#batches(contacts, send, options);
  }

  /** The contacts of a list, page by page. The first page has the `cursor` with which `follow` completes them. */
  async *findContacts(body: ContactsFindRequest, call: Call = {}): AsyncGenerator<ContactsFindAnswer> {
    for (let after = body.after; ; ) {
      const page = await this.contactsFind({ ...body, after }, call);
      yield page;
      if (page.next === null) {
        return;
      }
      after = page.next;
    }
  }

  /**
   * Follows the changes of a list, or of all lists, for as long as it is read. Each page is yielded, also an empty one
   * when `waitSeconds` (25 by default) have passed: store its `next` when its changes are done, and begin after it next
   * time. A failure is repeated as for any read. A CursorExpiredError means: read the list again.
   */
  async *follow(body: ContactsChangesRequest = {}, call: Call = {}): AsyncGenerator<ContactsChangesAnswer> {
    for (let after = body.after; ; ) {
      const page = await this.contactsChanges({ waitSeconds: 25, ...body, after }, call);
      yield page;
      after = page.next;
    }
  }

  /** The results of a request, once it is processed. `timeout` is in milliseconds, 60,000 by default. */
  async waitFor(requestId: string, { timeout = 60_000, signal }: Call = {}): Promise<Request> {
    const end = Date.now() + timeout;
    for (let pause = 100; ; pause = Math.min(pause * 1.5, 2_000)) {
      const { requests } = await this.requestFind({ ids: [requestId] }, signal ? { signal } : {});
      const request = requests[requestId];
      if (request === undefined) {
        throw new RollbookError("the server does not know the request", { requestId });
      }
      if (request.status === "processed") {
        return request;
      }
      if (Date.now() + pause > end) {
        throw new WaitTimeoutError(`the request was not processed within ${timeout} ms`, { requestId });
      }
      await sleep(pause, signal);
    }
  }

  async #batches<T>(
    contacts: Iterable<T> | AsyncIterable<T>,
    send: (batch: T[], call: KeyedCall) => Promise<{ requestId: string }>,
    { key, signal, timeout }: SendOptions,
  ): Promise<Batch[]> {
    const accepted: Batch[] = [];
    let first = 0;
    for await (const batch of split(contacts)) {
      const call: KeyedCall = {
        ...(key === undefined ? {} : { idempotencyKey: `${key}/${accepted.length}` }),
        ...(signal === undefined ? {} : { signal }),
        ...(timeout === undefined ? {} : { timeout }),
      };
      try {
        const { requestId } = await send(batch, call);
        accepted.push({ requestId, first, count: batch.length });
      } catch (error) {
        if (error instanceof RollbookError) {
          Object.assign(error, { first, accepted });
        }
        throw error;
      }
      first += batch.length;
    }
    return accepted;
  }
}

/** Batches of an input: as many contacts as a body may hold. */
async function* split<T>(contacts: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for await (const contact of contacts) {
    const size = new TextEncoder().encode(JSON.stringify(contact)).length + 1;
    if (batch.length === CONTACTS || (batch.length > 0 && bytes + size > BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(contact);
    bytes += size;
  }
  if (batch.length > 0) {
    yield batch;
  }
}
