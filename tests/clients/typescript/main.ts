// The types that openapi-typescript makes, with openapi-fetch, under `strict`.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type ContactInput = components["schemas"]["ContactInput"];

const env = (name: string): string => process.env[name] ?? "";
const client = createClient<paths>({ baseUrl: env("URL"), headers: { "Access-Token": env("TOKEN") } });

const update = (contact: ContactInput) =>
  client.POST("/v3/contacts/update", { body: { contactListId: env("LIST"), upsert: true, contacts: [contact] } });

async function accepted(contact: ContactInput): Promise<components["schemas"]["ContactsUpdateAnswer"]> {
  const { data, error } = await update(contact);
  if (data === undefined) {
    throw new Error(error.errors.join("\n"));
  }
  return data;
}

const example = await accepted({
  contact: "+15555555",
  name: "John Doe",
  email: "user@example.com",
  phoneNumber: "+15555555",
  userId: "myUserId",
  active: true,
  emailSubscribe: true,
  smsSubscribe: true,
  desktopWebPushSubscribe: true,
  mobileWebPushSubscribe: true,
  telegramSubscribe: true,
  viberSubscribe: true,
  firstName: "John",
  lastName: "Doe",
  contactBirthday: "1990-01-01",
  contactLanguage: "en",
  contactGender: 2,
  contactTimezone: "Europe/Tallinn",
  contactScore: 100,
  avatarLink: "img.example.com/g/06c38b4568.jpg",
  facebookLink: "facebook.com/example.com",
  instagramLink: "instagram.com/example",
  linkedInLink: "linkedin.com/company/example",
  twitterLink: "twitter.com/example",
  tiktokLink: "tiktok.com/example",
  sourceId: env("SOURCE"),
  customerSourceId: "Customer_Source_ID_From_Your_Platform",
  cac: { value: "2.05", currency: "USD" },
  variables: [{ name: "newVariableName", value: "newVariableValue" }],
});
console.log("example", example.requestId);

const { error } = await update({ contact: "x", email: "no address" });
const problem = error?.details[0];
console.log("refused", problem?.code, problem?.position);

console.log("one", (await accepted({ contact: "myUserId", firstName: "Jo" })).requestId);

const cleared = await accepted({ contact: "myUserId", cac: { value: "", currency: "USD" } });
console.log("clear", cleared.requestId);

const later = await accepted({ contact: "later" });
console.log("later", later.requestId, later.warnings?.[0]?.code);

const read = await client.POST("/v3/contact/get", { body: { contactListId: env("LIST"), userId: "later" } });
console.log("read", read.data?.contact?.userId, read.data?.contact?.cac?.currency);
