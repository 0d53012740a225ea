"""The client that openapi-python-client makes, as the package `rollbook_client`."""

import os

from rollbook_client import AuthenticatedClient
from rollbook_client.api.contact import contact_get
from rollbook_client.api.contacts import contacts_update
from rollbook_client.models import (
    CacInput,
    CacInputCurrency,
    ContactGetRequest,
    ContactInput,
    ContactsUpdateRequest,
    VariableInput,
)

client = AuthenticatedClient(
    base_url=os.environ["URL"], token=os.environ["TOKEN"], prefix="", auth_header_name="Access-Token"
)


def update(**contact):
    body = ContactsUpdateRequest(
        contact_list_id=os.environ["LIST"], upsert=True, contacts=[ContactInput(**contact)]
    )
    return contacts_update.sync(client=client, body=body)


example = update(
    contact="+15555555",
    name="John Doe",
    email="user@example.com",
    phone_number="+15555555",
    user_id="myUserId",
    active=True,
    email_subscribe=True,
    sms_subscribe=True,
    desktop_web_push_subscribe=True,
    mobile_web_push_subscribe=True,
    telegram_subscribe=True,
    viber_subscribe=True,
    first_name="John",
    last_name="Doe",
    contact_birthday="1990-01-01",
    contact_language="en",
    contact_gender=2,
    contact_timezone="Europe/Tallinn",
    contact_score=100,
    avatar_link="img.example.com/g/06c38b4568.jpg",
    facebook_link="facebook.com/example.com",
    instagram_link="instagram.com/example",
    linked_in_link="linkedin.com/company/example",
    twitter_link="twitter.com/example",
    tiktok_link="tiktok.com/example",
    source_id=os.environ["SOURCE"],
    customer_source_id="Customer_Source_ID_From_Your_Platform",
    cac=CacInput(value="2.05", currency=CacInputCurrency.USD),
    variables=[VariableInput(name="newVariableName", value="newVariableValue")],
)
print("example", example.request_id)

refused = update(contact="x", email="no address")
print("refused", refused.details[0].code, refused.details[0].position)

print("one", update(contact="myUserId", first_name="Jo").request_id)
print("clear", update(contact="myUserId", cac=CacInput(value="", currency=CacInputCurrency.USD)).request_id)

later = update(contact="later")
print("later", later.request_id, later.warnings[0].code)

body = ContactGetRequest(contact_list_id=os.environ["LIST"], user_id="later")
contact = contact_get.sync(client=client, body=body).contact
print("read", contact.user_id, contact.cac.currency)
