// The client that OpenAPI Generator makes for Go.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/example/rollbook"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func text(value string) rollbook.NullableString { return *rollbook.NewNullableString(&value) }

func flag(value bool) rollbook.NullableBool { return *rollbook.NewNullableBool(&value) }

func main() {
	list, source := os.Getenv("LIST"), os.Getenv("SOURCE")
	configuration := rollbook.NewConfiguration()
	configuration.Servers = rollbook.ServerConfigurations{{URL: os.Getenv("URL")}}
	client := rollbook.NewAPIClient(configuration)
	keys := map[string]rollbook.APIKey{"Access-Token": {Key: os.Getenv("TOKEN")}}
	ctx := context.WithValue(context.Background(), rollbook.ContextAPIKeys, keys)
	update := func(contact rollbook.ContactInput) (*rollbook.ContactsUpdateAnswer, error) {
		body := rollbook.NewContactsUpdateRequest(list, []rollbook.ContactInput{contact})
		body.Upsert = flag(true)
		answer, _, err := client.ContactsAPI.ContactsUpdate(ctx).ContactsUpdateRequest(*body).Execute()
		return answer, err
	}

	cost := rollbook.NewCacInput("2.05", "USD")
	example := must(update(rollbook.ContactInput{
		Contact: "+15555555", Name: text("John Doe"), Email: text("user@example.com"), PhoneNumber: text("+15555555"),
		UserId: text("myUserId"), Active: flag(true), EmailSubscribe: flag(true), SmsSubscribe: flag(true),
		DesktopWebPushSubscribe: flag(true), MobileWebPushSubscribe: flag(true), TelegramSubscribe: flag(true),
		ViberSubscribe: flag(true), FirstName: text("John"), LastName: text("Doe"), ContactBirthday: text("1990-01-01"),
		ContactLanguage: text("en"), ContactGender: 2, ContactTimezone: text("Europe/Tallinn"), ContactScore: 100,
		AvatarLink: text("img.example.com/g/06c38b4568.jpg"), FacebookLink: text("facebook.com/example.com"),
		InstagramLink: text("instagram.com/example"), LinkedInLink: text("linkedin.com/company/example"),
		TwitterLink: text("twitter.com/example"), TiktokLink: text("tiktok.com/example"), SourceId: text(source),
		CustomerSourceId: text("Customer_Source_ID_From_Your_Platform"), Cac: *rollbook.NewNullableCacInput(cost),
		Variables: []rollbook.VariableInput{*rollbook.NewVariableInput("newVariableName", "newVariableValue")},
	}))
	fmt.Println("example", example.RequestId)

	_, err := update(rollbook.ContactInput{Contact: "x", Email: text("no address")})
	refused := err.(*rollbook.GenericOpenAPIError).Model().(rollbook.Refused)
	fmt.Println("refused", refused.Details[0].Code, *refused.Details[0].Position.Get())

	fmt.Println("one", must(update(rollbook.ContactInput{Contact: "myUserId", FirstName: text("Jo")})).RequestId)

	cost = rollbook.NewCacInput("", "USD")
	cleared := must(update(rollbook.ContactInput{Contact: "myUserId", Cac: *rollbook.NewNullableCacInput(cost)}))
	fmt.Println("clear", cleared.RequestId)

	later := must(update(rollbook.ContactInput{Contact: "later"}))
	fmt.Println("later", later.RequestId, later.Warnings[0].Code)

	body := rollbook.NewContactGetRequest(list)
	body.UserId = text("later")
	read, _, err := client.ContactAPI.ContactGet(ctx).ContactGetRequest(*body).Execute()
	contact := must(read, err).Contact.Get()
	fmt.Println("read", *contact.UserId.Get(), contact.Cac.Get().Currency)
}
