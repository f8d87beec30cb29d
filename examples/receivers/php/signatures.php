<?php
// Signatures of webhooks of PNS. PHP 8.1 or later, no packages.
declare(strict_types=1);

/**
 * The id of a request that is signed as in Standard Webhooks, else null. The id is part of the signed text.
 *
 * @param array<string, string> $headers with names in lower case
 * @param string $body the exact bytes
 * @param list<string> $secrets the accepted secrets
 */
function standardId(array $headers, string $body, array $secrets, ?float $now = null, int $toleranceSeconds = 300): ?string
{
    $id = $headers['webhook-id'] ?? '';
    $time = $headers['webhook-timestamp'] ?? '';
    if ($id === '' || !isNear($time, $now ?? microtime(true), $toleranceSeconds)) {
        return null;
    }
    $given = valuesWith('v1,', explode(' ', $headers['webhook-signature'] ?? ''));
    $sign = fn (string $secret): string => base64_encode(hash_hmac('sha256', "$id.$time.$body", standardKey($secret), true));
    return isAnyEqual($given, array_map($sign, array_filter($secrets, hasKey(...)))) ? $id : null;
}

/**
 * The id of a request that is signed with X-OX-Signature, else null. The id is a digest of the body, because this signature does
 * not cover `webhook-id`. The signed time is the time of the notification, and the last retry is made about a day later, so the
 * tolerance is two days.
 *
 * @param array<string, string> $headers with names in lower case
 * @param string $body the exact bytes
 * @param list<string> $secrets the accepted secrets
 */
function oxId(array $headers, string $body, array $secrets, ?float $now = null, int $toleranceSeconds = 172_800): ?string
{
    $parts = array_map('trim', explode(',', $headers['x-ox-signature'] ?? ''));
    $time = str_starts_with($parts[0], 't=') ? substr($parts[0], 2) : '';
    if (!isNear($time, 1000 * ($now ?? microtime(true)), 1000 * $toleranceSeconds)) {
        return null;
    }
    $sign = fn (string $secret): string => hash_hmac('sha256', "v1:$time:$body", $secret);
    return isAnyEqual(valuesWith('v1=', $parts), array_map($sign, array_filter($secrets, fn (string $secret): bool => $secret !== ''))) ? hash('sha256', $body) : null;
}

/** Whether a secret contains a key. Everybody can sign with an empty key, for example the key of `whsec_`. */
function hasKey(string $secret): bool
{
    return standardKey($secret) !== '';
}

function isNear(string $time, float $now, int $tolerance): bool
{
    return preg_match('/^\d{1,15}$/D', $time) === 1 && abs($now - (int) $time) <= $tolerance;
}

/** `whsec_` precedes a key in base64. Any other secret is the key itself. */
function standardKey(string $secret): string
{
    return str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6)) : $secret;
}

/** @return list<string> */
function valuesWith(string $prefix, array $parts): array
{
    $matching = array_filter($parts, fn (string $part): bool => str_starts_with($part, $prefix));
    return array_map(fn (string $part): string => substr($part, strlen($prefix)), array_values($matching));
}

/** Whether a given text equals an expected text. The time does not depend on where the texts differ. */
function isAnyEqual(array $given, array $expected): bool
{
    foreach ($given as $one) {
        foreach ($expected as $other) {
            if (hash_equals($other, $one)) {
                return true;
            }
        }
    }
    return false;
}
