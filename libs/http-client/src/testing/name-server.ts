import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** The records of a name. A family that is absent has no records, unless the name is an alias. */
export interface Zone {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  /** The target of an alias. */
  readonly cname?: string;
  /** The time to live of the records, in seconds; default 60. */
  readonly ttl?: number;
  readonly answers?: 'never' | 'servfail' | 'refused' | 'nonsense' | 'over TCP only' | 'when released';
  /** The address family to which `answers` applies; both if absent. */
  readonly family?: 4 | 6;
}

const [typeA, typeCname] = [1, 5] as const;
const codes = { found: 0, servfail: 2, absent: 3, refused: 5 } as const;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  /** The question in its original bytes, which the answer repeats. */
  readonly bytes: Buffer;
}

/** A name server on loopback, over UDP and TCP, which serves the zones of a test. */
export class NameServer {
  /** The names that were asked for, as `name A` or `name AAAA`, in order. */
  readonly asked: string[] = [];
  private readonly events = new EventEmitter();
  private readonly heldBack: (() => void)[] = [];

  private constructor(
    private readonly udp: Socket,
    private readonly tcp: Server,
    private readonly zoneOf: (name: string) => Zone | undefined,
  ) {
    udp.on('message', (message, from) => this.onMessage(message, from));
    tcp.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        const answer = this.answer(data.subarray(2), true);
        if (answer === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.end(Buffer.concat([length, answer]));
      });
    });
  }

  static async start(zoneOf: (name: string) => Zone | undefined): Promise<NameServer> {
    const tcp = createServer();
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as { port: number };
    const udp = createSocket('udp4');
    udp.bind(port, '127.0.0.1');
    await once(udp, 'listening');
    return new NameServer(udp, tcp, zoneOf);
  }

  /** Address and port, as `Resolver.setServers` expects them. */
  get address(): string {
    return `127.0.0.1:${this.udp.address().port}`;
  }

  /** Resolves once `isEnough`, which is called after each question, returns true. */
  async until(isEnough: (asked: readonly string[]) => boolean): Promise<void> {
    while (!isEnough(this.asked)) await once(this.events, 'asked');
  }

  /** Answers the questions that were held back because of `when released`. */
  release(): void {
    for (const answer of this.heldBack.splice(0)) answer();
  }

  async close(): Promise<void> {
    this.udp.close();
    this.tcp.close();
    await Promise.all([once(this.udp, 'close'), once(this.tcp, 'close')]);
  }

  private onMessage(message: Buffer, from: RemoteInfo): void {
    const send = (): void => {
      const answer = this.answer(message, false);
      if (answer !== undefined) this.udp.send(answer, from.port, from.address);
    };
    const { name } = questionIn(message);
    if (this.zoneOf(name)?.answers !== 'when released') return send();
    this.heldBack.push(send);
    this.note(questionIn(message));
  }

  private note({ name, type }: Question): void {
    this.asked.push(`${name} ${type === typeA ? 'A' : 'AAAA'}`);
    this.events.emit('asked');
  }

  private answer(message: Buffer, isTcp: boolean): Buffer | undefined {
    const question = questionIn(message);
    const zone = this.zoneOf(question.name);
    if (zone?.answers !== 'when released') this.note(question);
    const concerns = zone?.family === undefined || (zone.family === 4) === (question.type === typeA);
    const fault = concerns ? zone?.answers : undefined;
    if (fault === 'never') return undefined;
    if (fault === 'nonsense') return Buffer.from('not a DNS message');
    if (fault === 'servfail' || fault === 'refused') return messageOf(question, codes[fault], []);
    if (fault === 'over TCP only' && !isTcp) return messageOf(question, codes.found, [], true);
    if (zone === undefined) return messageOf(question, codes.absent, []);
    return messageOf(question, codes.found, this.recordsOf(question.type, zone, Buffer.from([0xc0, 12])));
  }

  /** Returns the records of a zone. Follows aliases as a recursive server does, about 40 at most. */
  private recordsOf(type: number, zone: Zone, owner: Buffer, steps = 0): Buffer[] {
    const ttl = zone.ttl ?? 60;
    if (zone.cname !== undefined) {
      const target = encodedName(zone.cname);
      const alias = recordOf(owner, typeCname, ttl, target);
      const next = this.zoneOf(zone.cname);
      return next === undefined || steps > 40 ? [alias] : [alias, ...this.recordsOf(type, next, target, steps + 1)];
    }
    const addresses = (type === typeA ? zone.a : zone.aaaa) ?? [];
    return addresses.map((address) => recordOf(owner, type, ttl, type === typeA ? ipv4(address) : ipv6(address)));
  }
}

function questionIn(message: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  const type = message.readUInt16BE(at + 1);
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type,
    bytes: message.subarray(12, at + 5),
  };
}

function messageOf({ id, bytes }: Question, code: number, records: readonly Buffer[], isCutShort = false): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  // 0x8180 marks the answer of a recursive server, with recursion desired.
  header.writeUInt16BE(0x8180 | code | (isCutShort ? 0x0200 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, bytes, ...records]);
}

function recordOf(owner: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(type, 0);
  fields.writeUInt16BE(1, 2);
  fields.writeUInt32BE(ttl, 4);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fields, data]);
}

function encodedName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** The bytes of an address in the form `2001:db8::1`; no other form is accepted. */
function ipv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): number[] =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  const bytes = Buffer.alloc(16);
  all.forEach((group, index) => bytes.writeUInt16BE(group, index * 2));
  return bytes;
}
