/** One kind of key or channel in Redis. */
interface KeyKind {
  /** The key with placeholders. Keys of a shard share its hash tag, `{pns:<shard>}`; `pns` is the prefix of the `KeySpace`. */
  readonly pattern: string;
  readonly type: 'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream' | 'channel';
  /** The package whose code writes the keys. */
  readonly owner: string;
  /** When a key is deleted or expires. */
  readonly lifetime: string;
  /** The content of the keys. */
  readonly content: string;
}

const aggregation = '@pns/aggregation';
const sockets = '@pns/sockets';
const sessions = '@pns/sessions';
const bullmq = '@pns/queue (BullMQ)';

const untilSent = 'until the windows are sent';
const parkedMinutes = '4 minutes after its last change';
const untilJobEnds = 'until the job ends';
const untilEmpty = 'until it is empty';
const kept = 'not deleted';

/** Every key and channel that PNS uses in Redis. docs/architecture.md lists them; a test compares them with the keys of a Redis in use. */
export const keyMap: readonly KeyKind[] = [
  ...kinds(aggregation, '{pns:<shard>}', [
    ['due', 'zset', untilEmpty, 'window -> ms at which it falls due'],
    ['items', 'hash', untilEmpty, 'window -> the notification to send'],
    ['spans', 'hash', untilEmpty, 'window -> times, count and order of its notifications'],
    ['now', 'string', '2 s, or until a batch is taken', 'the tick for windows that are due at once'],
    ['order', 'string', kept, 'how many notifications were accepted'],
    ['batches', 'zset', untilSent, 'batch -> ms at which it was taken'],
    ['taken', 'string', untilSent, 'how many windows are in batches'],
    ['batch:<tick>', 'list', untilSent, 'the windows of a batch, and the job that owns them'],
    ['holders', 'hash', untilSent, 'user -> the batch with windows of that user'],
    [
      'id:<digest>',
      'string',
      'com.openexchange.pns.idempotency.retention',
      'the content for which a producer used an id',
    ],
  ]),
  ...kinds(sockets, '{pns:<shard>}', [
    ['sockets:<context>:<user>', 'hash', parkedMinutes, 'connection id -> where the socket is or was'],
    ['mailbox:<context>:<user>', 'hash', parkedMinutes, 'deliveries that wait for sockets'],
    ['mail:<context>:<user>', 'zset', parkedMinutes, 'mailbox -> its deliveries, in the order of acceptance'],
    ['backlog:<context>:<user>', 'list', parkedMinutes, 'deliveries that nodes of an earlier version keep'],
  ]),
  ...kinds(sockets, '{pns:websocket}', [
    ['nodes', 'zset', untilEmpty, 'living socket node -> ms of its last heartbeat'],
    ['dead', 'zset', '5 minutes for each node', 'dead socket node -> ms at which it was found dead'],
    ['adopters', 'hash', 'as for `dead`', 'dead socket node -> the node that empties its queue'],
  ]),
  ...['{pns:<shard>}', '{pns:websocket}'].flatMap((group) =>
    kinds(bullmq, `${group}:<queue>`, [
      ['meta', 'hash', kept, 'options of the queue'],
      ['id', 'string', kept, 'number of the last job without an id of its own'],
      ['wait', 'list', untilEmpty, 'ids of jobs that wait'],
      ['active', 'list', untilEmpty, 'ids of jobs in progress'],
      ['delayed', 'zset', untilEmpty, 'ids of jobs that wait for a time'],
      ['prioritized', 'zset', untilEmpty, 'ids of jobs with a priority; PNS adds none'],
      ['marker', 'zset', untilEmpty, 'wakes up workers'],
      ['stalled', 'set', untilEmpty, 'ids of jobs whose locks were not renewed since the last search'],
      ['stalled-check', 'string', '2 s', 'the last search of BullMQ, which PNS does not use'],
      ['searched', 'string', '1 hour', 'the last search for jobs of dead workers; PNS writes it'],
      ['events', 'stream', 'about 1,000 events', 'what happened to jobs, for tools'],
      ['failed', 'zset', untilEmpty, 'ids of failed jobs; PNS keeps none'],
      ['completed', 'zset', untilEmpty, 'ids of completed jobs; PNS keeps none'],
      ['pc', 'string', untilEmpty, 'counts added priorities'],
      ['repeat', 'zset', kept, 'repeated jobs: the sweep of subscriptions'],
      ['repeat:<scheduler>', 'hash', kept, 'options of a repeated job'],
      ['<job>:lock', 'string', '10 s after its last renewal', 'token of the worker that runs the job'],
      ['<job>', 'hash', untilJobEnds, 'a job: its data and progress'],
    ]),
  ),
  ...kinds(sessions, 'pns', [
    [
      'sessions:ended',
      'zset',
      'the longest life of a session',
      'session that was ended -> ms at which it may be forgotten',
    ],
    [
      'sessions:ended:owners',
      'zset',
      'the longest life of a session',
      'user or context whose sessions were ended -> the same',
    ],
    ['sessions:ended:now', 'channel', '', 'sessions that end now'],
  ]),
  ...kinds('@pns/config-cascade', 'pns', [['config:changed', 'channel', '', 'places whose properties changed']]),
  ...kinds('@pns/api', 'pns', [
    ['rate-limit:<key>', 'hash', 'until the bucket is full', 'units that are left in the bucket of an API key'],
    ['api-keys:removed', 'channel', '', 'ids of API keys that were removed'],
    ['test:<delivery>', 'channel', '', 'outcome of a test push'],
  ]),
  ...kinds('@pns/worker-websocket', 'pns', [
    ['websocket:taken-over:<node>', 'channel', '', 'sockets of a node that another node took over'],
  ]),
];

type Row = readonly [name: string, type: KeyKind['type'], lifetime: string, content: string];

function kinds(owner: string, start: string, rows: readonly Row[]): KeyKind[] {
  return rows.map(([name, type, lifetime, content]) => ({
    pattern: `${start}:${name}`,
    type,
    owner,
    lifetime,
    content,
  }));
}

/** The kind of `key` in a Redis where the prefix is `prefix`: the first pattern that matches; undefined for an unknown key. */
export function keyKindOf(key: string, prefix = 'pns'): KeyKind | undefined {
  return keyMap.find(({ pattern }) => expressionOf(pattern, prefix).test(key));
}

/** The expression for a pattern. Placeholders stand for text without colons; only ids of jobs and schedulers may have colons. */
function expressionOf(pattern: string, prefix: string): RegExp {
  const parts = pattern.replace(/^(\{?)pns/, `$1${prefix}`).split(/(<\w+>)/);
  const source = parts.map((part) => {
    if (part === '<shard>') return '\\d+';
    if (part === '<job>' || part === '<scheduler>') return '.+';
    return /^<\w+>$/.test(part) ? '[^:]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}
