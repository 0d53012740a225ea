<?php

// Runs the scenarios with the PHP client.

declare(strict_types=1);

require __DIR__ . '/vendor/autoload.php';

use Rollbook\Api\ContactGetRequest;
use Rollbook\Api\ContactInput;
use Rollbook\Api\ContactListCreateRequest;
use Rollbook\Api\ContactsChangesRequest;
use Rollbook\Api\ContactsFindRequest;
use Rollbook\Api\ContactsUpdateRequest;
use Rollbook\Api\ContactToAdd;
use Rollbook\Api\ContactsUpdateAnswer;
use Rollbook\Api\VariableInput;
use Rollbook\Batch;
use Rollbook\Client;
use Rollbook\RollbookException;

set_error_handler(static fn (int $level, string $text) => throw new ErrorException($text, 0, $level));

$given = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);
$list = $given['list'];

function client(string $name, float $retryFor = 60, ?string $token = null): Client
{
    global $given;
    return new Client($given['urls'][$name], $token ?? $given['token'], retryFor: $retryFor);
}

function scenario(string $name, Closure $work): void
{
    try {
        $seen = $work();
    } catch (RollbookException $error) {
        $kind = preg_replace('/Exception$/', '', (new ReflectionClass($error))->getShortName());
        $seen = ['error' => $kind, 'code' => $error->problemCode(), 'status' => $error->status];
        if ($name === 'invalid') {
            $positions = array_map(static fn ($problem) => $problem->position, $error->problems);
            $seen += ['first' => $error->first, 'accepted' => count($error->accepted), 'positions' => $positions];
            $seen['message'] = $error->getMessage();
        }
        if ($name === 'gives up: cut') {
            $seen['key'] = $error->idempotencyKey !== null;
        }
    }
    echo json_encode(['scenario' => $name] + $seen, JSON_THROW_ON_ERROR), PHP_EOL;
}

function people(string $prefix, int $count): Generator
{
    for ($number = 0; $number < $count; $number++) {
        yield new ContactInput("$prefix$number", name: 'x');
    }
}

// As arrays: the helpers take both.
function large(): Generator
{
    for ($number = 0; $number < 95; $number++) {
        $value = str_repeat('x', $number > 0 ? 10_000 : 1);
        yield ['contact' => "large$number", 'variables' => [['name' => 'plan', 'value' => $value]]];
    }
}

function add(string $name, float $retryFor = 60): array
{
    global $list;
    $sent = client($name, $retryFor)->addContacts($list, [new ContactToAdd(userId: "add $name")]);
    return ['ok' => count($sent) === 1];
}

function write(string $name): array
{
    $api = client($name);
    $api->accountInfo();
    return ['ok' => $api->contactListCreate(new ContactListCreateRequest("php $name"))->result];
}

$counts = static fn (array $sent): array => array_map(static fn (Batch $batch) => $batch->count, $sent);

scenario('batches', static function () use ($list, $counts): array {
    $api = client('batches');
    $sent = $api->updateContacts($list, people('batch', 250), upsert: true);
    $created = count($api->waitFor(end($sent)->requestId)->results->success);
    $firsts = array_map(static fn (Batch $batch) => $batch->first, $sent);
    return ['counts' => $counts($sent), 'firsts' => $firsts, 'created' => $created];
});
scenario('large', static fn (): array =>
    ['counts' => $counts(client('large')->updateContacts($list, large(), upsert: true))]);
scenario('same key', static function () use ($list): array {
    $api = client('same key');
    $send = static fn (): array => $api->updateContacts($list, people('same', 150), upsert: true, key: 'import-php');
    return ['same' => $send() == $send()];
});
foreach (['busy', 'page', 'cut before', 'cut after', 'cut within', 'outcome unknown', 'gateway', 'not ours', 'moved'] as $name) {
    scenario($name, static fn (): array => add($name));
}
foreach (['write cut', 'write page', 'write unknown', 'write not saved', 'write busy'] as $name) {
    scenario($name, static fn (): array => write($name));
}
scenario('read cut', static fn (): array => ['ok' => client('read cut')->accountInfo()->result]);
scenario('expired', static fn (): array =>
    (array) client('expired')->follow(new ContactsChangesRequest(after: 'x'))->current());
