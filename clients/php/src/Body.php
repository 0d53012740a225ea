<?php

declare(strict_types=1);

namespace Rollbook\Api;

/** A part of a request: a member that is null is left out, unless it is required. */
abstract class Body implements \JsonSerializable
{
    protected const REQUIRED = [];

    public function jsonSerialize(): object
    {
        $set = static fn (mixed $value, string $name): bool => $value !== null || \in_array($name, static::REQUIRED, true);
        return (object) \array_filter(\get_object_vars($this), $set, ARRAY_FILTER_USE_BOTH);
    }
}
