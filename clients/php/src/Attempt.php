<?php

declare(strict_types=1);

namespace Rollbook;

/**
 * An attempt that failed.
 *
 * @internal
 */
final class Attempt
{
    /**
     * @param bool $unknown The server may have accepted the request.
     * @param bool $again A later attempt may succeed.
     * @param int $after Seconds of Retry-After.
     */
    public function __construct(
        public readonly RollbookException $error,
        public readonly bool $unknown,
        public readonly bool $again,
        public readonly int $after,
    ) {
    }
}
