import { distinctId, type Delivery } from '@pns/transport-contract';

/** The event of a socket whose session ended. The server sends it and then closes the socket. */
export const sessionInvalidEvent = 'session:invalid';

/** The event of a socket that may have missed notifications that are stored nowhere. */
export const missedEvent = 'notifications:missed';

/** Names that Socket.IO reserves. A topic of this name cannot be sent. Source: Socket.IO's documentation, "Emit cheatsheet". */
const reservedEvents: ReadonlySet<string> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

/** Whether Socket.IO can send an event with the name of this topic. */
export function isEventName(topic: string): boolean {
  return !reservedEvents.has(topic);
}

/** Returns the event for a notification: topic and payload, and with `wantsMeta` also the id, time and count. */
export function frameOf(delivery: Delivery, wantsMeta: boolean): readonly [string, ...unknown[]] {
  const { topic, payload, notificationId, producer, timestamp, count } = delivery;
  const id = distinctId({ id: notificationId, producer });
  return wantsMeta ? [topic, payload, { id, timestamp, count }] : [topic, payload];
}

/** An event as it is written to a socket. */
export interface EncodedEvent {
  /** Socket.IO's EVENT packet in the default namespace, the same in both versions of its protocol: "Socket.IO protocol", 5. */
  readonly packet: string;
  /** The packet as Engine.IO's message, in one Web Socket frame. */
  readonly frame: Buffer;
}

export function encodedEvent(event: readonly [string, ...unknown[]]): EncodedEvent {
  const packet = `2${JSON.stringify(event)}`;
  return { packet, frame: textFrame(`4${packet}`) };
}

/** A server's unfragmented text frame: RFC 6455, 5.2. */
function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const headerBytes = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame[0] = 0x81;
  if (headerBytes === 2) frame[1] = bytes;
  else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, headerBytes);
  return frame;
}

/** A server's ping frame whose payload is this number: RFC 6455, 5.5.2. */
export function pingFrame(number: number): Buffer {
  const frame = Buffer.allocUnsafe(6);
  frame[0] = 0x89;
  frame[1] = 4;
  frame.writeUInt32BE(number, 2);
  return frame;
}
