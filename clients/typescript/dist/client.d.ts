import type { ContactInput, ContactsAddRequest, ContactsChangesAnswer, ContactsChangesRequest, ContactsFindAnswer, ContactsFindRequest, ContactsUpdateRequest, ContactToAdd, Request } from "./api.js";
import type { Call } from "./call.js";
import { type Batch } from "./errors.js";
import { type ClientOptions, Transport } from "./transport.js";
export type { ClientOptions };
/** Options of a longer input. */
export interface SendOptions extends Call {
    /**
     * The beginning of the batches' keys: batch 3 of `import-7` has the key `import-7/3`. An input that is sent again
     * within 24 hours is then applied once. By default, each batch has a random key.
     */
    key?: string;
}
/**
 * A client of one server. Calls may run at the same time, at most 10 per token.
 *
 * Each method of the API is a method of this class. They repeat a call after a 429, a 503 and a failure on the way,
 * and never send a request twice that might be applied twice.
 */
export declare class Client extends Transport {
    #private;
    /** Updates contacts, in batches that are sent one after another. Returns when all of them are on disk. */
    updateContacts(contactListId: string, contacts: Iterable<ContactInput> | AsyncIterable<ContactInput>, options?: SendOptions & Omit<ContactsUpdateRequest, "contactListId" | "contacts" | "dryRun">): Promise<Batch[]>;
    /** Adds contacts, in batches that are sent one after another. Returns when all of them are on disk. */
    addContacts(contactListId: string, contacts: Iterable<ContactToAdd> | AsyncIterable<ContactToAdd>, options?: SendOptions & Omit<ContactsAddRequest, "contactListId" | "contacts" | "dryRun">): Promise<Batch[]>;
    /** The contacts of a list, page by page. The first page has the `cursor` with which `follow` completes them. */
    findContacts(body: ContactsFindRequest, call?: Call): AsyncGenerator<ContactsFindAnswer>;
    /**
     * Follows the changes of a list, or of all lists, for as long as it is read. Each page is yielded, also an empty one
     * when `waitSeconds` (25 by default) have passed: store its `next` when its changes are done, and begin after it next
     * time. A failure is repeated as for any read. A CursorExpiredError means: read the list again.
     */
    follow(body?: ContactsChangesRequest, call?: Call): AsyncGenerator<ContactsChangesAnswer>;
    /** The results of a request, once it is processed. `timeout` is in milliseconds, 60,000 by default. */
    waitFor(requestId: string, { timeout, signal }?: Call): Promise<Request>;
}
