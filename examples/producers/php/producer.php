<?php
// Sends notifications to PNS: php producer.php < notifications.ndjson. PHP 8.1 or later, no packages.
declare(strict_types=1);

const LINES_PER_BATCH = 500;
const ATTEMPTS = 12;
const TIMEOUT_SECONDS = 60;
/** Faults of the service, not of the notification. */
const TEMPORARY = ['RATE_LIMITED', 'OVERLOADED', 'REDIS_UNREACHABLE', 'STOPPING'];

$counts = ['accepted' => 0, 'duplicate' => 0, 'refused' => 0];

/** Returns the status, delay and body of the answer. Without an answer the status is 0, and the lines may have arrived. */
function post(array $lines): array
{
    $headers = ['Authorization: Bearer ' . getenv('PNS_KEY'), 'Content-Type: application/x-ndjson'];
    $http = ['method' => 'POST', 'header' => $headers, 'content' => implode("\n", $lines)];
    $http += ['ignore_errors' => true, 'timeout' => TIMEOUT_SECONDS];
    $url = (getenv('PNS_URL') ?: 'http://localhost:3000') . '/v1/notifications';
    $text = @file_get_contents($url, false, stream_context_create(['http' => $http]));
    if ($text === false) {
        return [0, null, ['detail' => error_get_last()['message'] ?? '']];
    }
    $retryAfter = null;
    foreach ($http_response_header as $header) {
        if (preg_match('/^Retry-After: *(\d+)$/i', $header, $match)) {
            $retryAfter = (int) $match[1];
        }
    }
    return [(int) explode(' ', $http_response_header[0])[1], $retryAfter, json_decode($text, true) ?? []];
}

/** The server's delay, else a random delay that doubles after each attempt, so that producers do not all return at once. */
function delaySeconds(?int $retryAfter, int $attempt): float
{
    return $retryAfter ?? min(60, 2 ** $attempt) * random_int(500, 1000) / 1000;
}

function refuse(string $line, array $error): void
{
    $GLOBALS['counts']['refused']++;
    $fault = ($error['code'] ?? '') . ' ' . ($error['error'] ?? $error['detail'] ?? '');
    fwrite(STDERR, json_decode($line)->id . ": $fault\n");
}

/** Counts the lines that have a result, and returns the others. */
function withoutResult(array $lines, int $status, array $body): array
{
    if ($status === 0 || $status === 429 || $status >= 500) {
        return $lines;
    }
    $isListed = $status === 202 || $status === 207;
    foreach ($isListed ? $body['notifications'] : [] as $listed) {
        $GLOBALS['counts'][$listed['status']]++;
        unset($lines[$listed['index']]);
    }
    $errors = array_column($body['errors'] ?? [], null, 'index');
    foreach ($lines as $index => $line) {
        $error = $errors[$index] ?? ($isListed ? null : $body);
        if ($error !== null && !in_array($error['code'] ?? '', TEMPORARY, true)) {
            refuse($line, $error);
            unset($lines[$index]);
        }
    }
    return array_values($lines);
}

function send(array $lines): void
{
    for ($attempt = 0; $attempt < ATTEMPTS; $attempt++) {
        [$status, $retryAfter, $body] = post($lines);
        $lines = withoutResult($lines, $status, $body);
        if ($lines === []) {
            return;
        }
        usleep((int) (1_000_000 * delaySeconds($retryAfter, $attempt)));
    }
    fwrite(STDERR, count($lines) . " notifications were not sent; start again with the same lines.\n");
    exit(1);
}

$batch = [];
while (($line = fgets(STDIN)) !== false) {
    $line = trim($line);
    if ($line === '') {
        continue;
    }
    // An id that is generated here would differ after a restart, so that the notification would be sent twice.
    if (!is_string(json_decode($line)->id ?? null)) {
        fwrite(STDERR, "A notification needs the id of its event: $line\n");
        exit(1);
    }
    $batch[] = $line;
    if (count($batch) === LINES_PER_BATCH) {
        send($batch);
        $batch = [];
    }
}
if ($batch !== []) {
    send($batch);
}
echo "{$counts['accepted']} accepted, {$counts['duplicate']} duplicates, {$counts['refused']} refused\n";
exit($counts['refused'] === 0 ? 0 : 1);
