import java.util.List;
import org.openapitools.client.model.*;

/** The contact of the page's example, its cost left out. */
class Example {
    static ContactInput contact() {
        var variable = new VariableInput().name("newVariableName").value("newVariableValue");
        return new ContactInput().contact("+15555555").name("John Doe").email("user@example.com")
            .phoneNumber("+15555555").userId("myUserId").active(true).emailSubscribe(true).smsSubscribe(true)
            .desktopWebPushSubscribe(true).mobileWebPushSubscribe(true).telegramSubscribe(true).viberSubscribe(true)
            .firstName("John").lastName("Doe").contactBirthday("1990-01-01").contactLanguage("en").contactGender(2)
            .contactTimezone("Europe/Tallinn").contactScore(100).avatarLink("img.example.com/g/06c38b4568.jpg")
            .facebookLink("facebook.com/example.com").instagramLink("instagram.com/example")
            .linkedInLink("linkedin.com/company/example").twitterLink("twitter.com/example")
            .tiktokLink("tiktok.com/example").sourceId(System.getenv("SOURCE"))
            .customerSourceId("Customer_Source_ID_From_Your_Platform").variables(List.of(variable));
    }
}
