import { Decoder, PacketType } from 'socket.io-parser';

/** Stands for an `auth` that is not a JSON object. It is compared by identity, so that no client can send it. */
export const invalidAuth: object = Object.freeze({});

/** Matches a CONNECT to the default namespace, and captures the text after it. */
const connectPacket = /^0(?:\/,)?(?!\/)(.+)$/s;

/**
 * The decoder of Socket.IO, except that a CONNECT whose `auth` is a text, a list, a number or broken JSON reaches the gateway as
 * `invalidAuth`. Socket.IO would close the socket without an answer, or misread the number.
 */
export class ClientDecoder extends Decoder {
  override add(packet: string | Buffer): void {
    const auth = typeof packet === 'string' ? connectPacket.exec(packet)?.[1] : undefined;
    if (auth === undefined || isObject(auth)) super.add(packet);
    else this.emitReserved('decoded', { type: PacketType.CONNECT, nsp: '/', data: invalidAuth });
  }
}

function isObject(json: string): boolean {
  try {
    return json.startsWith('{') && typeof JSON.parse(json) === 'object';
  } catch {
    return false;
  }
}
