import { randomUUID } from 'node:crypto';
import { PnsError } from '@pns/runtime';
import { parsedUrl } from '@pns/transport-contract';

/** The parameters of a client's handshake. */
export interface Handshake {
  readonly path: string;
  /** Absent if a client of Socket.IO 4 sends it with its CONNECT instead. */
  readonly session?: string;
  readonly connection: string;
  /** Whether the server generated the connection id. */
  readonly isAnonymous: boolean;
  readonly wantsMeta: boolean;
}

const connectionSyntax = /^[A-Za-z0-9_.~-]{1,128}$/;

/**
 * Reads the URL of a handshake.
 *
 * @throws PnsError `TRANSPORT_UNKNOWN`, `CONNECTION_INVALID`, `SESSION_MISSING` or `PATH_UNKNOWN`
 */
export function readHandshake(url: string): Handshake {
  const target = parsed(url);
  if (target === undefined) throw unknownPath();
  const { pathname, searchParams } = target;
  // A client without the parameter `EIO` uses Engine.IO 3. `sid` belongs to a polling session that continues by Web Socket.
  if (searchParams.get('transport') !== 'websocket' || searchParams.has('sid')) throw unknownTransport();
  const session = searchParams.get('session') ?? '';
  if (session === '' && searchParams.get('EIO') !== '4') throw sessionMissing();
  const given = searchParams.get('connection') ?? '';
  if (given !== '' && !connectionSyntax.test(given)) {
    throw new PnsError('CONNECTION_INVALID', 'connection must be 1 to 128 of A-Z, a-z, 0-9, _, ., ~ and -.');
  }
  return {
    path: pathname,
    ...(session === '' ? {} : { session }),
    connection: given === '' ? randomUUID() : given,
    isAnonymous: given === '',
    wantsMeta: searchParams.get('meta') === '1',
  };
}

/** The path of a request, without its query; undefined if a proxy might read another path. */
export function pathOf(url: string): string | undefined {
  return parsed(url)?.pathname;
}

export function unknownTransport(): PnsError {
  return new PnsError('TRANSPORT_UNKNOWN', 'Only transport=websocket is served here.');
}

export function unknownPath(): PnsError {
  return new PnsError('PATH_UNKNOWN', 'No client has this path; see websocket-clients.yml.');
}

export function sessionMissing(): PnsError {
  return new PnsError('SESSION_MISSING', 'Send a session token as the parameter session or as auth.token.');
}

/**
 * Parses the target of a request. Returns undefined if a proxy might read another path, because the target has dot segments,
 * backslashes, a fragment, or characters that must be encoded.
 */
function parsed(target: string): URL | undefined {
  const url = parsedUrl(`ws://any${target}`);
  return url?.pathname === target.split('?', 1)[0] ? url : undefined;
}
