// The client that oapi-codegen makes, in the package api beside this file.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"clients/api"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func pointer[T any](value T) *T { return &value }

func main() {
	list, source := os.Getenv("LIST"), os.Getenv("SOURCE")
	withToken := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Access-Token", os.Getenv("TOKEN"))
		return nil
	}
	client := must(api.NewClientWithResponses(os.Getenv("URL"), api.WithRequestEditorFn(withToken)))
	update := func(contact api.ContactInput) *api.ContactsUpdateResponse {
		body := api.ContactsUpdateRequest{ContactListId: list, Upsert: pointer(true), Contacts: []api.ContactInput{contact}}
		return must(client.ContactsUpdateWithResponse(context.Background(), nil, body))
	}

	example := update(api.ContactInput{
		Contact: "+15555555", Name: pointer("John Doe"), Email: pointer("user@example.com"),
		PhoneNumber: pointer("+15555555"), UserId: pointer("myUserId"), Active: pointer(true),
		EmailSubscribe: pointer(true), SmsSubscribe: pointer(true), DesktopWebPushSubscribe: pointer(true),
		MobileWebPushSubscribe: pointer(true), TelegramSubscribe: pointer(true), ViberSubscribe: pointer(true),
		FirstName: pointer("John"), LastName: pointer("Doe"), ContactBirthday: pointer("1990-01-01"),
		ContactLanguage: pointer("en"), ContactGender: 2, ContactTimezone: pointer("Europe/Tallinn"), ContactScore: 100,
		AvatarLink: pointer("img.example.com/g/06c38b4568.jpg"), FacebookLink: pointer("facebook.com/example.com"),
		InstagramLink: pointer("instagram.com/example"), LinkedInLink: pointer("linkedin.com/company/example"),
		TwitterLink: pointer("twitter.com/example"), TiktokLink: pointer("tiktok.com/example"),
		SourceId: pointer(source), CustomerSourceId: pointer("Customer_Source_ID_From_Your_Platform"),
		Cac:       &api.CacInput{Value: "2.05", Currency: api.USD},
		Variables: &[]api.VariableInput{{Name: "newVariableName", Value: "newVariableValue"}},
	})
	fmt.Println("example", example.JSON200.RequestId)

	refused := update(api.ContactInput{Contact: "x", Email: pointer("no address")})
	fmt.Println("refused", refused.JSON400.Details[0].Code, *refused.JSON400.Details[0].Position)

	fmt.Println("one", update(api.ContactInput{Contact: "myUserId", FirstName: pointer("Jo")}).JSON200.RequestId)

	cost := api.CacInput{Value: "", Currency: api.USD}
	fmt.Println("clear", update(api.ContactInput{Contact: "myUserId", Cac: &cost}).JSON200.RequestId)

	later := update(api.ContactInput{Contact: "later"})
	fmt.Println("later", later.JSON200.RequestId, (*later.JSON200.Warnings)[0].Code)

	body := api.ContactGetRequest{ContactListId: list, UserId: pointer("later")}
	read := must(client.ContactGetWithResponse(context.Background(), body))
	fmt.Println("read", *read.JSON200.Contact.UserId, read.JSON200.Contact.Cac.Currency)
}
