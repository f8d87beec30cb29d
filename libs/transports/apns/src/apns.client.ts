import { AbortListeners, Deadlines } from '@pns/cancellation';
import {
  ApnsConnection,
  ApnsConnectionError,
  type ApnsEndpoint,
  type ApnsTimes,
  type PendingPush,
} from './apns.connection';
import type { ApnsAnswer } from './apns.outcome';
import type { ApnsPush } from './apns.payload';

/** No answer in time, or no stream to send on. */
export class ApnsTimeoutError extends Error {
  override readonly name = 'ApnsTimeoutError';
}

/** Connecting failed a moment ago and is not tried again before `afterMs` have passed. */
export class ApnsSparedError extends Error {
  override readonly name = 'ApnsSparedError';

  constructor(readonly afterMs: number) {
    super('Connecting to Apple failed repeatedly and is not tried for a while.');
  }
}

/** What one client may have open at a time, those included that are about to close. */
const maxConnections = 2;

/** Streams of a connection until Apple says how many it allows, and the most that are used: Apple allows a thousand. */
const [usualStreams, mostStreams] = [500, 1000] as const;

/** A push that the other side did not look at goes elsewhere so often; after that something is wrong with that side. */
const maxMoves = 5;

/** After each connection that cannot be made the next one waits, at first so long, at most so long; in ms. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

interface Waiting extends PendingPush {
  moves: number;
}

/**
 * The connections of one client to Apple, kept between pushes. A second one is opened when all streams of the first are taken,
 * or when it is about to close. Never repeats a push that Apple may have looked at.
 */
export class ApnsClient {
  private readonly connections = new Set<ApnsConnection>();
  private readonly waiting: Waiting[] = [];
  private readonly unanswered = new Set<Waiting>();
  private readonly deadlines: Deadlines;
  private readonly aborts = new AbortListeners();
  private streamsEach: number = usualStreams;
  private failures = 0;
  private noneBefore = 0;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly endpoint: ApnsEndpoint,
    private readonly times: ApnsTimes,
  ) {
    this.deadlines = new Deadlines(times.answerMs);
  }

  /** How many pushes all connections carry at once. */
  get capacity(): number {
    return maxConnections * this.streamsEach;
  }

  /**
   * Sends a push once. Rejects with an `ApnsTimeoutError`, an `ApnsConnectionError`, an `ApnsSparedError`, or the reason of an
   * aborted `signal`.
   */
  send({ headers, body }: ApnsPush, signal: AbortSignal): Promise<ApnsAnswer> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error): void => {
        if (push.cancel) push.cancel(error);
        else end(error);
      };
      const end = (result: ApnsAnswer | Error | 'untouched'): void => {
        if (result === 'untouched' && push.moves++ < maxMoves) return this.place(push);
        stopWaiting();
        stopListening();
        this.unanswered.delete(push);
        if (result === 'untouched') reject(new ApnsConnectionError('refused repeatedly'));
        else if (result instanceof Error) reject(result);
        else resolve(result);
        if (this.onIdle && this.unanswered.size === 0) this.onIdle();
      };
      const push: Waiting = { headers, body, end, moves: 0 };
      const stopWaiting = this.deadlines.add(() =>
        giveUp(new ApnsTimeoutError(`Apple did not answer within ${this.times.answerMs} ms.`)),
      );
      const stopListening = this.aborts.add(signal, giveUp);
      this.unanswered.add(push);
      this.place(push);
    });
  }

  /** Lets what is on its way end and closes the connections. */
  async close(): Promise<void> {
    if (this.unanswered.size > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
    for (const connection of this.connections) connection.retire();
  }

  private place(push: Waiting): void {
    const connection = this.waiting.length === 0 ? this.withRoom() : undefined;
    if (connection) return connection.take(push);
    this.waiting.push(push);
    this.placeWaiting();
  }

  private placeWaiting(): void {
    while (this.waiting.length > 0) {
      const connection = this.withRoom();
      if (connection === undefined) return this.connect();
      const push = this.waiting.shift();
      // Whoever gave up while waiting has ended already.
      if (push && this.unanswered.has(push)) connection.take(push);
    }
  }

  private withRoom(): ApnsConnection | undefined {
    for (const connection of this.connections) if (connection.hasRoom) return connection;
    return undefined;
  }

  private connect(): void {
    if (this.connections.size >= maxConnections) return;
    for (const { isPromising } of this.connections) if (isPromising) return;
    const waitMs = this.noneBefore - performance.now();
    if (waitMs > 0) {
      if (this.connections.size === 0) this.endWaiting(new ApnsSparedError(Math.ceil(waitMs)));
      return;
    }
    const connection: ApnsConnection = new ApnsConnection(
      this.endpoint,
      this.times,
      () => {
        if (connection.isOpen) this.failures = 0;
        this.streamsEach = Math.max(1, Math.min(connection.streams ?? this.streamsEach, mostStreams));
        this.placeWaiting();
      },
      (failure) => this.closed(connection, failure),
    );
    this.connections.add(connection);
  }

  private closed(connection: ApnsConnection, failure: ApnsConnectionError): void {
    this.connections.delete(connection);
    if (!connection.isOpen) {
      this.noneBefore = performance.now() + Math.min(firstPauseMs * 2 ** this.failures++, longestPauseMs);
      if (this.connections.size === 0) this.endWaiting(failure);
    }
    this.placeWaiting();
  }

  private endWaiting(error: Error): void {
    for (const push of this.waiting.splice(0)) if (this.unanswered.has(push)) push.end(error);
  }
}
