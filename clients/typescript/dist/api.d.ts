import type { Call, KeyedCall, Kind } from "./call.js";
export interface AccountInfoRequest {
}
/** A success: what a method answers, around it what every answer has. */
export interface AccountInfoAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The account's name. */
    accountName: string;
    /** Always 0: there is no billing, but clients read this member. */
    accountBalance: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** Something doubtful in a request that was accepted: one entry of `warnings`. */
export interface Warning {
    /**
     * The place in `contacts` (or in `variables` of contact-list/variables/add) that it is about, from 0; null for
     * the request itself.
     */
    position: number | null;
    /** The key that it is about, or null. */
    field: string | null;
    /** Its code, for programs. */
    code: string;
    /** Its text, for people: the entry of `errors`. */
    message: string;
}
export interface ContactListCreateRequest {
    /** The name of the list. */
    contactListName: string;
    /**
     * The effect of items on flags that were set to false. `keep`: these stay false, unless the item has
     * `resubscribe`. `allow`: an item may set them to true, with the note `RESUBSCRIBED` in its result. `account`: as
     * the account says, which is the default. Own to this server.
     */
    optOut?: "allow" | "keep" | "account" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListCreateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of the new list. */
    contactListId: string;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListVariablesAddRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The new variables. Required, unless `variablesMetadata` is given. */
    variables?: VariableToAdd[] | null | undefined;
    /** Another name of `variables`, which the vendor's PHP library sends. Ignored if `variables` is given. */
    variablesMetadata?: VariableToAdd[] | null | undefined;
}
export interface VariableToAdd {
    /** Its name in lowerCamelCase: letters only, and not the name of a field of a contact. */
    name: string;
    /** The type of its values: any text, or dates. Left out it is `ENUM_STRING`, with a warning. */
    type?: "ENUM_STRING" | "ENUM_DATE" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListVariablesAddAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListGetRequest {
    /** The id of the list, as contact-list/create gave it. Required, unless `domainId` or `domain` is given. */
    contactListId?: string | null | undefined;
    /**
     * A sending domain of the vendor, which this server does not have. If it is given and `contactListId` is not, the
     * account's default list is meant.
     */
    domainId?: unknown;
    /**
     * A sending domain of the vendor, which this server does not have. If it is given and `contactListId` is not, the
     * account's default list is meant.
     */
    domain?: unknown;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListGetAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The list. */
    data: ContactList;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A list. */
export interface ContactList {
    /** Its name. */
    contactListName: string;
    /** Its id. */
    contactListId: string;
    /** Whether it is the account's default list: 1 if so. The oldest list is. */
    isDefault: string;
    /** When it was made. */
    createdAt: string;
    /** When its name or its variables last changed. */
    updatedAt: string;
    /**
     * The effect of items on flags that were set to false: see contact-list/update. If the list follows its account,
     * this is the rule of the account.
     */
    optOut: string;
    /** Always null. */
    domainId: string | null;
    /** Always null. */
    domain: string | null;
    /** Always null. */
    defaultFromEmail: string | null;
    /** Always null. */
    defaultFromName: string | null;
    /** Always null. */
    company: string | null;
    /** Always null. */
    replyToEmail: string | null;
    /** Always null. */
    replyToName: string | null;
    /** Always null. */
    smsFromName: string | null;
    /** The variables that it defines, in the order in which they were added. */
    customVariables: Variable[];
    /** The fields that every contact has. */
    defaultVariables: Variable[];
}
/** A variable of a list, or a field that every contact has. */
export interface Variable {
    /** Its name. */
    name: string;
    /** The type of its values. */
    type: string;
}
export interface ContactListFindRequest {
    /** The list with this id. */
    contactListId?: string | null | undefined;
    /** Lists with exactly this name; all if it is blank. */
    contactListName?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
    /**
     * A sending domain of the vendor, which this server does not have. If it is given and `contactListId` is not, the
     * account's default list is meant.
     */
    domainId?: unknown;
    /**
     * A sending domain of the vendor, which this server does not have. If it is given and `contactListId` is not, the
     * account's default list is meant.
     */
    domain?: unknown;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: ContactList[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactSourceAddRequest {
    /** Its name. */
    name: string;
    /** Your own id of it. */
    customerSourceId?: string | null | undefined;
    /** The cost of a contact from it. */
    cac?: CacInput | null | undefined;
}
export interface CacInput {
    /**
     * The amount: a positive number below 10^15, or a string that is one. It is rounded to five decimals, half to
     * even, and must be positive after that. `""` clears the cost.
     */
    value: number | string;
    /** The currency. */
    currency: "USD" | "EUR";
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactSourceAddAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of the new source. */
    sourceId: string;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactSourceGetRequest {
    /** The id that contact-source/add gave. */
    sourceId?: string | null | undefined;
    /** Your own id of the source. */
    customerSourceId?: string | null | undefined;
    /** The name of the source; compared exactly. */
    name?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactSourceGetAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The source. */
    data: Source;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A source. */
export interface Source {
    /** Its id. */
    sourceId: string;
    /** Its name. */
    name: string;
    /** Your own id of it. */
    customerSourceId: string | null;
    /** The cost of a contact from it. */
    cac: Cac | null;
    /** When it was made. */
    createdAt: string;
    /** When it last changed. */
    updatedAt: string;
}
/** A cost. */
export interface Cac {
    /** The amount, with five decimals. */
    value: string;
    /** The currency. */
    currency: string;
}
export interface ContactSourceFindRequest {
    /** The source with exactly this name; all if it is blank. */
    name?: string | null | undefined;
    /** The source with this id of yours; all if it is blank. */
    customerSourceId?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactSourceFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: FoundSource[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A source that was found. */
export interface FoundSource {
    /** Its id. */
    id: string;
    /** Its name. */
    name: string;
    /** Your own id of it. */
    customerSourceId: string | null;
    /** The cost of a contact from it. */
    cac: Cac | null;
    /** When it was made. */
    createdAt: string;
    /** When it last changed. */
    updatedAt: string;
}
export interface ContactsUpdateRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The contacts, applied in this order. Fields that are left out stay as they are; an empty string clears a text. */
    contacts: ContactInput[];
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
    /**
     * If true, the server stores nothing. The answer has in `results` the result that each contact would have now.
     * Waiting batches do not count.
     */
    dryRun?: boolean | null | undefined;
    /**
     * Whether a person who was erased may be brought back. False by default, and then an item that would give a
     * contact an identifier of such a person ends in `CONTACT_ERASED`.
     */
    restoreErased?: boolean | null | undefined;
    /**
     * Whether a contact that is not in the list is made; false by default, and then such an item ends in
     * `CONTACT_NOT_FOUND`.
     */
    upsert?: boolean | null | undefined;
    /**
     * The kind of `contact` in every item: no other contact is found by it, and it must have that form. A `contactId`
     * finds only contacts that exist, so `upsert` must be false. Left out, `contact` is looked up as a userId, then
     * as an e-mail address, then as a phone number.
     */
    contactBy?: "userId" | "email" | "phoneNumber" | "contactId" | null | undefined;
    /**
     * If `keep`, flags that were set to false stay false, whatever the list says, unless an item has `resubscribe`.
     * Imports and bulk changes send this. Own to this server.
     */
    optOut?: "keep" | null | undefined;
}
export interface ContactInput {
    /**
     * Whom it is about: a userId, an e-mail address or a phone number that the contact has. It is looked for as a
     * userId first, then as an address, then as a number. If no contact is found and one is created, it fills the
     * identifier of its kind, unless the item names that one.
     */
    contact: string;
    /** The name to display. */
    name?: string | null | undefined;
    /**
     * An e-mail address (RFC 2822 addr-spec, also in Unicode) of at most 254 octets; compared without case; unique in
     * the list.
     */
    email?: string | null | undefined;
    /** A phone number in the form of E.164, such as +15555555; unique in the list. */
    phoneNumber?: string | null | undefined;
    /** Your own id of the contact, without control characters; compared exactly; unique in the list. */
    userId?: string | null | undefined;
    /** Whether the contact may receive anything at all; false by default. */
    active?: boolean | null | undefined;
    /** Whether the contact wants e-mail; false by default. */
    emailSubscribe?: boolean | null | undefined;
    /** Whether the contact wants SMS; false by default. */
    smsSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of desktop browsers; false by default. */
    desktopWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of mobile browsers; false by default. */
    mobileWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Telegram messages; false by default. */
    telegramSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Viber messages; false by default. */
    viberSubscribe?: boolean | null | undefined;
    /** The first name. */
    firstName?: string | null | undefined;
    /** The last name. */
    lastName?: string | null | undefined;
    /** The date of birth, `YYYY-MM-DD`, a real day of the calendar. */
    contactBirthday?: string | null | undefined;
    /** The language, an ISO 639-1 code; stored in lower case. */
    contactLanguage?: string | null | undefined;
    /**
     * The gender by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable; 0 by default. As a string also, in
     * any case: `unknown`, `undefined`, `empty`; `m`, `male`; `f`, `female`; `n/a`, `not applicable`, `na`.
     */
    contactGender?: 0 | 1 | 2 | 9 | string | null | undefined;
    /**
     * The time zone, an IANA name in its exact case (`Europe/Tallinn`). Or an ISO 8601 offset `Z`, `±hh`, `±hhmm` or
     * `±hh:mm` of at most 14 hours.
     */
    contactTimezone?: string | null | undefined;
    /** A score: an integer of 64 bits, or a string that is one. 100.0 is 100. */
    contactScore?: number | string | null | undefined;
    /** The address of a picture; `https://` may be left out, as in all links. */
    avatarLink?: string | null | undefined;
    /** The address of the Facebook profile. */
    facebookLink?: string | null | undefined;
    /** The address of the Instagram profile. */
    instagramLink?: string | null | undefined;
    /** The address of the LinkedIn profile. */
    linkedInLink?: string | null | undefined;
    /** The address of the Twitter profile. */
    twitterLink?: string | null | undefined;
    /** The address of the TikTok profile. */
    tiktokLink?: string | null | undefined;
    /** Values of the list's own variables. */
    variables?: VariableInput[] | null | undefined;
    /** Where the contact comes from: the id that contact-source/add gave. It has priority over `customerSourceId`. */
    sourceId?: string | null | undefined;
    /**
     * Where the contact comes from, by your own id: at most 40 ASCII letters and digits; `""` clears. Ignored if
     * `sourceId` is given.
     */
    customerSourceId?: string | null | undefined;
    /**
     * The cost to acquire the contact. An object whose `value` is `""` clears it, and so does `""` in place of the
     * object.
     */
    cac?: CacInput | null | undefined;
    /** An old name of `userId`. Ignored if `userId` is given. */
    externalId?: string | null | undefined;
    /**
     * Whether the item may set flags to true that were set to false before, where `optOut` is `keep`. False by
     * default, and then these flags stay false, with the note `OPTED_OUT` in the result. Own to this server.
     */
    resubscribe?: boolean | null | undefined;
    /**
     * How the flags of the item were chosen: stored in the consent ledger, see consent/find. The item must name a
     * flag. An undo leaves such a flag as it is. Own to this server.
     */
    consent?: ConsentInput | null | undefined;
}
export interface VariableInput {
    /** The name of a variable that the list has. */
    name: string;
    /**
     * Its value: a string of at most 10,000 characters, a number or a boolean. A date variable takes `YYYY-MM-DD`.
     * Numbers and booleans are stored as their JSON text. Clear it with `""`. `null` clears it too, so a client whose
     * model sends null for members that were not set must always set this one. Absence is an error.
     */
    value: string | number | boolean | null;
}
export interface ConsentInput {
    /** Where the person chose, such as `form` or `phone`. */
    source?: string | null | undefined;
    /** The name or the address of the form. */
    form?: string | null | undefined;
    /** The IP address of the person, version 4 or 6. */
    ip?: string | null | undefined;
    /** The version or the hash of the text that the person saw. */
    wording?: string | null | undefined;
    /** The purpose of the messages. */
    purpose?: string | null | undefined;
    /** When the person chose, UTC. */
    at?: string | null | undefined;
    /** When the person confirmed the choice (double opt-in), UTC. */
    confirmedAt?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsUpdateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Where the request was a dry run: what would become of each item. */
    results?: Results;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** The results of a request's items. */
export interface Results {
    /** The items that were applied. */
    success: ItemDone[];
    /** The items that were not. */
    errors: ItemFailed[];
}
/** An item that was applied. */
export interface ItemDone {
    /** Its place in the request, from 0. */
    position: number;
    /** The action on its contact. */
    action: string;
    /** The contact's id; null where a dry run would make it. */
    id: string | null;
    /** The contact's address after the item, or that with which it was removed. */
    email: string | null;
    /** The contact's phone number after the item, or that with which it was removed. */
    phone: string | null;
    /** The contact's userId after the item, or that with which it was removed. */
    userId: string | null;
    /** Where a request was undone: the fields that were put back. */
    restored?: string[];
    /** Where a request was undone: the fields that were not put back. */
    kept?: Kept[];
    /** Notes about flags that were set to false before. */
    notes?: ItemNote[];
}
/** A field that was not put back. */
export interface Kept {
    /** Its name; that of a variable stands behind `variables.`. */
    field: string;
    /** Why. */
    error: string;
    /** Why, in words. */
    humanError: string;
}
/** A note about a flag that was set to false before. */
export interface ItemNote {
    /** `OPTED_OUT`: it stays false. `RESUBSCRIBED`: it is true now. */
    code: string;
    /** The flag. */
    field: string;
    /** The code in words. */
    humanNote: string;
}
/** An item that was not applied. */
export interface ItemFailed {
    /** Its place in the request, from 0. */
    position: number;
    /** Why. */
    error: string;
    /** The identifiers of the item. */
    contact: ItemAsked;
    /** Why, in words. */
    humanError: string;
    /** Where another contact has an identifier that the item asked for: which one, and that contact. */
    taken?: Taken;
}
export interface ItemAsked {
    /** Always null. */
    id: string | null;
    /** The address that the item named. */
    email: string | null;
    /** The phone number that the item named. */
    phone: string | null;
    /** The userId that the item named. */
    userId: string | null;
}
/** An identifier that another contact has. */
export interface Taken {
    /** `userId`, `email` or `phoneNumber`. */
    field: string;
    /** The id of the contact that has it; null where an item before this one of a dry run would make that contact. */
    id: string | null;
}
export interface ContactsAddRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The contacts, applied in this order. Each needs a userId, an e-mail address or a phone number. */
    contacts: ContactToAdd[];
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
    /**
     * If true, the server stores nothing. The answer has in `results` the result that each contact would have now.
     * Waiting batches do not count.
     */
    dryRun?: boolean | null | undefined;
    /**
     * Whether a person who was erased may be brought back. False by default, and then an item that would give a
     * contact an identifier of such a person ends in `CONTACT_ERASED`.
     */
    restoreErased?: boolean | null | undefined;
    /**
     * If `keep`, flags that were set to false stay false, whatever the list says, unless an item has `resubscribe`.
     * Imports and bulk changes send this. Own to this server.
     */
    optOut?: "keep" | null | undefined;
}
export interface ContactToAdd {
    /** Not looked at; clients of contacts/update send it. */
    contact?: unknown;
    /** The name to display. */
    name?: string | null | undefined;
    /**
     * An e-mail address (RFC 2822 addr-spec, also in Unicode) of at most 254 octets; compared without case; unique in
     * the list.
     */
    email?: string | null | undefined;
    /** A phone number in the form of E.164, such as +15555555; unique in the list. */
    phoneNumber?: string | null | undefined;
    /** Your own id of the contact, without control characters; compared exactly; unique in the list. */
    userId?: string | null | undefined;
    /** Whether the contact may receive anything at all; false by default. */
    active?: boolean | null | undefined;
    /** Whether the contact wants e-mail; false by default. */
    emailSubscribe?: boolean | null | undefined;
    /** Whether the contact wants SMS; false by default. */
    smsSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of desktop browsers; false by default. */
    desktopWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of mobile browsers; false by default. */
    mobileWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Telegram messages; false by default. */
    telegramSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Viber messages; false by default. */
    viberSubscribe?: boolean | null | undefined;
    /** The first name. */
    firstName?: string | null | undefined;
    /** The last name. */
    lastName?: string | null | undefined;
    /** The date of birth, `YYYY-MM-DD`, a real day of the calendar. */
    contactBirthday?: string | null | undefined;
    /** The language, an ISO 639-1 code; stored in lower case. */
    contactLanguage?: string | null | undefined;
    /**
     * The gender by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable; 0 by default. As a string also, in
     * any case: `unknown`, `undefined`, `empty`; `m`, `male`; `f`, `female`; `n/a`, `not applicable`, `na`.
     */
    contactGender?: 0 | 1 | 2 | 9 | string | null | undefined;
    /**
     * The time zone, an IANA name in its exact case (`Europe/Tallinn`). Or an ISO 8601 offset `Z`, `±hh`, `±hhmm` or
     * `±hh:mm` of at most 14 hours.
     */
    contactTimezone?: string | null | undefined;
    /** A score: an integer of 64 bits, or a string that is one. 100.0 is 100. */
    contactScore?: number | string | null | undefined;
    /** The address of a picture; `https://` may be left out, as in all links. */
    avatarLink?: string | null | undefined;
    /** The address of the Facebook profile. */
    facebookLink?: string | null | undefined;
    /** The address of the Instagram profile. */
    instagramLink?: string | null | undefined;
    /** The address of the LinkedIn profile. */
    linkedInLink?: string | null | undefined;
    /** The address of the Twitter profile. */
    twitterLink?: string | null | undefined;
    /** The address of the TikTok profile. */
    tiktokLink?: string | null | undefined;
    /** Values of the list's own variables. */
    variables?: VariableInput[] | null | undefined;
    /** Where the contact comes from: the id that contact-source/add gave. It has priority over `customerSourceId`. */
    sourceId?: string | null | undefined;
    /**
     * Where the contact comes from, by your own id: at most 40 ASCII letters and digits; `""` clears. Ignored if
     * `sourceId` is given.
     */
    customerSourceId?: string | null | undefined;
    /**
     * The cost to acquire the contact. An object whose `value` is `""` clears it, and so does `""` in place of the
     * object.
     */
    cac?: CacInput | null | undefined;
    /** An old name of `userId`. Ignored if `userId` is given. */
    externalId?: string | null | undefined;
    /**
     * Whether the item may set flags to true that were set to false before, where `optOut` is `keep`. False by
     * default, and then these flags stay false, with the note `OPTED_OUT` in the result. Own to this server.
     */
    resubscribe?: boolean | null | undefined;
    /**
     * How the flags of the item were chosen: stored in the consent ledger, see consent/find. The item must name a
     * flag. An undo leaves such a flag as it is. Own to this server.
     */
    consent?: ConsentInput | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsAddAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Where the request was a dry run: what would become of each item. */
    results?: Results;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactsRemoveRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
    /**
     * If true, the server stores nothing. The answer has in `results` the result that each contact would have now.
     * Waiting batches do not count.
     */
    dryRun?: boolean | null | undefined;
    /** E-mail addresses of contacts; compared without case. */
    emails?: string[] | null | undefined;
    /** Phone numbers of contacts; compared exactly. */
    phoneNumbers?: string[] | null | undefined;
    /** userIds of contacts; compared exactly. */
    userIds?: string[] | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Where the request was a dry run: what would become of each item. */
    results?: Results;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactsFindRequest {
    /** The id of the list, as contact-list/create gave it. Only with `search` it may be absent. */
    contactListId?: string | null | undefined;
    /** Where the page begins: `next` of the page before. */
    after?: string | null | undefined;
    /** How many contacts there are at most; 100 by default. */
    limit?: number | null | undefined;
    /**
     * If true, `totalCount` is how many contacts of the list match. Every contact is looked at: a million take about
     * a second. Ask with the first page alone.
     */
    count?: boolean | null | undefined;
    /**
     * The order; `created` by default. A minus turns it round. `name` compares what a contact is called: `name`, else
     * `firstName` and `lastName`, else an identifier, without case and accents. Contacts without a value come last.
     * Not with `search`, which has an order of its own.
     */
    sort?: "created" | "-created" | "changed" | "-changed" | "email" | "-email" | "name" | "-name" | "score" | "-score" | null | undefined;
    /** Whether the contact may receive anything at all; false by default. */
    active?: boolean | null | undefined;
    /** Whether the contact wants e-mail; false by default. */
    emailSubscribe?: boolean | null | undefined;
    /** Whether the contact wants SMS; false by default. */
    smsSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of desktop browsers; false by default. */
    desktopWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants push notifications of mobile browsers; false by default. */
    mobileWebPushSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Telegram messages; false by default. */
    telegramSubscribe?: boolean | null | undefined;
    /** Whether the contact wants Viber messages; false by default. */
    viberSubscribe?: boolean | null | undefined;
    /** Contacts from the source with this id; all if it is blank. */
    sourceId?: string | null | undefined;
    /**
     * Contacts that have changed then or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that day,
     * UTC.
     */
    updatedSince?: string | null | undefined;
    /** Contacts whose name begins with this text, in any case; all if it is blank. */
    namePrefix?: string | null | undefined;
    /** If true, contacts whose e-mail address or phone number is suppressed; if false, all others. */
    suppressed?: boolean | null | undefined;
    /** Contacts that match this filter. It applies beside the other keys that narrow. */
    filter?: Filter | null | undefined;
    /**
     * Words of the name, firstName, lastName and e-mail address, whole or their beginnings, in any order. All words
     * must match. Case, accents and spelling do not matter. The last six or more digits of a phone number are found
     * too, and a whole userId or contact id. Up to 255 characters and 10 words; all contacts if it is blank.
     */
    search?: string | null | undefined;
}
export interface Filter {
    /** A group: all of these filters match. */
    all?: Filter[] | null | undefined;
    /** A group: at least one of these filters matches. */
    any?: Filter[] | null | undefined;
    /**
     * A condition: the field of a contact, `variables.` and the name of a variable, `createdAt`, `updatedAt`,
     * `cac.value`, `cac.currency` or `suppressed`.
     */
    field?: string | null | undefined;
    /** How the field is compared. */
    op?: "is" | "isNot" | "empty" | "notEmpty" | "contains" | "beginsWith" | "before" | "after" | "between" | "inLast" | "in" | null | undefined;
    /**
     * What it is compared with: a text, a number, a flag, a day `YYYY-MM-DD` or a time `YYYY-MM-DD hh:mm:ss` (UTC).
     * `in` takes an array of them. `between` takes an array of two ends, both included; one of them may be null.
     * `inLast` takes a number of days. `empty` and `notEmpty` take nothing.
     */
    value?: string | number | boolean | unknown[] | null | undefined;
    /** Contacts of the segment of the list with this id. */
    segment?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** The contacts, as contact/get shows them. */
    data: Contact[];
    /** The ids of the contacts, in the same order: changes and results name contacts by them. */
    contactIds: string[];
    /** Where all lists were searched, the ids of the lists of the contacts, in the same order. */
    contactListIds?: string[];
    /** The beginning of the next page; null on the last page. */
    next: string | null;
    /** How many contacts of the list match, if `count` was true. Contacts that are damaged on disk do not count. */
    totalCount?: number;
    /** On the first page, the cursor of the moment before it: contacts/changes from there completes these pages. */
    cursor?: string;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A contact. Texts that are absent are null. */
export interface Contact {
    /** The name to display. */
    name: string | null;
    /**
     * An e-mail address (RFC 2822 addr-spec, also in Unicode) of at most 254 octets; compared without case; unique in
     * the list.
     */
    email: string | null;
    /** A phone number in the form of E.164, such as +15555555; unique in the list. */
    phoneNumber: string | null;
    /** Your own id of the contact, without control characters; compared exactly; unique in the list. */
    userId: string | null;
    /** Whether the contact may receive anything at all; false by default. */
    active: boolean;
    /** Whether the contact wants e-mail; false by default. */
    emailSubscribe: boolean;
    /** Whether the contact wants SMS; false by default. */
    smsSubscribe: boolean;
    /** Whether the contact wants push notifications of desktop browsers; false by default. */
    desktopWebPushSubscribe: boolean;
    /** Whether the contact wants push notifications of mobile browsers; false by default. */
    mobileWebPushSubscribe: boolean;
    /** Whether the contact wants Telegram messages; false by default. */
    telegramSubscribe: boolean;
    /** Whether the contact wants Viber messages; false by default. */
    viberSubscribe: boolean;
    /** When it was made. UTC. */
    createdAt: string;
    /** When it last changed. UTC. */
    updatedAt: string;
    /** The address of a picture; `https://` may be left out, as in all links. */
    avatarLink: string | null;
    /** The date of birth, `YYYY-MM-DD`, a real day of the calendar. */
    contactBirthday: string | null;
    /** The language, an ISO 639-1 code; stored in lower case. */
    contactLanguage: string | null;
    /** The first name. */
    firstName: string | null;
    /** The last name. */
    lastName: string | null;
    /**
     * The gender by ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable; 0 by default. As a string also, in
     * any case: `unknown`, `undefined`, `empty`; `m`, `male`; `f`, `female`; `n/a`, `not applicable`, `na`.
     */
    contactGender: string;
    /**
     * The time zone, an IANA name in its exact case (`Europe/Tallinn`). Or an ISO 8601 offset `Z`, `±hh`, `±hhmm` or
     * `±hh:mm` of at most 14 hours.
     */
    contactTimezone: string | null;
    /** The address of the Facebook profile. */
    facebookLink: string | null;
    /** The address of the Instagram profile. */
    instagramLink: string | null;
    /** The address of the LinkedIn profile. */
    linkedInLink: string | null;
    /** The address of the Twitter profile. */
    twitterLink: string | null;
    /** The address of the TikTok profile. */
    tiktokLink: string | null;
    /** A score: an integer of 64 bits, or a string that is one. 100.0 is 100. */
    contactScore: string | null;
    /** The name of the contact's source. */
    sourceName: string | null;
    /** The id of the contact's source. */
    sourceId: string | null;
    /** Your own id of the contact's source. */
    customerSourceId: string | null;
    /** Every variable of the list. */
    variables: VariableValue[];
    /** The cost to acquire the contact: its own, else its source's, also of a removed source. */
    cac: Cac | null;
    /** The suppressions of its e-mail address and phone number; absent without any. */
    suppressed?: ContactSuppression[];
}
/** A variable of the contact's list. */
export interface VariableValue {
    /** Its name. */
    name: string;
    /** Its value; null where the contact has none. */
    value: string | null;
}
/** A suppression of a contact. */
export interface ContactSuppression {
    /** The field with the suppressed address. */
    channel: string;
    /** Why it is suppressed: a rejectType of its channel. */
    reason: string;
    /** Since when. */
    createdAt: string;
    /** Until when; null if it does not expire. */
    expireAt: string | null;
}
export interface SegmentCreateRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** Its name. */
    name: string;
    /** The filter. It names no segment. */
    filter: Filter;
}
/** A success: what a method answers, around it what every answer has. */
export interface SegmentCreateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of the new segment. */
    segmentId: string;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface SegmentGetRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of the segment. */
    segmentId: string;
    /** If true, `totalCount` is how many contacts are in the segment. Every contact of the list is looked at. */
    count?: boolean | null | undefined;
    /** How many of the last days `growth` has, 1 to 400. Without it there is no `growth`. */
    growthDays?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface SegmentGetAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The segment. */
    data: Segment;
    /** How many contacts are in it, if `count` was true. */
    totalCount?: number;
    /**
     * The last days, the oldest first, if `growthDays` was given. Days before the segment was first counted are left
     * out.
     */
    growth?: GrowthDay[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A segment. */
export interface Segment {
    /** Its id. */
    segmentId: string;
    /** Its name. */
    name: string;
    /** Its filter, as requests name it. */
    filter: unknown;
    /** When it was made. */
    createdAt: string;
    /** When its name or its filter last changed. */
    updatedAt: string;
}
/** A segment on one day, by UTC. */
export interface GrowthDay {
    /** The day, `YYYY-MM-DD`. */
    date: string;
    /** How many contacts were in the segment at its end. Of today, how many are in it as far as changes were followed. */
    contacts: number;
    /** How many contacts joined. */
    joined: number;
    /** How many contacts left. */
    left: number;
}
export interface SegmentFindRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of a contact of the list, as contacts/find gives it in `contactIds`. */
    contactId?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface SegmentFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The segments. */
    data: Segment[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface SegmentUpdateRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of the segment. */
    segmentId: string;
    /** Its new name. */
    name?: string | null | undefined;
    /** The filter. It names no segment. */
    filter?: Filter | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface SegmentUpdateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface SegmentRemoveRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of the segment. */
    segmentId: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface SegmentRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactsDuplicatesRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The `next` of the page before; left out for the first page. */
    after?: string | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsDuplicatesAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** The groups. */
    data: DuplicateGroup[];
    /** Where the next page begins; null at the end. */
    next: string | null;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** Contacts that may be one person. */
export interface DuplicateGroup {
    /** Why they may be one person. */
    reason: string;
    /** How likely it is that they are, from 0 to 100. */
    score: number;
    /** The number of contacts; at most 50 of them are returned. */
    count: number;
    /** The contacts, the oldest first. */
    contacts: DuplicateContact[];
}
/** A contact that may be another one too. */
export interface DuplicateContact {
    /** Its id. */
    id: string;
    /** Its userId. */
    userId: string | null;
    /** Its address. */
    email: string | null;
    /** Its phone number. */
    phoneNumber: string | null;
}
export interface ContactsUnsubscribeLinksRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** E-mail addresses of contacts; compared without case. */
    emails?: string[] | null | undefined;
    /** Phone numbers of contacts; compared exactly. */
    phoneNumbers?: string[] | null | undefined;
    /** userIds of contacts; compared exactly. */
    userIds?: string[] | null | undefined;
    /** The channel that the link turns off; `email` by default. */
    channel?: "email" | "sms" | "desktopWebPush" | "mobileWebPush" | "telegram" | "viber" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsUnsubscribeLinksAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** A link for each identifier, in the order emails, phoneNumbers, userIds. */
    links: UnsubscribeLink[];
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** An unsubscribe link. */
export interface UnsubscribeLink {
    /** The identifier that was given. */
    identifier: string;
    /** The link; null if the list has no such contact. */
    url: string | null;
    /**
     * The headers of a message: `List-Unsubscribe` and `List-Unsubscribe-Post`. DKIM must sign both. Empty for other
     * channels than `email`, and without a link.
     */
    headers: MessageHeader[];
}
/** A header of a message. */
export interface MessageHeader {
    /** Its name. */
    name: string;
    /** Its value, to be written unchanged. */
    value: string;
}
export interface ContactsChangesRequest {
    /** The list. If absent, all lists that the token may see, at most 1,000. */
    contactListId?: string | null | undefined;
    /**
     * Where to begin: `next`, or the `cursor` of a change or of contacts/find. `start` begins at the oldest change
     * that is stored. If absent, no changes are returned, and `next` is the cursor of this moment.
     */
    after?: string | null | undefined;
    /** How many changes there are at most; 100 by default. A page ends earlier when it is large. */
    limit?: number | null | undefined;
    /** How long to wait for the first change; 0 by default. */
    waitSeconds?: number | null | undefined;
    /**
     * Only updates of these fields, and of these updates only these fields; a variable is `variables.` and its name.
     * Creations, removals and erasures are always returned.
     */
    fields?: string[] | null | undefined;
    /**
     * `ids` (the default): which contact it is. `changes`: also the old and the new value of each field. `contact`:
     * also the contact as it is now, not as of the change; it is absent if the contact is gone.
     */
    include?: "ids" | "changes" | "contact" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsChangesAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** The changes, in their order. */
    changes: FeedChange[];
    /** The cursor behind them: send it as `after`. */
    next: string;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A change of a contact. */
export interface FeedChange {
    /** The cursor behind this change. */
    cursor: string;
    /** The list. */
    contactListId: string;
    /** The contact. */
    contactId: string;
    /** Its userId after the change, of a removal the last; null if it has none or was erased. */
    userId: string | null;
    /** Its e-mail address, in the same way. */
    email: string | null;
    /** Its phone number, in the same way. */
    phoneNumber: string | null;
    /** The action. */
    action: string;
    /** By which request. */
    requestId: string;
    /** The method that was called. */
    source: string;
    /** When it was applied. */
    at: string;
    /** The key of the token, as `rollbook token list` shows it; `user:` and the id of the user for the console. */
    by: string;
    /** The fields that changed, by name; the name of a variable stands behind `variables.`. With `include` `changes`. */
    fields?: Record<string, ValueChange>;
    /** The contact as it is now; absent if it is gone. With `include` `contact`. */
    contact?: Contact;
}
/** The change of a value. */
export interface ValueChange {
    /** The old value, as contact/get shows it. */
    from: unknown;
    /** The new value. */
    to: unknown;
}
export interface ContactGetRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
    /**
     * The id of a request of the account: the answer is given once it is processed. That is waited for at most 5
     * seconds; then the contact is answered as it is, with the warning `WAIT_TIMED_OUT`.
     */
    waitFor?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactGetAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The contact; null if none was found. */
    contact: Contact | null;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactGetManyRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** Up to 100 contacts, each by one or more identifiers. */
    contacts: Lookup[];
}
export interface Lookup {
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactGetManyAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The contacts that were found. */
    found: FoundContact[];
    /** The places in `contacts` of those that were not. */
    missing: number[];
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A contact that was found. */
export interface FoundContact {
    /** Its place in `contacts`. */
    position: number;
    /** Its id. */
    contactId: string;
    /** The contact. */
    contact: Contact;
}
export interface ContactHistoryRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactHistoryAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The contact; null if none was found. */
    contactId: string | null;
    /** The entries. */
    data: Change[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Whether `totalCount` counts all changes that are stored. If false, there are older ones than the newest 10,000. */
    complete: boolean;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A change of a contact. */
export interface Change {
    /** When it was applied. */
    changedAt: string;
    /** The action. */
    action: string;
    /** By which request. */
    requestId: string;
    /** The method that was called. */
    source: string;
    /** The key of the token, as `rollbook token list` shows it; `user:` and the id of the user for the console. */
    token: string;
    /** The fields. */
    changes: FieldChange[];
}
/** A change of a field. */
export interface FieldChange {
    /** Its name; that of a variable stands behind `variables.`. */
    field: string;
    /** Its old value, as contact/get shows it. */
    old: unknown;
    /** Its new value. */
    new: unknown;
}
export interface ContactExportRequest {
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactExportAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The person's contacts. */
    contacts: ExportedContact[];
    /** The requests that mention the person, the oldest first. */
    requests: ExportedRequest[];
    /** Whether these are all; at most the oldest 10,000 are returned. */
    requestsComplete: boolean;
    /** The suppressions of the addresses that were given and that the contacts have. */
    suppressed: Suppression[];
    /** Whether a person with such an identifier was erased: only a keyed hash is stored then. */
    erased: boolean;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A contact of a person. */
export interface ExportedContact {
    /** The list. */
    contactListId: string;
    /** The list's name. */
    contactListName: string;
    /** The contact's id. */
    contactId: string;
    /** The contact as contact/get shows it; null if it was removed and only its history is stored. */
    contact: Contact | null;
    /** Its changes, the newest first, as contact/history tells them. */
    history: Change[];
    /** Whether these are all that are stored; at most the newest 10,000 are returned, fewer if they are very large. */
    historyComplete: boolean;
    /** Its consent ledger, the newest record first, as consent/find returns it. */
    consents: Consent[];
}
/** A record of the consent ledger. */
export interface Consent {
    /** The flag. */
    channel: string;
    /** The value that was set. */
    state: string;
    /** When the record was written. */
    recordedAt: string;
    /** When the person chose, as the caller reports. */
    at: string | null;
    /** When the person confirmed it, as the caller reports. */
    confirmedAt: string | null;
    /** The cause of the record. */
    by: string;
    /** Where the person chose, as the caller reports. */
    source: string | null;
    /** The form. */
    form: string | null;
    /** The IP address of the person. */
    ip: string | null;
    /** The version or the hash of the text that the person saw. */
    wording: string | null;
    /** The purpose of the messages. */
    purpose: string | null;
    /** By which request. */
    requestId: string;
    /** The key of the token; `user:` and the id of the user for the console. */
    token: string;
    /** The hash of the record, in hex digits. */
    hash: string;
}
/** A request that mentions a person. */
export interface ExportedRequest {
    /** Its id. */
    id: string;
    /** The method that was called. */
    source: string;
    /** How far it has come. */
    status: string;
    /** The list. */
    contactListId: string;
    /** When it was accepted. */
    createdAt: string;
    /** Which of its items mention the person, from 0. */
    positions: number[];
}
/** A suppression. */
export interface Suppression {
    /** The kind of its address. */
    channel: string;
    /** The address; null after the person was erased. */
    address: string | null;
    /** Why it is suppressed: a rejectType of its channel. */
    reason: string;
    /** The answer of the receiving server. */
    rawLog: string | null;
    /** Since when. */
    createdAt: string;
    /** Until when; null if it does not expire. */
    expireAt: string | null;
}
export interface ConsentFindRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
    /** Only records about this flag. */
    channel?: "active" | "emailSubscribe" | "smsSubscribe" | "desktopWebPushSubscribe" | "mobileWebPushSubscribe" | "telegramSubscribe" | "viberSubscribe" | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ConsentFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The contact; null if none was found. */
    contactId: string | null;
    /** The entries. */
    data: Consent[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface RequestFindRequest {
    /** The ids of the requests, as `requestId` gave them. */
    ids: string[];
    /**
     * Whether `success` has the identifiers of the contacts; true by default. With false `email`, `phone` and
     * `userId` are null there, and the server reads no contact for the answer.
     */
    identifiers?: boolean | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface RequestFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The requests by their ids. */
    requests: Record<string, Request>;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** The same as request/find returns it: with how its webhook fares. */
export interface Request {
    /** The request's id, the `requestId` of its 200. */
    id: string;
    /** The method that was called. */
    source: string;
    /** How far it has come. */
    status: string;
    /** Where its status goes. */
    webHookUri: string | null;
    /** When it was accepted. */
    createdAt: string;
    /** The time of processing; until then the time of acceptance. */
    updatedAt: string;
    /** The result of each contact, in the order of the request; empty until it is processed. */
    results: Results;
    /** How its webhook fares. */
    webHook: WebHook;
}
export interface WebHook {
    /** `none` where the request names no receiver. */
    status: string;
    /** How often it was sent. */
    attempts: number;
    /**
     * Why the last attempt failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`. Absent where
     * it did not fail.
     */
    reason?: string;
}
export interface BlacklistAddRequest {
    /** The addresses. */
    records: EmailToSuppress[];
}
export interface EmailToSuppress {
    /** The e-mail address. */
    email: string;
    /** Why it is suppressed. */
    rejectType: "hard" | "complaint" | "list-unsubscribe";
    /** The answer of the receiving server: at most 1,024 bytes. */
    rawLog?: string | null | undefined;
    /** Since when: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD`, UTC; now by default. For suppressions of another system. */
    createdAt?: string | null | undefined;
    /**
     * Until when, in the same form. By default the settings decide for `hard` and `undeliverable`; others never
     * expire.
     */
    expireAt?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface BlacklistAddAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface BlacklistFindRequest {
    /** This address, compared without case; all if it is blank. */
    email?: string | null | undefined;
    /** Only those for this reason; all if it is blank. */
    rejectType?: string | null | undefined;
    /** Whether `rawLog` is shown; false by default. */
    withRawLog?: boolean | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface BlacklistFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: SuppressedEmail[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A suppressed e-mail address. */
export interface SuppressedEmail {
    /** The address as it was added; null if the person was erased and it was found otherwise. */
    email: string | null;
    /** Why it is suppressed. */
    type: string;
    /** The answer of the receiving server; absent without a log, and unless `withRawLog` is true. */
    rawLog?: string;
    /** Since when. */
    createdAt: string;
    /** Until when; null if it does not expire. */
    expireAt: string | null;
}
export interface PhoneBlacklistAddRequest {
    /** The numbers. */
    records: PhoneToSuppress[];
}
export interface PhoneToSuppress {
    /** The phone number, E.164. */
    phoneNumber: string;
    /** Why it is suppressed; `import` by default. */
    rejectType?: "import" | "invalid" | "unsubscribe" | "undeliverable" | null | undefined;
    /** Since when: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD`, UTC; now by default. For suppressions of another system. */
    createdAt?: string | null | undefined;
    /**
     * Until when, in the same form. By default the settings decide for `hard` and `undeliverable`; others never
     * expire.
     */
    expireAt?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface PhoneBlacklistAddAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface PhoneBlacklistFindRequest {
    /** The phone number; compared exactly. */
    phoneNumber: string;
    /** Only that for this reason; all if it is blank. */
    rejectType?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface PhoneBlacklistFindAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: SuppressedPhone[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A suppressed phone number. */
export interface SuppressedPhone {
    /** The number. */
    phoneNumber: string;
    /** Why it is suppressed. */
    rejectType: string;
    /** Since when. */
    createdAt: string;
}
export interface SuppressionListRequest {
    /** Only those of this channel. */
    channel?: "email" | "phoneNumber" | null | undefined;
    /** Only those for this reason. */
    reason?: "hard" | "complaint" | "list-unsubscribe" | "import" | "invalid" | "unsubscribe" | "undeliverable" | null | undefined;
    /** Where the page begins: `next` of the page before. */
    after?: string | null | undefined;
    /** How many suppressions there are at most; 100 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface SuppressionListAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The suppressions. */
    data: Suppression[];
    /** The beginning of the next page; null on the last page. */
    next: string | null;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface RequestUndoRequest {
    /** The id of the request that is to be undone. */
    requestId: string;
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
    /** The list of the request: a request of another list is then not found. */
    contactListId?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface RequestUndoAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactEraseRequest {
    /** The userId of the contact; compared exactly. */
    userId?: string | null | undefined;
    /** The e-mail address of the contact; compared without case. */
    email?: string | null | undefined;
    /** The phone number of the contact; compared exactly. */
    phoneNumber?: string | null | undefined;
    /** An old name of `userId`. Not looked at where `userId` is given. */
    externalId?: string | null | undefined;
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactEraseAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface RequestListRequest {
    /** Requests that have come so far. */
    status?: "queued" | "processing" | "processed" | null | undefined;
    /** Requests of this list. */
    contactListId?: string | null | undefined;
    /**
     * Requests that were accepted then or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that
     * day, UTC.
     */
    from?: string | null | undefined;
    /** Requests that were accepted before that. */
    to?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface RequestListAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: RequestSummary[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A request as request/list returns it: counts stand in the place of the results. */
export interface RequestSummary {
    /** The request's id, the `requestId` of its 200. */
    id: string;
    /** The method that was called. */
    source: string;
    /** How far it has come. */
    status: string;
    /** Where its status goes. */
    webHookUri: string | null;
    /** When it was accepted. */
    createdAt: string;
    /** The time of processing; until then the time of acceptance. */
    updatedAt: string;
    /** How many of its items came to what; null until it is processed. */
    counts: Counts | null;
    /** How its webhook fares. */
    webHook: WebHook;
}
export interface Counts {
    /** The items that were applied. */
    success: number;
    /** The items that were not. */
    errors: number;
}
export interface RequestRejectedRequest {
    /** Only of this token: its key. */
    token?: string | null | undefined;
    /** Only with this code. */
    code?: string | null | undefined;
    /**
     * Only in the hour of that time or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning of that day,
     * UTC.
     */
    from?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface RequestRejectedAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: RejectionObject[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** Rejected requests of an hour. */
export interface RejectionObject {
    /** The beginning of the hour. */
    hour: string;
    /** The key of the token. */
    token: string;
    /** The path of the method. */
    method: string;
    /** The status. */
    status: number;
    /** The code. */
    code: string;
    /** How many requests. */
    count: number;
    /** When the last of them was. */
    lastAt: string;
}
export interface WebhookCreateRequest {
    /** Its title. */
    title: string;
    /** The receiver: an absolute http or https URI. */
    url: string;
    /** The names of its events. */
    events: string[];
    /** Accepted and echoed: of the vendor's sending domains. */
    domain?: unknown;
    /**
     * Whether up to 8 messages may be out at a time. False by default: the messages are sent one after the other, in
     * the order of the changes of each list.
     */
    parallel?: boolean | null | undefined;
    /**
     * How many events a message holds at most; 1 by default. With more than 1, a message is an object with the array
     * `events`.
     */
    batch?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookCreateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The webhook. */
    config: WebhookConfig;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** An account webhook as webhook/create answers it. */
export interface WebhookConfig {
    /** Its id. */
    id: number;
    /** Its title. */
    title: string;
    /** The receiver. */
    url: string;
    /** The domain that was given, or null. */
    domain: string | null;
    /** The names of its events. */
    events: string[];
    /** Whether several messages may be out at a time. */
    parallel: boolean;
    /** How many events a message holds at most. */
    batch: number;
}
export interface WebhookListRequest {
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookListAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The webhooks. */
    data: AccountWebhook[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** An account webhook as webhook/list answers it. */
export interface AccountWebhook {
    /** Its id. */
    id: number;
    /** Its title. */
    title: string;
    /** The receiver. */
    url: string;
    /** When it was made. */
    createdAt: string;
    /** The vendor's sending domain. */
    domain: WebhookDomain;
    /** The names of its events. */
    events: string[];
    /** Whether several messages may be out at a time. */
    parallel: boolean;
    /** How many events a message holds at most. */
    batch: number;
    /** `paused`: it failed for 3 days or was answered with 410, and sends nothing until it is resumed. */
    status: string;
    /** How often the message that is due has failed. */
    failedAttempts: number;
    /** Why it was paused, as a code; null if it is not. */
    reason: string | null;
    /** When it was paused; null if it is not. */
    pausedAt: string | null;
    /** When it skipped changes last, since they were not stored any more; null if it never did. */
    skippedAt: string | null;
}
/** The vendor's sending domain of an account webhook. */
export interface WebhookDomain {
    /** Always null. */
    id: number | null;
    /** The domain that was given, or null. */
    name: string | null;
}
export interface WebhookResumeRequest {
    /** The id of the webhook. */
    id: number;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookResumeAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface WebhookRemoveRequest {
    /** The id of the webhook. */
    id: number;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface WebhookDeliveriesRequest {
    /** Only attempts that failed, or only those that did not. */
    failed?: boolean | null | undefined;
    /** Only attempts of this account webhook. */
    webhookId?: number | null | undefined;
    /** Only the status webhook of this request. */
    requestId?: string | null | undefined;
    /** How many entries are left out at the beginning; 0 by default. */
    offset?: number | null | undefined;
    /** How many entries there are at most; 20 by default. */
    limit?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookDeliveriesAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The entries. */
    data: AttemptObject[];
    /** How many match in all. */
    totalCount: number;
    /** How many were left out at the beginning. */
    offset: number;
    /** How many there are at most. */
    limit: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** An attempt to send a webhook, as the delivery log has it. */
export interface AttemptObject {
    /** Its id. */
    id: string;
    /** The account webhook; null for the status webhook of a request. */
    webhookId: number | null;
    /** The request that it reports; null for events and tests. */
    requestId: string | null;
    /** Where it was sent. */
    url: string;
    /** Which attempt of its delivery it was, from 1; 0 for a test event. */
    attempt: number;
    /** The events that it held. */
    events: number;
    /** When it ended: `YYYY-MM-DD hh:mm:ss`, UTC. */
    at: string;
    /** How long it took, in milliseconds. */
    durationMs: number;
    /** Whether the receiver answered with a status from 200 to 299. */
    delivered: boolean;
    /** Why it failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`. Null if it did not fail. */
    reason: string | null;
    /** The HTTP status of the answer; null if none came. */
    status: number | null;
    /**
     * The first 1,024 bytes of the answer as text. Null if they were deleted because a person of the account was
     * erased.
     */
    response: string | null;
}
export interface WebhookHealthRequest {
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookHealthAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The receivers. */
    data: HealthObject[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** How a receiver of webhooks fares. */
export interface HealthObject {
    /** The account webhook; null for status webhooks. */
    webhookId: number | null;
    /** The receiver: scheme, host and port. */
    receiver: string;
    /** The attempts in the delivery log. */
    attempts: number;
    /** Those of them that failed. */
    failed: number;
    /** When the last attempt ended: `YYYY-MM-DD hh:mm:ss`, UTC. */
    lastAt: string;
    /** The last attempt that failed; null if none did. */
    lastFailure: FailureObject | null;
}
/** The last failure of a receiver of webhooks. */
export interface FailureObject {
    /** When it ended: `YYYY-MM-DD hh:mm:ss`, UTC. */
    at: string;
    /** Why it failed, as a code: `HTTP_` and the status, or a word such as `TLS_EXPIRED`. */
    reason: string;
}
export interface WebhookResendRequest {
    /** The id of the request. */
    requestId: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookResendAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface WebhookResendFailedRequest {
    /**
     * Webhooks whose last attempt was at that time or later: `YYYY-MM-DD hh:mm:ss`, or `YYYY-MM-DD` for the beginning
     * of that day, UTC.
     */
    from: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookResendFailedAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The webhooks that are due again. */
    resent: number;
    /** Whether there may be more. */
    more: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface WebhookTestRequest {
    /** The receiver: an absolute http or https URI. This or `id`. */
    url?: string | null | undefined;
    /** The id of an account webhook. This or `url`. */
    id?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface WebhookTestAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The attempt. */
    delivery: AttemptObject;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactsMergeRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of the contact that stays. */
    winner: string;
    /** The id of the contact that is removed. */
    loser: string;
    /**
     * An absolute http or https URI without credentials. The server posts the result there when the request is
     * processed: see the webhook.
     */
    webHookUri?: string | null | undefined;
    /**
     * If true, the server stores nothing. The answer has in `results` the result that each contact would have now.
     * Waiting batches do not count.
     */
    dryRun?: boolean | null | undefined;
    /** Fields whose value is the loser's, where the loser has one. */
    fromLoser?: string[] | null | undefined;
    /** Fields that stay as the winner has them, also where it has none. */
    fromWinner?: string[] | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactsMergeAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of this request, by which request/find knows it. */
    requestId: string;
    /** Where the request was a dry run: what would become of each item. */
    results?: Results;
    /** Empty. */
    errors: string[];
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ImportReportRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The id of the import: 24 hexadecimal digits, the first 8 of them the time in seconds since 1970. */
    importId: string;
    /** The name of the file. */
    fileName: string;
    /** The bytes of the file. */
    bytes?: number | null | undefined;
    /** The rows of the file. */
    rows?: number | null | undefined;
    /** Rows that are done. */
    done?: number | null | undefined;
    /** Contacts that were created. */
    created?: number | null | undefined;
    /** Contacts that were updated. */
    updated?: number | null | undefined;
    /** Contacts that did not change. */
    unchanged?: number | null | undefined;
    /** Rows that failed. */
    failed?: number | null | undefined;
    /** Rows that left an opt-out as it is. */
    optedOut?: number | null | undefined;
    /** Warnings about rows that were imported. */
    warnings?: number | null | undefined;
    /** The requests since the last report, in the order of their rows. */
    requests?: ImportRequest[] | null | undefined;
}
export interface ImportRequest {
    /** The id of the request. */
    requestId: string;
    /** The line of its first row in the file. */
    firstLine?: number | null | undefined;
    /** The line of its last row. */
    lastLine?: number | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ImportReportAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** The id of the import. */
    importId: string;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface BlacklistRemoveRequest {
    /** The e-mail address; compared without case. */
    email: string;
    /** Only the suppression for this reason; all if it is absent. */
    rejectType?: "hard" | "complaint" | "list-unsubscribe" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface BlacklistRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface PhoneBlacklistRemoveRequest {
    /** The phone number; compared exactly. */
    phoneNumber: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface PhoneBlacklistRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactSourceUpdateRequest {
    /** The sourceId or the customerSourceId of the source. */
    source: string;
    /** Its new name. */
    name?: string | null | undefined;
    /** Your own id of it; `""` clears it. */
    customerSourceId?: string | null | undefined;
    /** The cost of a contact from it. A `value` of `""` clears it. */
    cac?: CacInput | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactSourceUpdateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactSourceRemoveRequest {
    /** The ids that contact-source/add gave. */
    ids?: string[] | null | undefined;
    /** Your own ids of sources. */
    customerSourceIds?: string[] | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactSourceRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** How many sources were removed. */
    affectedRows: number;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListVariablesRenameRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The present name of the variable. */
    name: string;
    /** Its name from now on, in lowerCamelCase: letters only, and not the name of a field of a contact. */
    newName: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListVariablesRenameAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListVariablesRemoveRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The names of variables that the list has. */
    names: string[];
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListVariablesRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListUpdateRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The new name of the list. Required, unless `optOut` is given. */
    contactListName?: string | null | undefined;
    /**
     * The effect of items on flags that were set to false. `keep`: these stay false, unless the item has
     * `resubscribe`. `allow`: an item may set them to true, with the note `RESUBSCRIBED` in its result. `account`: as
     * the account says, which is the default. Own to this server.
     */
    optOut?: "allow" | "keep" | "account" | null | undefined;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListUpdateAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
export interface ContactListRemoveRequest {
    /** The id of the list, as contact-list/create gave it. */
    contactListId: string;
    /** The list's present name, to show that it is meant. */
    confirm: string;
}
/** A success: what a method answers, around it what every answer has. */
export interface ContactListRemoveAnswer {
    /** True: the request was done, or accepted and is on disk. */
    result: boolean;
    /** Doubtful parts of the request, at most 1,000; absent without any. */
    warnings?: Warning[];
}
/** A request and what became of it, as the webhook carries it. */
export interface Report {
    /** The request's id, the `requestId` of its 200. */
    id: string;
    /** The method that was called. */
    source: string;
    /** How far it has come. */
    status: string;
    /** Where its status goes. */
    webHookUri: string | null;
    /** When it was accepted. */
    createdAt: string;
    /** The time of processing; until then the time of acceptance. */
    updatedAt: string;
    /** The result of each contact, in the order of the request; empty until it is processed. */
    results: Results;
}
/** A rejected request: nothing of it was stored, unless a code says otherwise. */
export interface Refused {
    /** False: the request was refused. */
    result: boolean;
    /** The id of this request; in answers of the `/v3/contacts/` methods. */
    requestId?: string;
    /** The errors, in words. */
    errors: string[];
    /** The same for programs: one entry for each of `errors`, in the same order. */
    details: Problem[];
}
/** Something wrong (or, in `warnings`, doubtful) in a request: one entry of `details`. */
export interface Problem {
    /**
     * The place in `contacts` (or in `variables` of contact-list/variables/add) that it is about, from 0; null for
     * the request itself.
     */
    position: number | null;
    /** The key that it is about, or null. */
    field: string | null;
    /** Its code, for programs. */
    code: string;
    /** Its text, for people: the entry of `errors`. */
    message: string;
}
/** The methods of the API. */
export declare abstract class Api {
    protected abstract call(path: string, kind: Kind, body: unknown, call: KeyedCall): Promise<unknown>;
    /** The name of the account: `account/info`. */
    accountInfo(body?: AccountInfoRequest, call?: Call): Promise<AccountInfoAnswer>;
    /** Make a list: `contact-list/create`. */
    contactListCreate(body: ContactListCreateRequest, call?: Call): Promise<ContactListCreateAnswer>;
    /** Add variables to a list: `contact-list/variables/add`. */
    contactListVariablesAdd(body: ContactListVariablesAddRequest, call?: Call): Promise<ContactListVariablesAddAnswer>;
    /** Read a list: `contact-list/get`. */
    contactListGet(body: ContactListGetRequest, call?: Call): Promise<ContactListGetAnswer>;
    /** Find lists: `contact-list/find`. */
    contactListFind(body: ContactListFindRequest, call?: Call): Promise<ContactListFindAnswer>;
    /** Register a source: `contact-source/add`. */
    contactSourceAdd(body: ContactSourceAddRequest, call?: Call): Promise<ContactSourceAddAnswer>;
    /** Read a source: `contact-source/get`. */
    contactSourceGet(body: ContactSourceGetRequest, call?: Call): Promise<ContactSourceGetAnswer>;
    /** Find sources: `contact-source/find`. */
    contactSourceFind(body: ContactSourceFindRequest, call?: Call): Promise<ContactSourceFindAnswer>;
    /** Change contacts of a list, or make them: `contacts/update`. */
    contactsUpdate(body: ContactsUpdateRequest, call?: KeyedCall): Promise<ContactsUpdateAnswer>;
    /** Make contacts of a list: `contacts/add`. */
    contactsAdd(body: ContactsAddRequest, call?: KeyedCall): Promise<ContactsAddAnswer>;
    /** Remove contacts of a list: `contacts/remove`. */
    contactsRemove(body: ContactsRemoveRequest, call?: KeyedCall): Promise<ContactsRemoveAnswer>;
    /** Read the contacts of a list, a page at a time: `contacts/find`. */
    contactsFind(body: ContactsFindRequest, call?: Call): Promise<ContactsFindAnswer>;
    /** Make a segment of a list: `segment/create`. */
    segmentCreate(body: SegmentCreateRequest, call?: Call): Promise<SegmentCreateAnswer>;
    /** Read a segment, and how many contacts are in it: `segment/get`. */
    segmentGet(body: SegmentGetRequest, call?: Call): Promise<SegmentGetAnswer>;
    /** The segments of a list, or those that a contact is in: `segment/find`. */
    segmentFind(body: SegmentFindRequest, call?: Call): Promise<SegmentFindAnswer>;
    /** Change the name or the filter of a segment: `segment/update`. */
    segmentUpdate(body: SegmentUpdateRequest, call?: Call): Promise<SegmentUpdateAnswer>;
    /** Remove a segment: `segment/remove`. */
    segmentRemove(body: SegmentRemoveRequest, call?: Call): Promise<SegmentRemoveAnswer>;
    /** Find contacts that may be one person: `contacts/duplicates`. */
    contactsDuplicates(body: ContactsDuplicatesRequest, call?: Call): Promise<ContactsDuplicatesAnswer>;
    /** Make unsubscribe links: `contacts/unsubscribe-links`. */
    contactsUnsubscribeLinks(body: ContactsUnsubscribeLinksRequest, call?: Call): Promise<ContactsUnsubscribeLinksAnswer>;
    /** Follow the changes of contacts, in order: `contacts/changes`. */
    contactsChanges(body: ContactsChangesRequest, call?: Call): Promise<ContactsChangesAnswer>;
    /** Read a contact: `contact/get`. */
    contactGet(body: ContactGetRequest, call?: Call): Promise<ContactGetAnswer>;
    /** Read up to 100 contacts by their identifiers: `contact/get-many`. */
    contactGetMany(body: ContactGetManyRequest, call?: Call): Promise<ContactGetManyAnswer>;
    /** The changes of a contact, with their times and requests: `contact/history`. */
    contactHistory(body: ContactHistoryRequest, call?: Call): Promise<ContactHistoryAnswer>;
    /** All data about one person: `contact/export`. */
    contactExport(body: ContactExportRequest, call?: Call): Promise<ContactExportAnswer>;
    /** Read the consent ledger of a contact: `consent/find`. */
    consentFind(body: ConsentFindRequest, call?: Call): Promise<ConsentFindAnswer>;
    /** How far requests have come, and their results: `request/find`. */
    requestFind(body: RequestFindRequest, call?: Call): Promise<RequestFindAnswer>;
    /** Suppress e-mail addresses: `blacklist/add`. */
    blacklistAdd(body: BlacklistAddRequest, call?: Call): Promise<BlacklistAddAnswer>;
    /** Find suppressed e-mail addresses: `blacklist/find`. */
    blacklistFind(body: BlacklistFindRequest, call?: Call): Promise<BlacklistFindAnswer>;
    /** Suppress phone numbers: `phone-blacklist/add`. */
    phoneBlacklistAdd(body: PhoneBlacklistAddRequest, call?: Call): Promise<PhoneBlacklistAddAnswer>;
    /** Find a suppressed phone number: `phone-blacklist/find`. */
    phoneBlacklistFind(body: PhoneBlacklistFindRequest, call?: Call): Promise<PhoneBlacklistFindAnswer>;
    /** Read all suppressions, a page at a time: `suppression/list`. */
    suppressionList(body: SuppressionListRequest, call?: Call): Promise<SuppressionListAnswer>;
    /** Put back what a request changed: `request/undo`. */
    requestUndo(body: RequestUndoRequest, call?: KeyedCall): Promise<RequestUndoAnswer>;
    /** Erase a person from all lists: `contact/erase`. */
    contactErase(body: ContactEraseRequest, call?: KeyedCall): Promise<ContactEraseAnswer>;
    /** Requests by state, list and time: `request/list`. */
    requestList(body: RequestListRequest, call?: Call): Promise<RequestListAnswer>;
    /** Rejected requests by hour, token and code: `request/rejected`. */
    requestRejected(body: RequestRejectedRequest, call?: Call): Promise<RequestRejectedAnswer>;
    /** Make an account webhook: `webhook/create`. */
    webhookCreate(body: WebhookCreateRequest, call?: Call): Promise<WebhookCreateAnswer>;
    /** The account webhooks: `webhook/list`. */
    webhookList(body?: WebhookListRequest, call?: Call): Promise<WebhookListAnswer>;
    /** Let a paused webhook continue: `webhook/resume`. */
    webhookResume(body: WebhookResumeRequest, call?: Call): Promise<WebhookResumeAnswer>;
    /** Remove an account webhook: `webhook/remove`. */
    webhookRemove(body: WebhookRemoveRequest, call?: Call): Promise<WebhookRemoveAnswer>;
    /** Attempts to send webhooks: `webhook/deliveries`. */
    webhookDeliveries(body: WebhookDeliveriesRequest, call?: Call): Promise<WebhookDeliveriesAnswer>;
    /** How the receivers of webhooks fare: `webhook/health`. */
    webhookHealth(body?: WebhookHealthRequest, call?: Call): Promise<WebhookHealthAnswer>;
    /** Send the status webhook of a request again: `webhook/resend`. */
    webhookResend(body: WebhookResendRequest, call?: Call): Promise<WebhookResendAnswer>;
    /** Send status webhooks again that were given up: `webhook/resend-failed`. */
    webhookResendFailed(body: WebhookResendFailedRequest, call?: Call): Promise<WebhookResendFailedAnswer>;
    /** Send a test event: `webhook/test`. */
    webhookTest(body: WebhookTestRequest, call?: Call): Promise<WebhookTestAnswer>;
    /** Merge two contacts of a list: `contacts/merge`. */
    contactsMerge(body: ContactsMergeRequest, call?: KeyedCall): Promise<ContactsMergeAnswer>;
    /** Record an import that a client runs: `import/report`. */
    importReport(body: ImportReportRequest, call?: Call): Promise<ImportReportAnswer>;
    /** Remove an e-mail address from suppression: `blacklist/remove`. */
    blacklistRemove(body: BlacklistRemoveRequest, call?: Call): Promise<BlacklistRemoveAnswer>;
    /** Remove a phone number from suppression: `phone-blacklist/remove`. */
    phoneBlacklistRemove(body: PhoneBlacklistRemoveRequest, call?: Call): Promise<PhoneBlacklistRemoveAnswer>;
    /** Change a source: `contact-source/update`. */
    contactSourceUpdate(body: ContactSourceUpdateRequest, call?: Call): Promise<ContactSourceUpdateAnswer>;
    /** Remove sources: `contact-source/remove`. */
    contactSourceRemove(body: ContactSourceRemoveRequest, call?: Call): Promise<ContactSourceRemoveAnswer>;
    /** Give a variable another name: `contact-list/variables/rename`. */
    contactListVariablesRename(body: ContactListVariablesRenameRequest, call?: Call): Promise<ContactListVariablesRenameAnswer>;
    /** Remove variables of a list with their values: `contact-list/variables/remove`. */
    contactListVariablesRemove(body: ContactListVariablesRemoveRequest, call?: Call): Promise<ContactListVariablesRemoveAnswer>;
    /** Change the name or the rules of a list: `contact-list/update`. */
    contactListUpdate(body: ContactListUpdateRequest, call?: Call): Promise<ContactListUpdateAnswer>;
    /** Remove a list with its contacts: `contact-list/remove`. */
    contactListRemove(body: ContactListRemoveRequest, call?: Call): Promise<ContactListRemoveAnswer>;
}
