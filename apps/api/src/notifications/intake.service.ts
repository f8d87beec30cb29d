import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Ingest, type JoinStatus } from '@pns/aggregation';
import { untilAborted } from '@pns/cancellation';
import type { Notification } from '@pns/notifications';
import { log, Slices } from '@pns/runtime';
import { Health } from '@pns/runtime/health';
import type { TraceContext } from '@pns/transport-contract';
import { contextSentence } from '../authentication/context-access';
import type { Quota } from '../authentication/quota';
import { RequestError } from '../http/request-error';
import { readJson, type JsonRead } from '../json/read-json';
import { readEntry, type EntryReader, type ReadEntry } from './entry';
import { withId } from './idempotency-key';
import { count, countAll, countNotAccepted } from './ingest-count';
import { idReused, IngestReport, type Addressed } from './ingest-report';
import { linesOf, type Line } from './lines';
import type { ListedNotification, RefusedEntry } from './notification.schema';
import { entryBounds } from './posted';

/** Maximum number of lines in one request, including blank ones. */
const maxLines = 100_000;

/** Maximum number of notifications in one request, one for each user that its entries address. */
const maxAddressees = 100_000;

/** A long request stores this many notifications at a time. */
const notificationsPerChunk = 500;

/**
 * A long request stores at most about this many bytes at a time, because a parsed payload can take fifty times its size in
 * memory.
 */
const bytesPerChunk = 1024 * 1024;

/** The answer to an ingest request. */
export interface Answer {
  readonly status: 202 | 207;
  readonly body: object;
  readonly headers?: RequestError['headers'];
}

/** The sender of an ingest request. */
export interface Producer {
  /** The contexts to which the producer may post; undefined: all. */
  readonly contexts?: readonly number[] | undefined;
  /** The remaining quota; undefined: no limit. */
  readonly quota?: Pick<Quota, 'take'> | undefined;
  /** The span of the request; undefined: no traces are recorded. */
  readonly trace?: TraceContext | undefined;
}

/** Parses ingest request bodies and stores the notifications they contain. */
@Injectable()
export class Intake {
  constructor(
    private readonly ingest: Ingest,
    private readonly health: Health,
  ) {}

  /** Stores the only entry of a body. `idempotencyKey` is the header `Idempotency-Key`, an alternative to the field `id`. */
  async single(
    posted: JsonRead,
    idempotencyKey: string | undefined,
    { contexts, quota, trace }: Producer = {},
    read: EntryReader = readEntry,
  ): Promise<Answer> {
    const entry = within(contexts, read(withId(posted, idempotencyKey), Date.now(), trace));
    if (!entry.ok) {
      const { code, sentence, faults } = entry.refusal;
      count('refused');
      throw new RequestError(code, sentence, faults);
    }
    await this.take(quota, entry.notifications.length);
    const statuses = await this.join(entry.notifications);
    countAll(statuses);
    const notifications: Omit<ListedNotification, 'index'>[] = [];
    const errors: RefusedEntry[] = [];
    for (const [at, { id, user }] of entry.notifications.entries()) {
      const status = statuses[at] ?? 'accepted';
      if (status === 'reused') errors.push({ index: 0, user, ...idReused(id) });
      else notifications.push(entry.hasUsers ? { id, user, status } : { id, status });
    }
    const [error] = errors;
    if (error !== undefined && notifications.length === 0) throw new RequestError('ID_REUSED', error.error);
    const accepted = notifications.filter(({ status }) => status === 'accepted').length;
    if (error === undefined) return { status: 202, body: { accepted, notifications } };
    return { status: 207, body: { accepted, notifications, errors } };
  }

  /**
   * Stores a notification whose id was derived from the event, not chosen by the producer. A repeat with other content, such as
   * another number of unread mails, is a duplicate too.
   */
  async derived(notification: Notification): Promise<'accepted' | 'duplicate'> {
    const [joined = 'accepted'] = await this.join([notification]);
    const status = joined === 'reused' ? 'duplicate' : joined;
    count(status);
    return status;
  }

  private async take(quota: Producer['quota'], notifications: number): Promise<void> {
    const refusal = (await quota?.take([notifications]))?.refusal;
    if (refusal === undefined) return;
    countNotAccepted(notifications, refusal);
    throw refusal;
  }

  private async join(notifications: readonly Notification[]): Promise<JoinStatus[]> {
    try {
      return await this.ingest.join(notifications);
    } catch (error) {
      countNotAccepted(notifications.length, error);
      throw error;
    }
  }

  /** Stores the entries of a batch. */
  async batch(
    entries: Iterable<JsonRead>,
    { contexts, quota, trace }: Producer = {},
    read: EntryReader = readEntry,
  ): Promise<Answer> {
    const intake = new ChunkedIntake(this.ingest, quota);
    const now = Date.now();
    const slices = new Slices();
    let index = 0;
    for (const entry of entries) {
      intake.add(index++, within(contexts, read(entry, now, trace)));
      if (intake.isFull) await intake.flush();
      else if (slices.isOver) await slices.pause();
    }
    return intake.finish();
  }

