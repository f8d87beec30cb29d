import type { io as socketIo, Socket } from 'socket.io-client';

/** Data about a notification: the third element of its event. */
export interface NotificationMeta {
  /** The id that the producer received. */
  readonly id: string;
  /** Time of acceptance, in ms since the epoch. */
  readonly timestamp: number;
  /** How many joined notifications this one stands for. */
  readonly count: number;
}

export interface PnsSocketOptions {
  /** Returns the token of a session. Called for the first connection, and when PNS has ended or refused the session. */
  readonly session: () => string | Promise<string>;
  /** Called for each notification, once for each id. */
  readonly onNotification: (topic: string, payload: Record<string, unknown>, meta: NotificationMeta) => void;
  /** Fetches the data of the page: called when the socket first opens, and when notifications may have been lost. */
  readonly refresh?: () => void;
  /** Called when the socket opens, closes or cannot be opened, with the reason. */
  readonly onState?: (isConnected: boolean, reason?: string) => void;
  /** The path of the client, as in websocket-clients.yml. Default: the path of App Suite. */
  readonly path?: string;
  /** The id of this page, which producers send as `sourceToken`. Default: a random one. */
  readonly connection?: string;
}

export interface PnsSocket {
  /** The socket of Socket.IO. */
  readonly socket: Socket;
  close(): void;
}

/** Opens a Web Socket of PNS at `url` with `io` of Socket.IO 4, and keeps it open until it is closed. */
export function pnsSocket(io: typeof socketIo, url: string, options: PnsSocketOptions): PnsSocket;
