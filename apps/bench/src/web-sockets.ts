import { KeySpace } from '@pns/redis';
import { EndedSessions, SessionTokens } from '@pns/sessions';
import { Redis } from 'ioredis';
import { Child } from './child';
import { userOf } from './notifications';

/** The commands of the program `clients/web-sockets`: open sockets, or wait for the notifications from `first` on. */
export type SocketQuestion =
  | { readonly urls: readonly string[]; readonly protocol: SocketProtocol }
  | { readonly first: number; readonly count: number };

/** What the messages of a socket are: packets of Socket.IO 5, or events alone. */
export type SocketProtocol = 'socket.io' | 'bare';

/** How many of the expected notifications did not arrive at the sockets, or arrived twice. */
export interface Arrived {
  /** When the last one arrived, in ms since the epoch. */
  readonly lastAt: number;
  readonly lost: number;
  readonly duplicated: number;
}

/** The secret that signs the sessions of the sockets of both sides. The baseline does not check the signatures. */
export const sessionSecret = 'a-session-secret-of-the-benchmarks';

/** Sockets in a separate process, one for each user from 0 on, at one server. */
export class WebSockets {
  private constructor(private readonly child: Child) {}

  /** Opens a socket for each user at `origin`, in the same way for PNS and a bare Socket.IO. */
  static async open(origin: string, users: number): Promise<WebSockets> {
    return WebSockets.openAll({ urls: await urlsOf(origin, users), protocol: 'socket.io' });
  }

  /** Opens a Web Socket without Socket.IO for each user, at the URL of the user. */
  static async openBare(urls: readonly string[]): Promise<WebSockets> {
    return WebSockets.openAll({ urls, protocol: 'bare' });
  }

  private static async openAll(question: SocketQuestion): Promise<WebSockets> {
    const sockets = new WebSockets(Child.start('clients/web-sockets'));
    try {
      await sockets.child.ask(question);
    } catch (error) {
      await sockets.close();
      throw error;
    }
    return sockets;
  }

  /** Resolves when `count` notifications from `first` on have arrived, or when no more have arrived for too long. */
  arrivalOf(first: number, count: number): Promise<Arrived> {
    return this.child.ask({ first, count });
  }

  close(): Promise<void> {
    return this.child.stop();
  }
}

/** The lifetime of a session, in s. It is longer than any soak, because the end of a session closes its sockets. */
const sessionSeconds = 7 * 24 * 3600;

async function urlsOf(origin: string, users: number): Promise<string[]> {
  // This Redis is not used; it would only announce the end of sessions.
  const sessions = new SessionTokens(
    sessionSecret,
    new EndedSessions(new Redis({ lazyConnect: true }), new KeySpace(1)),
  );
  const base = `${origin.replace('http', 'ws')}/socket.io/appsuite/?transport=websocket&EIO=4`;
  return Promise.all(
    Array.from({ length: users }, async (_, index) => {
      const { token } = await sessions.issue({ ...userOf(index), ttlSeconds: sessionSeconds });
      return `${base}&connection=tab-${index}&session=${token}`;
    }),
  );
}