  /**
   * Stores the entries of a stream, one per line; blank lines are skipped. Reading ends when a limit is reached or the process is
   * stopping.
   */
  async stream(body: Readable, { contexts, quota, trace }: Producer = {}): Promise<Answer> {
    const intake = new ChunkedIntake(this.ingest, quota);
    const slices = new Slices();
    let index = 0;
    let linesRead = 0;
    try {
      for await (const lines of linesOf(chunksOf(body, this.health.stopping), entryBounds.bytes)) {
        if (slices.isOver) await slices.pause(); // blank lines do not reach the pause below
        for (const line of lines) {
          if (++linesRead > maxLines) {
            const sentence = `A request may have at most ${maxLines} lines.`;
            return await intake.cutOff(index, new RequestError('BATCH_TOO_LARGE', sentence));
          }
          if (isBlank(line)) continue;
          if (intake.limited !== undefined) return await intake.cutOff(index, intake.limited);
          intake.add(index++, within(contexts, readLine(line, trace)));
          if (intake.isFull) await intake.flush();
          else if (slices.isOver) await slices.pause();
        }
      }
    } catch (error) {
      if (error === this.health.stopping.reason) return await intake.stopAt(index);
      if (body.errored === null) throw error;
      await intake.finish().catch(() => undefined);
      throw new RequestError('REQUEST_ABORTED', 'The connection was closed before the body ended.');
    }
    if (index === 0) throw new RequestError('BODY_MISSING', 'Send one notification per line.');
    return intake.finish();
  }
}

/** Stores the entries of a long request, some hundred notifications at a time, and reports on all of them. */
class ChunkedIntake {
  private readonly report = new IngestReport();
  private waiting: Addressed[] = [];
  private waitingBytes = 0;
  private addressees = 0;

  constructor(
    private readonly ingest: Ingest,
    private readonly quota: Producer['quota'],
  ) {}

  /** Set when the producer's rate limit is used up. From then on, no more notifications are stored. */
  limited: RequestError | undefined;

  /** Whether the caller should `flush`. */
  get isFull(): boolean {
    return this.waiting.length >= notificationsPerChunk || this.waitingBytes >= bytesPerChunk;
  }

  add(index: number, entry: ReadEntry): void {
    if (!entry.ok) {
      count('refused');
      return this.report.refuse(index, entry.refusal.code, entry.refusal.sentence);
    }
    const { notifications, hasUsers, bytes } = entry;
    if (this.addressees + notifications.length > maxAddressees) {
      count('refused');
      const sentence = `A request may address at most ${maxAddressees} users, and this entry would exceed that.`;
      return this.report.refuse(index, 'BATCH_TOO_LARGE', sentence);
    }
    this.addressees += notifications.length;
    this.waitingBytes += bytes;
    for (const notification of notifications) this.waiting.push({ notification, index, hasUsers });
  }

  async finish(): Promise<Answer> {
    await this.flush();
    return this.report.answer();
  }

  /** Returns the answer before the end of the request, and refuses the lines from `index` on. */
  async cutOff(index: number, { code, message }: Pick<RequestError, 'code' | 'message'>): Promise<Answer> {
    await this.flush();
    if (this.limited === undefined) count('refused');
    this.report.refuse(index, code, `${message} This line and the lines after it were not read.`);
    return this.report.answer();
  }

  /** Stores the entries read so far, and reports that the lines from `index` on must be sent again. */
  async stopAt(index: number): Promise<Answer> {
    await this.flush();
    this.report.stop(index);
    return this.report.answer();
  }

  async flush(): Promise<void> {
    const chunk = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    if (chunk.length === 0) return;
    // After a failure, notifications are only reported as not stored, because each further call to Redis could wait for its own
    // timeout.
    if (this.report.interruption !== undefined) return this.interrupt(chunk);
    const admitted = await this.admitted(chunk);
    if (admitted > 0) await this.join(chunk.slice(0, admitted));
    if (admitted < chunk.length) this.interrupt(chunk.slice(admitted), this.limited);
  }

  /** The number of notifications in `chunk` that the producer's rate limit allows. It never splits an entry. */
  private async admitted(chunk: readonly Addressed[]): Promise<number> {
    if (this.quota === undefined) return chunk.length;
    const counts = new Map<number, number>();
    for (const { index } of chunk) counts.set(index, (counts.get(index) ?? 0) + 1);
    const costs = [...counts.values()];
    const { admitted, refusal } = await this.quota.take(costs);
    this.limited = refusal;
    return costs.slice(0, admitted).reduce((sum, cost) => sum + cost, 0);
  }

  private async join(chunk: readonly Addressed[]): Promise<void> {
    try {
      const statuses = await this.ingest.join(chunk.map(({ notification }) => notification));
      chunk.forEach((each, at) => {
        this.report.record(each, statuses[at] ?? 'accepted');
      });
      countAll(statuses);
    } catch (thrown) {
      const error = thrown as Error;
      log.warn({ event: 'ingest.interrupted', notifications: chunk.length, reason: error.message });
      this.interrupt(chunk, error);
    }
  }

  private interrupt(chunk: readonly Addressed[], error?: Error): void {
    this.report.interrupt(chunk, error);
    countNotAccepted(chunk.length, this.report.interruption);
  }
}

/**
 * The chunks of `body`. Throws the reason of `stopping` when this signal is aborted. The end of reading must not destroy the
 * connection, because the answer uses it.
 */
async function* chunksOf(body: Readable, stopping: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  for (;;) {
    const next = await untilAborted(chunks.next(), stopping);
    if (next.done === true) return;
    yield next.value;
  }
}

/** The entry, or a refusal if the producer may not post to its context. */
function within(contexts: Producer['contexts'], entry: ReadEntry): ReadEntry {
  if (contexts === undefined || !entry.ok) return entry;
  if (entry.notifications.every(({ context }) => contexts.includes(context))) return entry;
  return { ok: false, refusal: { code: 'CONTEXT_REFUSED', sentence: contextSentence(contexts), faults: [] } };
}

function readLine(line: Line, trace: Producer['trace']): ReadEntry {
  if (line !== 'too long') return readEntry(readJson(line, entryBounds, 'the line'), Date.now(), trace);
  const sentence = `The line is longer than ${entryBounds.bytes} bytes.`;
  return { ok: false, refusal: { code: 'BODY_TOO_LARGE', sentence, faults: [] } };
}

function isBlank(line: Line): boolean {
  return line !== 'too long' && line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
