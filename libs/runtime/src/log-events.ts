export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** The meaning of a log event, and its possible fields besides `event`, `time` and `level`. */
export interface LogEventDescription {
  readonly levels: readonly LogLevel[];
  readonly fields: readonly string[];
  readonly meaning: string;
}

function row<Level extends LogLevel>(level: Level, fields: string, meaning: string) {
  return { levels: [level] as const, fields: fields.split(' ').filter((field) => field !== ''), meaning };
}

const ofDelivery = 'delivery notification subscription context user client transport topic';

/** All log events. Their names are stable, because monitoring may depend on them. */
export const logEvents = {
  'api-key.last-use-not-written': row('warn', 'keys reason', 'The times of the last uses of API keys were not stored.'),
  'api-key.rate-limit-unchecked': row(
    'warn',
    'apiKey reason',
    'Redis did not answer, so the rate limit was not checked.',
  ),
  'api-key.removal-not-announced': row(
    'warn',
    'apiKey reason',
    'The removal of a key was not announced; other processes accept the key for up to a minute.',
  ),
  'api-key.removals-heard': row('warn', '', 'Announcements of removed API keys are received again.'),
  'api-key.removals-unheard': row('warn', 'reason', 'Announcements of removed API keys are not received.'),
  'app.crashed': row('fatal', 'app err', 'The app ends because of an error.'),
  'app.listening': row('info', 'app port', 'The app accepts connections.'),
  'app.started': row('info', 'app', 'The app has started.'),
  'app.stop-failed': row('error', 'app err', 'An error occurred while the app stopped.'),
  'app.stopping': row('info', 'app signal', 'The app received a signal and stops.'),
  'app.without-ipv6': row('warn', 'host', 'The machine has no IPv6, so the app listens on IPv4 only.'),
  'audit.not-completed': row('warn', 'entry reason', 'The status of a request is missing in its audit entry.'),
  'audit.not-swept': row('warn', 'reason', 'Old audit entries were not removed.'),
  'audit.swept': row('info', 'removed', 'Old audit entries were removed.'),
  'backlog.counted': row('warn', '', 'Windows and jobs can be counted again.'),
  'backlog.not-counted': row('warn', 'reason', 'Windows and jobs could not be counted; their metrics are missing.'),
  'batch.adopted': row('warn', 'shard batch', 'A batch had lost its job and received a new one.'),
  'batch.taken-over': row('warn', 'shard batch windows', 'Another dispatcher took the batch over.'),
  'client-options.loaded': row('warn', '', 'The options of clients can be read again.'),
  'client-options.not-loaded': row('warn', 'reason', 'The options of clients could not be read from Postgres.'),
  'client-options.unreadable': row(
    'error',
    'client transport reason',
    'The stored options of a client cannot be used.',
  ),
  'config.change-not-announced': row(
    'warn',
    'reason',
    'A change was not announced; other processes find it in Postgres.',
  ),
  'config.changes-heard': row('warn', '', 'Announcements of configuration changes are received again.'),
  'config.changes-unheard': row('warn', 'reason', 'Announcements of configuration changes are not received.'),
  'config.fault': {
    levels: ['warn', 'error'],
    fields: ['file', 'line', 'entry', 'reason'],
    meaning: 'A value in the configuration folder is wrong.',
  },
  'config.refresh-failed': row('warn', 'reason', 'The configuration could not be read from Postgres.'),
  'config.refreshed': row('warn', '', 'The configuration can be read from Postgres again.'),
  'config.reloaded': row('info', 'errors warnings', 'A change of the configuration folder is in effect.'),
  'config.value-unreadable': row(
    'error',
    'property origin reason',
    'A stored value is ignored because it cannot be read.',
  ),
  'config.watch-failed': row('error', 'err', 'The configuration folder could not be read.'),
  'deliveries.delivered': row(
    'info',
    'transport deliveries notifications durationMs',
    'These deliveries of a job arrived at the first attempt; durationMs is the longest one.',
  ),
  'delivery.attempted': {
    levels: ['debug', 'info'],
    fields: `${ofDelivery} attempt outcome reason durationMs nextAttemptInMs`.split(' '),
    meaning: 'An attempt to deliver ended. Level debug: it arrived at the first attempt.',
  },
  'delivery.deferred': row(
    'debug',
    'transport job deliveries nextRunInMs',
    'Deliveries were deferred without an attempt.',
  ),
  'delivery.exhausted': row(
    'error',
    `${ofDelivery} attempts reason`,
    'The last attempt failed; the delivery is stored.',
  ),
  'delivery.fault': row('error', 'delivery transport err', 'A transport threw an error: a fault of PNS.'),
  'delivery.properties-loaded': row('warn', '', 'Workers can read properties again.'),
  'delivery.properties-not-loaded': row('warn', 'reason', 'A worker could not read properties.'),
  'delivery.sender-died': row(
    'warn',
    'transport deliveries reason',
    'The process that sends suspect deliveries died while it sent some.',
  ),
  'delivery.sender-started': row('info', 'transport sender', 'A process for suspect deliveries has started.'),
  'directory.login-removed': row('warn', 'context user', 'A migration removed a login that equals another one in NFC.'),
  'endpoint.failing': row(
    'warn',
    'transport client origin endpoints percent since switchesOffAt reason',
    'Endpoints of a server have failed for 50, 70 or 90 % of the time after which they are switched off.',
  ),
  'endpoint.switched-off': row(
    'error',
    'transport client origin endpoints percent since switchesOffAt reason',
    'Endpoints of a server have failed for so long that they are switched off; their deliveries are kept.',
  ),
  'endpoint.switched-on': row(
    'info',
    'transport client origin endpoint by',
    'An endpoint is on again, by the API, a registration or a successful delivery; its kept deliveries are sent.',
  ),
  'endpoints.not-recorded': row('warn', 'transport reason', 'The states of endpoints could not be written or read.'),
  'endpoints.not-swept': row('warn', 'reason', 'The states of endpoints that work again were not removed.'),
  'endpoints.recorded': row('warn', 'transport', 'The states of endpoints can be written and read again.'),
  'erasure.jobs-skipped': row(
    'error',
    'queue jobs job reason',
    'An erasure did not search jobs in an unknown format, which may contain data of the owner; `job` and `reason` are those of the first one.',
  ),
  'failed-deliveries.not-counted': row(
    'warn',
    'reason',
    'Failed deliveries could not be counted; the metric is missing.',
  ),
  'failed-deliveries.not-swept': row('warn', 'reason', 'Old failed deliveries were not removed.'),
  'failed-deliveries.swept': row('info', 'removed', 'Old failed deliveries were removed.'),
  'handshakes.bounded': row(
    'warn',
    'code unauthenticated address',
    'Connections were refused: too many without a session.',
  ),
  'history.not-swept': row('warn', 'reason', 'Partitions of the history were not created or dropped.'),
  'history.not-written': row('warn', 'reason', 'The history cannot be written; deliveries do not depend on it.'),
  'history.swept': row('info', 'removed', 'Partitions with old history were dropped.'),
  'history.written': row('warn', '', 'The history can be written again.'),
  'ingest.interrupted': row('warn', 'notifications reason', 'A part of a request was not accepted because of a fault.'),
  'ingest.properties-loaded': row('warn', '', 'Properties of accepted notifications can be read again.'),
  'ingest.properties-not-loaded': row('warn', 'reason', 'Properties of accepted notifications could not be read.'),
  'job.failed': row('warn', 'queue reason job failures unlogged', 'A job failed; BullMQ retries it.'),
  'job.lost': row('warn', 'queue job reason', 'Another worker has started the job meanwhile.'),
  'job.stalled': row('warn', 'queue job reason', 'The worker of a job died or did not answer in time.'),
  'mailbox.not-collected': row('warn', 'context user err', 'Parked deliveries were not read when a socket returned.'),
  'mailbox.not-recorded': row('warn', 'deliveries err', 'The outcomes of parked deliveries were not stored.'),
  nest: {
    levels: ['debug', 'warn', 'error', 'fatal'],
    fields: ['context'],
    meaning: 'A message of the framework.',
  },
  'node.beat-failed': row('warn', 'node reason', 'The heartbeat of a socket node failed.'),
  'node.beat-recovered': row('warn', 'node', 'The heartbeat of a socket node works again.'),
  'node.renew-failed': row('warn', 'node reason', 'The registration of open sockets was not renewed.'),
  'node.renew-recovered': row('warn', 'node', 'The registration of open sockets is renewed again.'),
  'node.retire-failed': row(
    'warn',
    'node err',
    'A stopping socket node could not retire; other nodes detect that its heartbeats have stopped.',
  ),
  'node.revived': row(
    'warn',
    'node',
    'A socket node that other nodes considered dead has registered its sockets again.',
  ),
  'node.taken-over': row('info', 'node', 'The deliveries of a dead socket node were moved.'),
  'database.answers': row('warn', 'where', 'Postgres answers.'),
  'database.waiting': row('warn', 'where reason', 'The start waits for Postgres.'),
  'queue.fault': row('warn', 'queue reason unlogged', 'A queue reported an error.'),
  'redis.answers': row('warn', 'where', 'Redis answers.'),
  'redis.full': row('warn', 'reason', 'The memory of Redis is nearly full.'),
  'redis.has-room': row('warn', '', 'The memory of Redis has room again.'),
  'redis.lossy': row('warn', 'reason', 'With its settings, Redis may lose accepted notifications.'),
  'redis.unreachable': row('warn', 'reason unlogged', 'The connection to Redis is lost.'),
  'redis.waiting': row('warn', 'where reason', 'The start waits for Redis.'),
  'request.failed': row('error', 'method route err', 'A request was answered with 500: a fault of PNS.'),
  'secrets.rotated': row('info', 'rotated unreadable', 'Secrets were encrypted again with the first key.'),
  'sessions.recheck-failed': row('warn', 'reason', 'Ended sessions could not be checked.'),
  'sessions.rechecked': row('warn', '', 'Ended sessions can be checked again.'),
  'socket.admitted': row('warn', '', 'Sockets are admitted again.'),
  'socket.close-failed': row('warn', 'err', 'A closed socket is still registered.'),
  'socket.cut': row('debug', 'reason', 'A socket was closed because its client violated the protocol.'),
  'socket.properties-loaded': row('warn', '', 'Properties of users who open sockets can be read again.'),
  'socket.properties-not-loaded': row('warn', 'reason', 'Properties of users who open sockets could not be read.'),
  'socket.refused': row('warn', 'reason', 'Sockets are refused because of a fault.'),
  'socket.take-over-not-announced': row('warn', 'node err', 'The former node of a connection was not informed.'),
  'subscriptions.swept': row('info', 'removed', 'Expired subscriptions were removed.'),
  'subscriptions.tokens-not-respelled': row('warn', 'reason', 'Stored tokens were not converted to their normal form.'),
  'subscriptions.tokens-respelled': row(
    'info',
    'respelled merged',
    'Stored tokens were converted to their normal form.',
  ),
  'sweep.not-scheduled': row('warn', 'reason', 'The sweep of expired subscriptions was not scheduled.'),
  'test.not-answered': row('warn', 'delivery reason', 'The outcome of a test push was not returned to the API.'),
  'traces.exported': row('warn', '', 'Traces can be exported again.'),
  'traces.not-exported': row('warn', 'reason', 'Traces could not be exported and were dropped.'),
  'traces.warning': row('warn', 'reason', 'A message of the OpenTelemetry SDK, at most one a minute.'),
  'transport.held-not-read': row('warn', 'transport reason', 'Held deliveries could not be read.'),
  'transport.held-read': row('warn', 'transport', 'Held deliveries can be read again.'),
  'transport.paused': row(
    'error',
    'transport client reason',
    'Deliveries of a client are held: its credentials are wrong.',
  ),
  'transport.resumed': row('info', 'transport client', 'Deliveries of a client are sent again.'),
  'webpush.keys-not-read': row(
    'error',
    'reason',
    'The VAPID keys of the server could not be read or made, so browsers cannot subscribe.',
  ),
} as const satisfies Readonly<Record<string, LogEventDescription>>;

/** The names of the events of a level. */
export type LogEvent<Level extends LogLevel = LogLevel> = {
  [Event in keyof typeof logEvents]: Level & (typeof logEvents)[Event]['levels'][number] extends never ? never : Event;
}[keyof typeof logEvents];

/** The content of `docs/log-events.md`. */
export function logEventsPage(): string {
  const rows = Object.entries(logEvents).map(([event, { levels, fields, meaning }]: [string, LogEventDescription]) => {
    const names = fields.map((field) => `\`${field}\``).join(' ');
    return `| \`${event}\` | ${levels.join(', ')} | ${names} | ${meaning} |`;
  });
  return [
    '# Log events',
    '',
    '<!-- Generated by `npm run log-events-page`. Change libs/runtime/src/log-events.ts instead. -->',
    '',
    'Each log line is JSON. `event` says what happened. All lines have `level` and `time` too.',
    '',
    '<!-- prettier-ignore -->',
    '| event | level | fields | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