scenario('invalid', static function () use ($list): array {
    $wrong = iterator_to_array(people('invalid', 150));
    $wrong[120]->email = $wrong[130]->email = 'ann';
    return client('invalid')->updateContacts($list, $wrong, upsert: true);
});
scenario('unauthorized', static fn (): array => (array) client('unauthorized', token: 'none')->accountInfo());
foreach (['gives up: not saved', 'gives up: busy', 'gives up: cut'] as $name) {
    scenario($name, static fn (): array => add($name, 1.2));
}
scenario('gives up: read', static fn (): array => (array) client('gives up: read', 1.2)->accountInfo());
scenario('unreachable', static fn (): array => add('unreachable', 0));
scenario('wait', static function () use ($list): array {
    $api = client('wait');
    $sent = $api->updateContacts($list, people('wait', 1), upsert: true);
    return (array) $api->waitFor($sent[0]->requestId, 0.3);
});
scenario('unknown request', static fn (): array => (array) client('unknown request')->waitFor(str_repeat('0', 24)));
scenario('members', static function () use ($list): array {
    $api = client('members');
    $update = static fn (ContactInput $contact): ContactsUpdateAnswer =>
        $api->contactsUpdate(new ContactsUpdateRequest($list, [$contact], upsert: true));
    $gold = [new VariableInput('plan', 'gold')];
    $update(new ContactInput('member', firstName: 'Jo', contactScore: 7, variables: $gold));
    $update(new ContactInput('member', variables: [new VariableInput('plan', '')]));
    $api->waitFor($update(new ContactInput('member', lastName: 'Doe'))->requestId);
    $contact = $api->contactGet(new ContactGetRequest($list, userId: 'member'))->contact;
    $variables = array_map(static fn ($variable) => $variable->value, $contact->variables);
    return ['firstName' => $contact->firstName, 'score' => $contact->contactScore, 'variables' => $variables];
});
scenario('unknown cursor', static function () use ($list): array {
    $api = client('unknown cursor');
    $cursor = $api->contactsChanges(new ContactsChangesRequest())->next;
    return (array) $api->follow(new ContactsChangesRequest(contactListId: $list, after: $cursor))->current();
});
scenario('find', static function () use ($list): array {
    $pages = iterator_to_array(client('find')->findContacts(new ContactsFindRequest($list, limit: 250)), false);
    $contacts = array_sum(array_map(static fn ($page) => count($page->data), $pages));
    return ['contacts' => $contacts, 'cursors' => count(array_filter($pages, static fn ($page) => $page->cursor !== null))];
});
scenario('follow', static function () use ($list): array {
    $api = client('follow');
    $after = $api->findContacts(new ContactsFindRequest($list, limit: 1))->current()->cursor;
    foreach ([new ContactInput('followed', firstName: 'Jo'), new ContactInput('followed', lastName: 'Doe')] as $contact) {
        $api->contactsUpdate(new ContactsUpdateRequest($list, [$contact], upsert: true));
    }
    $changes = [];
    $asked = new ContactsChangesRequest(contactListId: $list, after: $after, include: 'changes', limit: 1);
    foreach ($api->follow($asked) as $page) {
        array_push($changes, ...$page->changes);
        if (count($changes) === 2) {
            break;
        }
    }
    $fields = static fn ($change) => $change->action === 'updated' ? array_keys($change->fields) : null;
    return [
        'actions' => array_map(static fn ($change) => $change->action, $changes),
        'fields' => array_map($fields, $changes),
        'cursors' => count(array_unique(array_map(static fn ($change) => $change->cursor, $changes))),
    ];
});
scenario('later', static function () use ($list): array {
    $contact = client('later')->contactGet(['contactListId' => $list, 'userId' => 'member'])->contact;
    return ['name' => $contact->firstName, 'cac' => $contact->cac];
});
