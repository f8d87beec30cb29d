import { io } from 'socket.io-client';
import ioV2 from 'socket.io-client-v2';
import type { AppProcess } from './app-process';
import type { System } from './system';

/** The common interface of Socket.IO 2 and 4 clients. */
interface ClientSocket {
  readonly connected: boolean;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  close(): unknown;
}

export type Generation = 'v2' | 'v4';

/** A browser's socket and its received notifications. */
export interface Listener {
  readonly received: { readonly frame: unknown[]; readonly at: number }[];
  /** Resolves when `count` notifications have arrived. */
  got(count: number): Promise<void>;
  /** Resolves when `holds` returns true for the received notifications. */
  until(holds: () => boolean): Promise<void>;
  /** How often the socket was sent `notifications:missed`. */
  timesInformed(): number;
  /** How often the socket connected. */
  timesConnected(): number;
  /** The reason of each failed connect. */
  readonly refusals: unknown[];
  readonly socket: ClientSocket;
}

const topics = [
  ...['ox:mail:new', 'ox:mail:read', 'ox:mail:flags', 'ox:mail:deleted', 'ox:folder:changed'],
  'ox:calendar:updates',
];

/** Opens a socket of `user` at a websocket worker and resolves when it is connected. */
export async function listen(
  system: System,
  user: { context: number; user: number },
  {
    generation = 'v4',
    worker = system.app('worker-websocket'),
    ...query
  }: { generation?: Generation; connection?: string; meta?: 1; worker?: AppProcess } = {},
): Promise<Listener> {
  const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', user);
  return openSocket(worker.url, { generation, session: token, ...query });
}

/** Opens a socket with the token of a session at `url`, and resolves when it is connected. */
export async function openSocket(
  url: string,
  {
    generation,
    reconnection = false,
    ...query
  }: { generation: Generation; session: string; connection?: string; meta?: 1; reconnection?: boolean },
): Promise<Listener> {
  const options = {
    path: '/socket.io/appsuite/',
    query,
    transports: ['websocket'],
    forceNew: true,
    reconnection,
  };
  const socket: ClientSocket = generation === 'v4' ? io(url, options) : ioV2(url, options);
  const received: Listener['received'] = [];
  const waiting = new Set<() => void>();
  for (const topic of topics) {
    socket.on(topic, (...args: unknown[]) => {
      received.push({ frame: [topic, ...args], at: Date.now() });
      for (const check of waiting) check();
    });
  }
  let informed = 0;
  socket.on('notifications:missed', () => informed++);
  let timesConnected = 0;
  const refusals: unknown[] = [];
  socket.on('connect_error', (reason) => refusals.push(reason));
  await new Promise<void>((resolve, reject) => {
    socket.on('connect', () => {
      timesConnected++;
      resolve();
      for (const check of waiting) check();
    });
    socket.on('connect_error', reject);
  });
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const got = (count: number) => until(() => received.length >= count);
  return {
    received,
    got,
    until,
    timesInformed: () => informed,
    timesConnected: () => timesConnected,
    refusals,
    socket,
  };
}
