import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ConfigCascade, PropertyLoader, type HistoryMode } from '@pns/config-cascade';
import { History } from '@pns/history';
import { itemOf, PayloadTexts, type AggregationMode, type Notification } from '@pns/notifications';
import { KeySpace, mostUsedForIntake, redisFullSentence, redisNearlyFullSentence, type MemoryUse } from '@pns/redis';
import { PnsError, RecurringFault, Slices } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import type { Priority } from '@pns/transport-contract';
import { joinSpan } from './join-span';
import type { Ticks } from './ticks';
import { contentDigest, idempotencyDigest, priorityFactor, windowKey } from './window-key';
import type { Joined, JoinEntry, JoinStatus, Windows } from './windows';

/** Maximum number of notifications that one script joins. A full script blocks Redis for some milliseconds. */
const maxEntriesPerJoin = 500;

/** The maximum number of users whose properties are loaded at once. The cascade keeps more, even with very long properties. */
const maxUsersPerLoad = 500;

/** Maximum number of characters of JSON in the arguments of one script, unless a single notification has more. */
const maxCharactersPerJoin = 256 * 1024;

/** The properties that decide how a notification is joined, and whether the history contains it. */
type Joining = Pick<JoinEntry, 'delayMs' | 'maxDelayMs' | 'retentionMs'> & {
  readonly mode: AggregationMode;
  readonly historyMode: HistoryMode;
};

/** The notifications of one request for one shard. */
interface Slice {
  readonly entries: JoinEntry[];
  /** The index of each entry's status in `answer`. */
  readonly positions: number[];
  readonly answer: JoinStatus[];
  characters: number;
}

interface Waiting extends Slice {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

interface Lane {
  readonly waiting: Waiting[];
  isBusy: boolean;
  overdue: number;
}

/**
 * Accepts notifications. Notifications that arrive while a shard's script runs share the next script. Therefore, many
 * concurrent requests with one notification each cost Redis little more than one request with all of them.
 */
@Injectable()
export class Ingest {
  private readonly lanes: readonly Lane[];
  private readonly properties: PropertyLoader;
  private overdueReadAt = 0;

  constructor(
    private readonly windows: Windows,
    private readonly ticks: Ticks,
    private readonly cascade: ConfigCascade,
    private readonly keys: KeySpace,
    private readonly memory: MemoryUse,
    private readonly history: History,
  ) {
    this.properties = new PropertyLoader(
      cascade,
      new RecurringFault('ingest.properties-not-loaded', 'ingest.properties-loaded'),
    );
    this.lanes = keys.all().map(() => ({ waiting: [], isBusy: false, overdue: 0 }));
  }

  /**
   * Resolves when every notification is stored in Redis and a tick for its window exists. From then on the notifications are not
   * lost if a process dies. Returns the statuses in the order of `notifications`.
   *
   * @throws PnsError `OVERLOADED` when `maxProcessorTasks` windows are overdue already, `REDIS_FULL` when Redis has little memory
   *   left. In both cases, nothing was accepted.
   *   Rejects when Redis is unreachable. Some notifications may have been accepted in this case. The call is safe to repeat when
   *   all notifications have ids of the producer.
   */
  async join(notifications: readonly Notification[]): Promise<JoinStatus[]> {
    if (this.memory.isAbove(mostUsedForIntake)) await this.assertMemory();
    // `assertRoom` is called only if necessary, because a promise takes as long as the lookup of the properties of a user.
    if (this.isFull()) await this.assertRoom();
    const answer = new Array<JoinStatus>(notifications.length);
    const slices: [number, Slice][] = [];
    const open = new Map<number, Slice>();
    const work = new Slices();
    let texts: PayloadTexts | undefined;
    let loadedUntil = 0;
    for (const [position, notification] of notifications.entries()) {
      const isPaused = work.isOver;
      if (isPaused) await work.pause();
      if (isPaused || position === loadedUntil) {
        // The properties of users are loaded in parts, and again after each pause. Otherwise the cache may have evicted users of
        // this request, who would then get the properties of the server.
        loadedUntil = Math.min(position + maxUsersPerLoad, notifications.length);
        const part = notifications.slice(position, loadedUntil);
        if (!this.cascade.knows(part)) await this.properties.load(part);
      }
      if (texts?.payload !== notification.payload) texts = new PayloadTexts(notification.payload);
      const entry = this.entryOf(notification, texts);
      const shard = this.keys.shardOf(notification.context, notification.user);
      let slice = open.get(shard);
      if (slice === undefined || isFull(slice, entry.item.text.length)) {
        slice = { entries: [], positions: [], answer, characters: 0 };
        open.set(shard, slice);
        slices.push([shard, slice]);
      }
      slice.entries.push(entry);
      slice.positions.push(position);
      slice.characters += entry.item.text.length;
    }
    const joins = slices.map(([shard, slice]) => this.enqueue(shard, slice));
    await (joins.length === 1 ? joins[0] : Promise.all(joins));
    return answer;
  }

  private enqueue(shard: number, { entries, positions, answer, characters }: Slice): Promise<void> {
    const lane = this.lanes[shard] as Lane;
    return new Promise((resolve, reject) => {
      // The fields are listed, because V8 takes a microsecond to add fields to a copy by spread syntax.
      lane.waiting.push({ entries, positions, answer, characters, resolve, reject });
      if (!lane.isBusy) void this.drain(shard, lane);
    });
  }

  private async drain(shard: number, lane: Lane): Promise<void> {
    lane.isBusy = true;
    await Promise.resolve(); // so that requests that are being parsed now share this script
    while (lane.waiting.length > 0) await this.joinBatch(shard, lane, nextBatch(lane));
    lane.isBusy = false;
  }

