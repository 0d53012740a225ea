<?php

declare(strict_types=1);

namespace Rollbook;

use Rollbook\Api\Api;
use Rollbook\Api\Problem;

/** Sends requests, and repeats those that may be repeated. */
abstract class Transport extends Api
{
    /** Codes of a 503 that promise that nothing was done. */
    private const NOTHING_DONE = ['BACKLOG_FULL', 'NOT_SAVED', 'STORE_UNAVAILABLE'];
    private const KINDS = [
        400 => ValidationException::class,
        401 => UnauthorizedException::class,
        403 => UnauthorizedException::class,
        410 => CursorExpiredException::class,
        413 => ValidationException::class,
    ];
    private const FLAGS = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;

    private readonly string $url;
    private readonly \CurlHandle $curl;

    /**
     * @param string $url The address of the server, such as `https://contacts.example.com`.
     * @param float $timeout Seconds for one attempt.
     * @param float $retryFor Seconds from the first attempt in which a call is repeated.
     * @param array<int, mixed> $curlOptions Further options of curl, such as CURLOPT_CAINFO or CURLOPT_PROXY.
     */
    public function __construct(
        string $url,
        private readonly string $token,
        private readonly float $timeout = 30,
        private readonly float $retryFor = 60,
        private readonly array $curlOptions = [],
    ) {
        $url = \rtrim($url, '/');
        $this->url = (\str_ends_with($url, '/v3') ? $url : "$url/v3") . '/';
        $this->curl = \curl_init();
    }

    protected function call(string $path, string $kind, object|array $body, ?string $key = null): array
    {
        $sent = \json_encode($body === [] ? (object) [] : $body, self::FLAGS);
        $key = $kind === 'keyed' ? $key ?? \bin2hex(\random_bytes(16)) : null;
        // An answer that the server holds back has that much more time.
        $timeout = $this->timeout + (((array) $body)['waitSeconds'] ?? 0);
        $end = \microtime(true) + $this->retryFor;
        $unknown = false;
        for ($attempts = 0;; $attempts++) {
            $answer = $this->attempt($path, $kind, $sent, $key, $timeout);
            if (\is_array($answer)) {
                return $answer;
            }
            $unknown = $unknown || $answer->unknown;
            $pause = \max($answer->after, self::backOff($attempts));
            $again = $answer->again && ($kind !== 'write' || !$answer->unknown);
            if (!$again || \microtime(true) + $pause > $end) {
                // With the same key and body, a request that was accepted is never invalid later.
                $certain = !$unknown || $kind === 'read' || $answer->error instanceof ValidationException;
                throw $certain ? $answer->error : self::asUnknown($answer->error);
            }
            \usleep((int) ($pause * 1e6));
        }
    }

