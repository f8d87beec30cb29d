import { fork, type ChildProcess } from 'node:child_process';
import { log } from '@pns/runtime';
import type { Delivery, Outcome, Transport, TransportName } from '@pns/transport-contract';
import { bulkhead, type BulkheadPolicy } from 'cockatiel';
import type { SenderAnswer, SenderRequest } from './isolated-sender';

/** The argument that makes a worker app send deliveries for another worker instead of running queues. */
export const isolatedArgument = 'isolated';

/** The isolated process must start within this time, in ms. */
const maxStartMs = 60_000;

/** The isolated process gets a ping this often, in ms, and is killed after `maxUnanswered` pings without an answer. */
const pingEveryMs = 1000;
const maxUnanswered = 10;

/** The isolated process is killed when it has not ended within this time after its disconnection, in ms. */
const endWithinMs = 2000;

/** The heap limit of the isolated process, in MiB, so that a delivery that needs too much memory fails there. */
const heapMiB = 256;

/** The isolated process died, or was killed because it did not answer, before the delivery ended. */
export class SenderDiedError extends Error {}

/**
 * Sends deliveries in a separate process, so that a delivery that kills the process does not kill this worker. The process runs
 * the same app as this one, without queues and ports. At most one process runs for an instance. It ends when the last call of
 * `during` ends, or when this process ends.
 */
export class IsolatedTransport implements Transport {
  private sender: Sender | undefined;
  private users = 0;
  private readonly steps: BulkheadPolicy;

  /** `entry` is the script of the worker app; `stepsAtOnce` is how many steps may run in the process at once. */
  constructor(
    readonly name: TransportName,
    private readonly entry: string,
    private readonly stepsAtOnce: number,
  ) {
    this.steps = bulkhead(stepsAtOnce, Number.MAX_SAFE_INTEGER);
  }

  /** Runs `work`. Its steps, and those of other work at the same time, share one process. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.users++;
    try {
      return await work();
    } finally {
      if (--this.users === 0) this.sender?.end();
    }
  }

  /** Runs `send` when a step may run. When `signal` is aborted, a process that runs only one step at a time is killed. */
  step<Result>(signal: AbortSignal, send: () => Promise<Result>): Promise<Result> {
    return this.steps.execute(async () => {
      const interrupt = (): void => {
        if (this.stepsAtOnce === 1) this.sender?.kill('this worker lost the job');
      };
      signal.addEventListener('abort', interrupt);
      try {
        return await send();
      } finally {
        signal.removeEventListener('abort', interrupt);
      }
    });
  }

  /** Sends a delivery. Rejects with `SenderDiedError` when the process died, and with another error when it did not start. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    if (this.sender === undefined || this.sender.hasEnded) this.sender = new Sender(this.name, this.entry);
    try {
      return await this.sender.deliver(delivery);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }
}

interface Call {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** A process that sends deliveries for this worker. */
class Sender {
  hasEnded = false;
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private readonly calls = new Map<number, Call>();
  private lastCall = 0;
  private unanswered = 0;
  private pinging: NodeJS.Timeout | undefined;
  private fault: string | undefined;

  constructor(
    private readonly transport: TransportName,
    entry: string,
  ) {
    // The process gets no inspector, because an inspector would open a port.
    const execArgv = process.execArgv.filter((argument) => !argument.startsWith('--inspect'));
    this.child = fork(entry, [isolatedArgument], {
      execArgv: [...execArgv, `--max-old-space-size=${heapMiB}`],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.ready = this.start();
    this.ready.catch(() => undefined);
  }

  private start(): Promise<void> {
    const { child } = this;
    const startTimer = setTimeout(() => this.kill(`it did not start within ${maxStartMs / 1000} s`), maxStartMs);
    return new Promise((resolve, reject) => {
      child.on('message', (answer: SenderAnswer) => {
        if (answer.kind === 'ready') resolve(this.watch());
        else this.receive(answer);
        clearTimeout(startTimer);
      });
      // The event `close` comes after the last message, so no outcome is lost.
      const died = (reason: string): void => {
        clearTimeout(startTimer);
        reject(
          new Error(`The process that sends for ${this.transport} could not be started: ${this.fault ?? reason}.`),
        );
        this.died(this.fault ?? reason);
      };
      child.once('error', ({ message }) => died(message));
      child.once('close', (code, signal) => died(`it ended with ${signal ?? `code ${code}`}`));
    });
  }

  async deliver(delivery: Delivery): Promise<Outcome> {
    await this.ready;
    // The process died before it got this delivery, so the job runs again.
    if (this.hasEnded) throw new Error(`The process that sends for ${this.transport} has ended.`);
    return new Promise((resolve, reject) => {
      const call = ++this.lastCall;
      this.calls.set(call, { resolve, reject });
      this.write({ kind: 'deliver', call, delivery });
    });
  }

  /** Ends the process when it has nothing more to send. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.pinging);
    if (this.child.connected) this.child.disconnect(); // no `close` comes after this
    const timer = setTimeout(() => this.child.kill('SIGKILL'), endWithinMs);
    this.child.once('exit', () => clearTimeout(timer));
  }

  kill(fault: string): void {
    this.fault ??= fault;
    this.hasEnded = true;
    this.child.kill('SIGKILL');
  }

  /** Sends pings. It counts unanswered pings and measures no time, because this process itself may have been blocked. */
  private watch(): void {
    log.info({ event: 'delivery.sender-started', transport: this.transport, sender: this.child.pid });
    this.pinging = setInterval(() => {
      if (this.unanswered++ === maxUnanswered)
        this.kill(`it did not answer for ${(maxUnanswered * pingEveryMs) / 1000} s`);
      else this.write({ kind: 'ping' });
    }, pingEveryMs);
  }

  private receive(answer: Exclude<SenderAnswer, { kind: 'ready' }>): void {
    this.unanswered = 0;
    if (answer.kind === 'pong') return;
    this.calls.get(answer.call)?.resolve(answer.outcome);
    this.calls.delete(answer.call);
  }

  private died(reason: string): void {
    this.hasEnded = true;
    clearInterval(this.pinging);
    if (this.calls.size === 0) return;
    const [transport, deliveries] = [this.transport, this.calls.size];
    log.warn({ event: 'delivery.sender-died', transport, deliveries, reason });
    for (const { reject } of this.calls.values()) reject(new SenderDiedError(reason));
    this.calls.clear();
  }

  /** Sends a request. Errors are ignored, because `close` reports a dead process. */
  private write(request: SenderRequest): void {
    this.child.send(request, () => undefined);
  }
}