  private async joinBatch(shard: number, lane: Lane, batch: readonly Waiting[]): Promise<void> {
    try {
      const tickLengthMs = this.cascade.resolve('com.openexchange.pns.timerFrequency').value;
      const entries = batch.flatMap((slice) => slice.entries);
      const joined = await this.windows.join(shard, entries, tickLengthMs, `now-${randomUUID()}`);
      this.record(entries, joined);
      lane.overdue = joined.overdue;
      await this.ticks.schedule(shard, joined.ticks, joined.clock);
      if (joined.announcedTick !== undefined) await this.ticks.addNow(shard, joined.announcedTick, joined.clock);
      let at = 0;
      for (const { positions, answer, resolve } of batch) {
        for (const position of positions) answer[position] = joined.statuses[at++] ?? 'accepted';
        resolve();
      }
    } catch (error) {
      if (redisFullSentence(error) !== undefined) this.memory.invalidate();
      // Without an answer of Redis, waiting slices are rejected too. Otherwise each script in turn would wait for its time-out.
      const isAnswer = error instanceof Error && error.name === 'ReplyError';
      const failed = isAnswer ? batch : [...batch, ...lane.waiting.splice(0)];
      for (const { entries, reject } of failed) {
        for (const { span } of entries) span?.end({}, (error as Error).name);
        reject(error);
      }
    }
  }

  private record(entries: readonly JoinEntry[], { firstPlace, statuses }: Joined): void {
    for (const [index, { recorded, isCountedOnly, key, span }] of entries.entries()) {
      span?.end({ 'pns.join.status': statuses[index] });
      if (recorded === undefined || statuses[index] !== 'accepted') continue;
      this.history.counted(recorded);
      if (isCountedOnly !== true) this.history.accepted(recorded, key, firstPlace + index);
    }
  }

  private entryOf(notification: Notification, texts: PayloadTexts): JoinEntry {
    const { context, user, topic, priority, idempotencyKey, keepIdForMs = 0, postedBy } = notification;
    const subject = { context, user };
    const span = postedBy && joinSpan(notification);
    const { mode, delayMs, maxDelayMs, retentionMs, historyMode } = this.cascade.derive(
      subject,
      `joining ${priority} ${topic}`,
      () => this.joiningOf(subject, topic, priority),
    );
    return {
      key: windowKey(mode, notification, texts),
      mode,
      delayMs,
      maxDelayMs,
      retentionMs: Math.max(retentionMs, keepIdForMs),
      item: itemOf(notification, texts, span?.trace),
      span,
      recorded: historyMode === 'none' ? undefined : notification,
      isCountedOnly: historyMode === 'failures',
      ...(idempotencyKey === undefined
        ? { idempotencyKey: '' }
        : {
            idempotencyKey: idempotencyDigest(idempotencyKey, notification),
            content: contentDigest(notification, texts),
          }),
    };
  }

  /** Returns the properties for joining notifications of this topic and priority to `subject`. */
  private joiningOf(subject: UserKey, topic: string, priority: Priority): Joining {
    const factor = priorityFactor[priority];
    return {
      mode: this.cascade.aggregationMode(topic, subject),
      historyMode: this.history.modeOf(topic, subject),
      delayMs: this.cascade.resolve('com.openexchange.pns.delayDuration', subject).value * factor,
      maxDelayMs: this.cascade.resolve('com.openexchange.pns.maxDelayDuration', subject).value * factor,
      retentionMs: this.cascade.resolve('com.openexchange.pns.idempotency.retention', subject).value,
    };
  }

  private async assertMemory(): Promise<void> {
    const used = (await this.memory.usedPart()) ?? 0; // while Redis is away, `usedPart` has no value; the join then rejects
    if (used > mostUsedForIntake) throw new PnsError('REDIS_FULL', redisNearlyFullSentence(used, mostUsedForIntake));
  }

  /** Throws while too many windows are overdue. Reads the counts of all shards at most every 250 ms. */
  private async assertRoom(): Promise<void> {
    if (Date.now() - this.overdueReadAt > 250) {
      this.overdueReadAt = Date.now();
      const tickLengthMs = this.cascade.resolve('com.openexchange.pns.timerFrequency').value;
      const overdue = await this.windows.overdue(tickLengthMs);
      this.lanes.forEach((lane, shard) => (lane.overdue = overdue[shard] ?? 0));
    }
    if (!this.isFull()) return;
    const sentence = `More than ${this.maxOverdue()} notifications wait to be dispatched; try again in a moment.`;
    throw new PnsError('OVERLOADED', sentence);
  }

  private isFull(): boolean {
    return this.lanes.reduce((sum, lane) => sum + lane.overdue, 0) >= this.maxOverdue();
  }

  private maxOverdue(): number {
    return this.cascade.resolve('com.openexchange.pns.maxProcessorTasks').value;
  }
}

function isFull({ entries, characters }: Slice, more: number): boolean {
  return entries.length === maxEntriesPerJoin || characters + more > maxCharactersPerJoin;
}

/** Takes the slices for the next script from the lane: as many whole slices as fit, and at least one. */
function nextBatch({ waiting }: Lane): Waiting[] {
  let [size, length] = [0, 0];
  const end = waiting.findIndex(({ entries, characters }, index) => {
    size += entries.length;
    length += characters;
    return index > 0 && (size > maxEntriesPerJoin || length > maxCharactersPerJoin);
  });
  return waiting.splice(0, end === -1 ? waiting.length : end);
}
