import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { connectRedis } from '@pns/redis';
import type { Redis } from 'ioredis';

/** Stands for the time in a request until it is sent. It has as many digits as a time in ms, so the request keeps its length. */
export const clockOfRedis = 9_999_999_999_999;

/** Rounds of the event loop after which a process has used every answer that it received. */
const rounds = 4;

interface Request {
  /** The bytes of the request, as Latin-1 text. */
  readonly text: string;
  readonly commands: number;
}

/** Resolves when every promise in this process waits for an answer, a timer or a far side. */
export async function untilQuiet(): Promise<void> {
  for (let round = 0; round < rounds; round++) await turn();
}

/**
 * A connection to Redis whose requests are held until the scheduler releases them one by one. A pipeline is one request. `onSend` is
 * called with each request that Redis executes.
 */
export class RedisGate {
  private readonly requests: Request[] = [];
  private commands = 0;
  /** Whether requests pass without being held. */
  isOpen = true;
  private isDead = false;
  private readonly send: (text: string) => void;

  private constructor(
    readonly redis: Redis,
    private readonly onSend: (text: string) => void,
  ) {
    const { stream } = redis;
    const write: (bytes: Buffer) => boolean = stream.write.bind(stream);
    this.send = (text) => {
      const sent = text.replaceAll(String(clockOfRedis), String(Date.now()));
      this.onSend(sent);
      write(Buffer.from(sent, 'latin1'));
    };
    stream.write = (chunk: string | Uint8Array) => this.take(Buffer.from(chunk as string).toString('latin1'));
  }

  /** Connects. The gate is open at first. */
  static async connect(url: string, onSend: (text: string) => void): Promise<RedisGate> {
    const redis = connectRedis(url) as Redis;
    await new Promise<void>((resolve) => void redis.once('ready', () => resolve()));
    return new RedisGate(redis, onSend);
  }

  get held(): number {
    return this.requests.length;
  }

  /** Sends the first held request. Resolves when the process has received the answer and used it. */
  async release(): Promise<void> {
    const request = this.requests.shift();
    if (request === undefined) return;
    this.commands -= request.commands;
    this.send(request.text);
    while (this.redis.commandQueue.length > this.commands) await once(this.redis.stream, 'data');
    await untilQuiet();
  }

  /** Ends the connection, as if its process died. With `isSent`, Redis executes the first held request; its answer is lost. */
  async die(isSent: boolean): Promise<void> {
    const { stream } = this.redis;
    this.isDead = true;
    stream.removeAllListeners();
    stream.on('error', () => undefined);
    const [request] = this.requests;
    if (isSent && request !== undefined) {
      const executed = new Promise((resolve) => stream.once('data', resolve));
      this.send(request.text);
      stream.resume();
      await executed;
    }
    stream.destroy();
  }

  private take(text: string): boolean {
    if (this.isDead) return true;
    if (this.isOpen) this.send(text);
    else {
      const request = { text, commands: commandsIn(text) };
      this.requests.push(request);
      this.commands += request.commands;
    }
    return true;
  }
}

/** The number of commands in a request. The text of a request is in the protocol of Redis. */
function commandsIn(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  const lineAt = (at: number): [number: number, next: number] => {
    const end = bytes.indexOf('\r\n', at);
    return [Number(bytes.toString('latin1', at + 1, end)), end + 2];
  };
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    let parts: number;
    [parts, at] = lineAt(at);
    for (; parts > 0; parts--) {
      const [length, next] = lineAt(at);
      at = next + length + 2;
    }
  }
  return count;
}
