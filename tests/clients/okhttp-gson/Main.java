import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.JSON;
import org.openapitools.client.api.ContactApi;
import org.openapitools.client.api.ContactsApi;
import org.openapitools.client.model.*;

/** The client that OpenAPI Generator makes for Java by default. */
public class Main {
    static ContactsApi contacts;

    static ContactsUpdateAnswer update(ContactInput contact) throws ApiException {
        var body = new ContactsUpdateRequest().contactListId(System.getenv("LIST")).upsert(true);
        return contacts.contactsUpdate(body.contacts(List.of(contact)), null);
    }

    public static void main(String[] arguments) throws ApiException {
        var client = new ApiClient();
        client.setBasePath(System.getenv("URL"));
        client.setApiKey(System.getenv("TOKEN"));
        contacts = new ContactsApi(client);

        var usd = CacInput.CurrencyEnum.USD;
        var example = update(Example.contact().cac(new CacInput().value("2.05").currency(usd)));
        System.out.println("example " + example.getRequestId());

        try {
            update(new ContactInput().contact("x").email("no address"));
        } catch (ApiException error) {
            Refused refused = JSON.deserialize(error.getResponseBody(), Refused.class);
            var problem = refused.getDetails().get(0);
            System.out.println("refused " + problem.getCode() + " " + problem.getPosition());
        }

        System.out.println("one " + update(new ContactInput().contact("myUserId").firstName("Jo")).getRequestId());

        var cost = new CacInput().value("").currency(usd);
        System.out.println("clear " + update(new ContactInput().contact("myUserId").cac(cost)).getRequestId());

        var later = update(new ContactInput().contact("later"));
        System.out.println("later " + later.getRequestId() + " " + later.getWarnings().get(0).getCode());

        var body = new ContactGetRequest().contactListId(System.getenv("LIST")).userId("later");
        var contact = new ContactApi(client).contactGet(body).getContact();
        System.out.println("read " + contact.getUserId() + " " + contact.getCac().getCurrency());
    }
}
