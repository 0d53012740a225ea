<?php
// The client that OpenAPI Generator makes for PHP. Arguments: the directory of the client.

use OpenAPI\Client\Api\ContactApi;
use OpenAPI\Client\Api\ContactsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\CacInput;
use OpenAPI\Client\Model\ContactGetRequest;
use OpenAPI\Client\Model\ContactInput;
use OpenAPI\Client\Model\ContactsUpdateAnswer;
use OpenAPI\Client\Model\ContactsUpdateRequest;
use OpenAPI\Client\Model\VariableInput;

// A deprecation of the generated code is no fault of the description.
error_reporting(E_ALL & ~E_DEPRECATED);
require 'GuzzleHttp/autoload.php';
spl_autoload_register(function ($class) use ($argv) {
    if (str_starts_with($class, 'OpenAPI\\Client\\')) {
        require $argv[1] . '/lib/' . str_replace('\\', '/', substr($class, 15)) . '.php';
    }
});

$configuration = (new Configuration())->setHost(getenv('URL'))->setApiKey('Access-Token', getenv('TOKEN'));
$contacts = new ContactsApi(null, $configuration);

function update(array $contact): ContactsUpdateAnswer
{
    global $contacts;
    $body = ['contact_list_id' => getenv('LIST'), 'upsert' => true, 'contacts' => [new ContactInput($contact)]];
    return $contacts->contactsUpdate(new ContactsUpdateRequest($body));
}

$example = update([
    'contact' => '+15555555', 'name' => 'John Doe', 'email' => 'user@example.com', 'phone_number' => '+15555555',
    'user_id' => 'myUserId', 'active' => true, 'email_subscribe' => true, 'sms_subscribe' => true,
    'desktop_web_push_subscribe' => true, 'mobile_web_push_subscribe' => true, 'telegram_subscribe' => true,
    'viber_subscribe' => true, 'first_name' => 'John', 'last_name' => 'Doe', 'contact_birthday' => '1990-01-01',
    'contact_language' => 'en', 'contact_gender' => 2, 'contact_timezone' => 'Europe/Tallinn', 'contact_score' => 100,
    'avatar_link' => 'img.example.com/g/06c38b4568.jpg', 'facebook_link' => 'facebook.com/example.com',
    'instagram_link' => 'instagram.com/example', 'linked_in_link' => 'linkedin.com/company/example',
    'twitter_link' => 'twitter.com/example', 'tiktok_link' => 'tiktok.com/example', 'source_id' => getenv('SOURCE'),
    'customer_source_id' => 'Customer_Source_ID_From_Your_Platform',
    'cac' => new CacInput(['value' => '2.05', 'currency' => 'USD']),
    'variables' => [new VariableInput(['name' => 'newVariableName', 'value' => 'newVariableValue'])],
]);
echo 'example ', $example->getRequestId(), PHP_EOL;

try {
    update(['contact' => 'x', 'email' => 'no address']);
} catch (ApiException $error) {
    $problem = $error->getResponseObject()->getDetails()[0];
    echo 'refused ', $problem->getCode(), ' ', $problem->getPosition(), PHP_EOL;
}

echo 'one ', update(['contact' => 'myUserId', 'first_name' => 'Jo'])->getRequestId(), PHP_EOL;

$cost = new CacInput(['value' => '', 'currency' => 'USD']);
echo 'clear ', update(['contact' => 'myUserId', 'cac' => $cost])->getRequestId(), PHP_EOL;

$later = update(['contact' => 'later']);
echo 'later ', $later->getRequestId(), ' ', $later->getWarnings()[0]->getCode(), PHP_EOL;

$body = new ContactGetRequest(['contact_list_id' => getenv('LIST'), 'user_id' => 'later']);
$contact = (new ContactApi(null, $configuration))->contactGet($body)->getContact();
echo 'read ', $contact->getUserId(), ' ', $contact->getCac()->getCurrency(), PHP_EOL;
