import { eventually } from '@pns/local-servers/waiting';
import { forEachOf, type Finding, type FuzzPart } from './fuzz-part';
import type { FuzzStack } from './fuzz-stack';
import { RawConnection } from './raw-connection';
import { frameBytes, socketInputs, type SocketInput } from './socket-inputs';

/** The number of concurrent connections. It is large, because most connections wait for a pong that does not arrive. */
const atOnce = 50;
const users = 20;
const context = 905;

/** A client waits this long for the answer to its ping, in ms. After a frame with missing bytes there is no answer. */
const pongWithinMs = 1000;

const pingFrame = frameBytes({ first: 0x89, payload: 'fuzz', length: 'usual', isMasked: true });
const pong = Buffer.concat([Buffer.of(0x8a, 4), Buffer.from('fuzz')]);

/** Handshakes and frames of Engine.IO 3 and 4, and of Socket.IO over them. */
export class SocketPart implements FuzzPart<SocketInput> {
  readonly name = 'sockets';
  readonly weight = 12;
  readonly inputs = socketInputs;
  private tokens: readonly string[] = [];

  constructor(private readonly stack: FuzzStack) {}

  async tryAll(inputs: readonly SocketInput[]): Promise<Finding[]> {
    if (this.tokens.length === 0) this.tokens = await this.newTokens();
    const findings: Finding[] = [];
    let next = 0;
    await forEachOf(inputs, atOnce, async (input) => {
      const fault = await this.open(input, this.tokens[next++ % users] ?? '');
      if (fault !== undefined) findings.push({ part: this.name, fault, input });
    });
    const left = await this.openSocketsFault();
    return left === undefined ? findings : [...findings, { part: this.name, fault: left, input: inputs }];
  }

  private async open(
    { path, query, headers, connect, frames }: SocketInput,
    token: string,
  ): Promise<string | undefined> {
    const connection = await RawConnection.open(this.stack.system.app('worker-websocket').port);
    await connection.write(
      `GET ${path}?${query.replace('~session~', token)} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${headers}\r\n`,
    );
    const isAnswered = await connection.until((received) => received.includes('\r\n\r\n'), 60_000);
    if (!isAnswered && !connection.isClosed) return 'The handshake got no answer.';
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(connection.received.toString('latin1'))?.[1] ?? 0);
    if (status >= 500 && status !== 503) return `The handshake got the answer ${status}.`;
    if (status === 101) {
      if (connect !== '')
        await connection.write(frameBytes({ first: 0x81, payload: connect, length: 'usual', isMasked: true }));
      for (const frame of frames) await connection.write(frameBytes(frame));
      await connection.write(pingFrame);
      await connection.until((received) => received.includes(pong), pongWithinMs);
    }
    return (await connection.end()) ? undefined : 'The server did not close the connection after its client did.';
  }

  /** Waits until the sockets of closed connections are closed. Resolves with a fault if they stay open. */
  private async openSocketsFault(): Promise<string | undefined> {
    try {
      const worker = this.stack.system.app('worker-websocket');
      await eventually(
        'no socket is open',
        async () => (await worker.metric('pns_open_sockets')).get('') === 0,
        60_000,
      );
      return undefined;
    } catch {
      return 'Sockets stayed open although their clients had closed the connections.';
    }
  }

  private async newTokens(): Promise<string[]> {
    const tokens: string[] = [];
    for (let user = 1; user <= users; user++) {
      const { token } = await this.stack.system.expect<{ token: string }>(201, 'POST', '/v1/sessions', {
        context,
        user,
      });
      tokens.push(token);
    }
    return tokens;
  }
}
