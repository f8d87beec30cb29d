<?php
// Receives webhooks of PNS, verifies them, and logs each notification once: php -S 0.0.0.0:8080 receiver.php
// PHP 8.1 or later, no packages.
declare(strict_types=1);

require __DIR__ . '/signatures.php';

const MAX_BODY_BYTES = 512 * 1024;

/** Your code. If it throws, the answer is 500 and PNS sends the notification again. */
function handle(array $push): void
{
    $payload = $push['payload'];
    $title = $payload['subject'] ?? $payload['folder'] ?? '';
    error_log("{$push['event']} for user {$payload['user']}: $title");
}

/** Calls `$work` unless it has succeeded for `$id` before. Several machines need a table with a unique key instead. */
function once(string $id, callable $work): void
{
    $folder = getenv('WEBHOOK_HANDLED') ?: sys_get_temp_dir() . '/handled-webhooks';
    is_dir($folder) || mkdir($folder, 0700, true);
    // A file that is older than two days can be deleted, because PNS does not retry for so long.
    $file = fopen($folder . '/' . hash('sha256', $id), 'c+');
    flock($file, LOCK_EX); // another attempt waits
    if (fgetc($file) === false) {
        $work();
        fwrite($file, '1');
    }
    fclose($file);
}

function statusFor(string $body): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    if (strlen($body) > MAX_BODY_BYTES) {
        return 413;
    }
    $headers = array_change_key_case(getallheaders());
    $secrets = array_values(array_filter([getenv('WEBHOOK_SECRET'), getenv('WEBHOOK_PREVIOUS_SECRET')]));
    // Only one of the two signatures is accepted: a receiver that accepts either is only as strict as the weaker one.
    $id = getenv('WEBHOOK_SIGNATURE') === 'ox' ? oxId($headers, $body, $secrets) : standardId($headers, $body, $secrets);
    if ($id === null) {
        return 401; // 403, 404, 405 and 410 would end the subscription
    }
    once($id, fn () => handle(json_decode($body, true, 512, JSON_THROW_ON_ERROR)));
    return 204;
}

try {
    http_response_code(statusFor(file_get_contents('php://input', false, null, 0, MAX_BODY_BYTES + 1)));
} catch (Throwable $error) {
    error_log($error->getMessage());
    http_response_code(500);
}
