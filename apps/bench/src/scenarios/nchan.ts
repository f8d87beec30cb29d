import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNchan, type ServerProcess } from '@pns/local-servers';
import { Child } from '../child';
import type { PublishQuestion } from '../clients/nchan-publisher';
import type { Measured, Scenario, Size } from '../scenario';
import { WebSockets } from '../web-sockets';
import { deliveredToSockets, toSockets, usualUsers } from './websocket';

/** A channel for each user. nchan keeps its messages in memory; all other settings are its defaults. */
const channels = (port: number): string => `
  access_log off;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    location ~ ^/publish/(\\d+)$ { nchan_publisher http; nchan_channel_id $1; }
    location ~ ^/subscribe/(\\d+)$ { nchan_subscriber websocket; nchan_channel_id $1; }
  }`;

async function baseline(size: Size): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'pns-bench-'));
  try {
    const nginx = await startNchan({ folder, http: channels });
    try {
      return await throughNchan(size, nginx);
    } finally {
      await nginx.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function throughNchan(size: Size, nginx: ServerProcess): Promise<Measured> {
  const publisher = Child.start('clients/nchan-publisher');
  let sockets: WebSockets | undefined;
  const ask = (question: PublishQuestion) => publisher.ask<object>(question);
  try {
    sockets = await WebSockets.openBare(
      Array.from({ length: usualUsers }, (_, user) => `ws://127.0.0.1:${nginx.port}/subscribe/${user}`),
    );
    return await deliveredToSockets(
      size,
      sockets,
      { nginx: nginx.pid },
      {
        prepare: async (first, count) => void (await ask({ first, count, users: usualUsers })),
        release: () => ask({ url: `http://127.0.0.1:${nginx.port}` }),
      },
    );
  } finally {
    await Promise.all([sockets?.close(), publisher.stop()]);
  }
}

/**
 * The deliveries of `websocket`, compared with nchan, a module of nginx for Web Sockets. Its messages are posted one by one, and are
 * lost when nginx ends. Its rate includes the sender, so compare the CPU time.
 */
export const nchan: Scenario = {
  name: 'nchan',
  unit: 'deliveries/s',
  ours: toSockets(usualUsers),
  baseline,
  isOptional: true,
};
