import type { OutgoingHttpHeaders } from 'node:http2';
import { Deadlines, onAbort } from '@pns/cancellation';
import {
  type Http2Answer,
  Http2Connection,
  type Http2Peer,
  type Http2Times,
  type PendingRequest,
} from './http2-connection';
import { deferredConnect, failedConnection, lateAnswer, type NoAnswerError } from './no-answer';

interface Http2Request {
  /** The headers, including `:method` and `:path`. */
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** The most streams of a connection that are used, even if the peer allows more. */
const mostStreams = 1000;

/** How often a request that the peer did not process moves to another stream. More moves mean a fault of the peer. */
const maxMoves = 5;

/** Pauses after failed connects, in ms: the first one, which doubles with each further failure, and the longest. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

interface Waiting extends PendingRequest {
  moves: number;
  /** Restarts the time limit of the answer. */
  readonly restart: () => void;
}

/**
 * HTTP/2 connections to one peer, kept between requests. Opens another connection when all streams are in use, or when a
 * connection is about to close. Never repeats a request that the peer may have processed.
 */
export class Http2Pool {
  private readonly connections = new Set<Http2Connection>();
  private readonly waiting: Waiting[] = [];
  private readonly unanswered = new Set<Waiting>();
  private readonly deadlines: Deadlines;
  private streamsEach: number;
  private failures = 0;
  /** No connection is opened before this time, on the clock of `performance.now()`. */
  private noneBefore = 0;

  constructor(
    private readonly peer: Http2Peer,
    private readonly times: Http2Times,
  ) {
    this.deadlines = new Deadlines(times.answerMs);
    this.streamsEach = peer.usualStreams;
  }

  /** How many requests all connections can carry at once. */
  get capacity(): number {
    return this.peer.maxConnections * this.streamsEach;
  }

  /** Sends a request once. Rejects with a `NoAnswerError`, or the reason of an aborted `signal`. */
  send({ headers, body }: Http2Request, signal: AbortSignal): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error): void => {
        if (request.cancel) request.cancel(error);
        else end(error);
      };
      const late = (): void => {
        // The request or the connection may be at fault. The connection is retired if it has received no other answer either.
        request.connection?.retireIfMute(this.times.answerMs);
        giveUp(lateAnswer(this.peer.name, this.times.answerMs));
      };
      const end = (result: Http2Answer | Error | 'untouched'): void => {
        if (result === 'untouched' && request.moves++ < maxMoves) return this.place(request);
        stopWaiting();
        stopListening();
        this.unanswered.delete(request);
        if (result === 'untouched') reject(failedConnection(this.peer.name, 'refused repeatedly'));
        else if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const restart = (): void => {
        stopWaiting();
        stopWaiting = this.deadlines.add(late);
      };
      const request: Waiting = { headers, body, end, restart, moves: 0 };
      let stopWaiting = this.deadlines.add(late);
      const stopListening = onAbort(signal, giveUp);
      this.unanswered.add(request);
      this.place(request);
    });
  }

  /** Closes the connections when the requests in progress have ended. */
  close(): void {
    for (const connection of this.connections) connection.retire();
  }

  private place(request: Waiting): void {
    const connection = this.waiting.length === 0 ? this.withRoom() : undefined;
    if (connection) return connection.take(request);
    this.waiting.push(request);
    this.placeWaiting();
  }

  private placeWaiting(): void {
    while (this.waiting.length > 0) {
      const connection = this.withRoom();
      if (connection === undefined) return this.connect();
      const request = this.waiting.shift();
      // A request that was aborted while it waited has ended and is skipped.
      if (request === undefined || !this.unanswered.has(request)) continue;
      request.restart();
      connection.take(request);
    }
  }

  private withRoom(): Http2Connection | undefined {
    for (const connection of this.connections) if (connection.hasRoom) return connection;
    return undefined;
  }

  private connect(): void {
    if (this.connections.size >= this.peer.maxConnections) return;
    for (const { isPromising } of this.connections) if (isPromising) return;
    const waitMs = this.noneBefore - performance.now();
    if (waitMs > 0) {
      if (this.connections.size === 0) this.endWaiting(deferredConnect(this.peer.name, Math.ceil(waitMs)));
      return;
    }
    const connection: Http2Connection = new Http2Connection(
      this.peer,
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

  private closed(connection: Http2Connection, failure: NoAnswerError): void {
    this.connections.delete(connection);
    if (!connection.isOpen) {
      this.noneBefore = performance.now() + Math.min(firstPauseMs * 2 ** this.failures++, longestPauseMs);
      if (this.connections.size === 0) this.endWaiting(failure);
    }
    this.placeWaiting();
  }

  private endWaiting(error: Error): void {
    for (const request of this.waiting.splice(0)) if (this.unanswered.has(request)) request.end(error);
  }
}
