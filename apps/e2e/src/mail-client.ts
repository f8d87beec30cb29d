import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that sends lines and reads answers. */
class LineClient {
  private received = '';
  /** Emits `news` when there is data, and when the connection has ended. */
  private readonly changes = new EventEmitter();

  protected constructor(protected readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.received += chunk;
      this.changes.emit('news');
    });
    socket.on('close', () => this.changes.emit('news'));
  }

  /** Resolves with everything up to the first line that matches `end`. */
  protected async readTo(end: RegExp): Promise<string> {
    for (;;) {
      const match = end.exec(this.received);
      if (match !== null) {
        const until = match.index + match[0].length;
        const answer = this.received.slice(0, until);
        this.received = this.received.slice(until);
        return answer;
      }
      if (this.socket.destroyed) throw new Error(`The mail server closed the connection after: ${this.received}`);
      await once(this.changes, 'news');
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A mail client that is logged in over IMAP. */
export class ImapClient extends LineClient {
  private tag = 0;

  static async login(port: number, user: string): Promise<ImapClient> {
    const client = new ImapClient(connect(port, '127.0.0.1'));
    await client.readTo(/^\* OK .*\r\n/m);
    await client.run(`LOGIN ${user} secret`);
    return client;
  }

  /** Sends a command and resolves with its answer. @throws Error when the server refuses it. */
  async run(command: string): Promise<string> {
    const tag = `a${++this.tag}`;
    this.socket.write(`${tag} ${command}\r\n`);
    const answer = await this.readTo(new RegExp(`^${tag} .*\\r\\n`, 'm'));
    if (!new RegExp(`^${tag} OK `, 'm').test(answer)) throw new Error(`${command} answered ${answer}`);
    return answer;
  }

  /** Appends a mail to a folder. */
  append(folder: string, mail: string, flags = ''): Promise<string> {
    return this.run(`APPEND ${folder} (${flags}) {${mail.length}+}\r\n${mail}`);
  }
}

/** Delivers a mail over LMTP, as a mail server does. */
export async function deliver(port: number, user: string, mail: string): Promise<void> {
  const client = new LmtpClient(connect(port, '127.0.0.1'));
  await client.send(mail, user);
  client.close();
}

class LmtpClient extends LineClient {
  constructor(socket: Socket) {
    super(socket);
  }

  async send(mail: string, user: string): Promise<void> {
    await this.readTo(/^220 .*\r\n/m);
    const steps = [
      ['LHLO localhost', /^250 .*\r\n/m],
      ['MAIL FROM:<jane@example.com>', /^250 .*\r\n/m],
      [`RCPT TO:<${user}>`, /^250 .*\r\n/m],
      ['DATA', /^354 .*\r\n/m],
      [`${mail}\r\n.`, /^250 .*\r\n/m],
    ] as const;
    for (const [command, answer] of steps) {
      this.socket.write(`${command}\r\n`);
      await this.readTo(answer);
    }
  }
}