    /** @return array<string, mixed>|Attempt */
    private function attempt(string $path, string $kind, string $sent, ?string $key, float $timeout): array|Attempt
    {
        $headers = ["Access-Token: $this->token", 'Content-Type: application/json', 'Expect:'];
        if ($key !== null) {
            $headers[] = "Idempotency-Key: $key";
        }
        $retryAfter = '';
        \curl_reset($this->curl);
        \curl_setopt_array($this->curl, $this->curlOptions + [
            CURLOPT_URL => $this->url . $path,
            CURLOPT_POSTFIELDS => $sent,
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_ENCODING => '',
            CURLOPT_TIMEOUT_MS => (int) ($timeout * 1000),
            CURLOPT_CONNECTTIMEOUT_MS => (int) (\min(10, $timeout) * 1000),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            // On a connection that was used before, curl itself sends a request again if the connection breaks.
            CURLOPT_FRESH_CONNECT => $kind === 'write',
            CURLOPT_HEADERFUNCTION => static function ($curl, string $line) use (&$retryAfter): int {
                if (\preg_match('/^Retry-After:\s*(\d{1,6})\s*$/i', $line, $found) === 1) {
                    $retryAfter = $found[1];
                }
                return \strlen($line);
            },
        ]);
        $text = \curl_exec($this->curl);
        if (!\is_string($text)) {
            return $this->broken($key);
        }
        return self::judge((int) \curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), (int) $retryAfter, $text, $key);
    }

    private function broken(?string $key): Attempt
    {
        $number = \curl_errno($this->curl);
        $before = [CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR];
        // A time-out before there was a connection leaves its time at zero.
        $waited = $number === CURLE_OPERATION_TIMEDOUT && \curl_getinfo($this->curl, CURLINFO_PRETRANSFER_TIME) == 0;
        $untrusted = $number === CURLE_SSL_PEER_CERTIFICATE;
        $unknown = !$waited && !$untrusted && !\in_array($number, $before, true);
        $message = match (true) {
            $untrusted => 'the certificate of the server is not trusted',
            $unknown => 'the connection broke before the answer',
            default => 'the server cannot be reached',
        };
        $error = new UnavailableException($message, null, [], null, $key, new \RuntimeException(\curl_error($this->curl)));
        return new Attempt($error, $unknown, !$untrusted, 0);
    }

    /** @return array<string, mixed>|Attempt */
    private static function judge(int $status, int $after, string $text, ?string $key): array|Attempt
    {
        $body = \json_decode($text, true);
        // Every answer of the server has a `result`; a proxy's may be JSON too.
        $isOurs = \is_array($body) && isset($body['result']);
        $body = $isOurs ? $body : [];
        if ($status === 200 && $isOurs) {
            return $body;
        }
        $problems = \array_map(Problem::from(...), $body['details'] ?? []);
        $error = static fn (string $kind): RollbookException =>
            new $kind(self::message($status, $problems), $status, $problems, $body['requestId'] ?? null, $key);
        if ($status >= 300 && $status < 400) {
            $message = 'the server redirects to another address: use that address';
            return new Attempt(new RollbookException($message, $status, [], null, $key), false, false, 0);
        }
        if ($status === 408 || $status === 429) {
            $kind = $status === 429 ? TooManyRequestsException::class : UnavailableException::class;
            return new Attempt($error($kind), false, true, $after);
        }
        if ($status === 503 && $isOurs) {
            $unknown = !\in_array($problems[0]->code ?? '', self::NOTHING_DONE, true);
            return new Attempt($error(UnavailableException::class), $unknown, true, $after);
        }
        // The answer of a proxy, or a part of an answer: it does not tell what the server did.
        if (!$isOurs && \in_array($status, [200, 502, 503, 504], true)) {
            return new Attempt($error(UnavailableException::class), true, true, $after);
        }
        $kind = self::KINDS[$status] ?? RollbookException::class;
        if (($problems[0]->code ?? '') === 'CURSOR_UNKNOWN') {
            $kind = CursorExpiredException::class;
        }
        return new Attempt($error($kind), $status >= 500, false, 0);
    }

    /**
     * Codes, fields and positions, but no values.
     *
     * @param list<Problem> $problems
     */
    private static function message(int $status, array $problems): string
    {
        $shown = \array_map(static function (Problem $problem): string {
            $place = $problem->field === null ? '' : " in $problem->field";
            return $problem->code . $place . ($problem->position === null ? '' : " at position $problem->position");
        }, \array_slice($problems, 0, 3));
        $rest = \count($problems) > 3 ? ', and ' . (\count($problems) - 3) . ' more' : '';
        return "$status: " . (\implode(', ', $shown) ?: 'not an answer of Rollbook') . $rest;
    }

    private static function asUnknown(RollbookException $error): OutcomeUnknownException
    {
        $message = "the server may have accepted the request ({$error->getMessage()})";
        $previous = $error->getPrevious() ?? $error;
        return new OutcomeUnknownException(
            $message, $error->status, $error->problems, $error->requestId, $error->idempotencyKey, $previous);
    }

    /** Half a second, then twice as long each time, at most 10 s; random from its half on. */
    private static function backOff(int $attempts): float
    {
        return \min(0.5 * 2 ** \min($attempts, 10), 10) * \random_int(500, 1000) / 1000;
    }
}
