import { Api } from "./api.js";
import type { KeyedCall, Kind } from "./call.js";
export interface ClientOptions {
    /** Milliseconds for one attempt, the answer included; 30,000 by default. */
    timeout?: number;
    /** Milliseconds from the first attempt in which a call is repeated; 60,000 by default. */
    retryFor?: number;
    /** Another `fetch`, such as one with a proxy or a certificate authority of its own. */
    fetch?: typeof fetch;
}
/** Sends requests, and repeats those that may be repeated. */
export declare abstract class Transport extends Api {
    #private;
    /** @param url The address of the server, such as `https://contacts.example.com`. */
    constructor(url: string, token: string, options?: ClientOptions);
    protected call(path: string, kind: Kind, body: unknown, call: KeyedCall): Promise<unknown>;
}
export declare function sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
