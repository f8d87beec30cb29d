import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const publicFolder = join(__dirname, '..', 'public');
/** The client of the Socket.IO version of our server. */
const socketIoClient = join(dirname(require.resolve('socket.io/package.json')), 'client-dist', 'socket.io.min.js');

const files: readonly { path: string; file: string; type: string }[] = [
  { path: '/', file: join(publicFolder, 'index.html'), type: 'text/html; charset=utf-8' },
  { path: '/sandbox.css', file: join(publicFolder, 'sandbox.css'), type: 'text/css; charset=utf-8' },
  { path: '/sandbox.js', file: join(publicFolder, 'sandbox.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/pns-socket.js', file: require.resolve('@pns/client/browser'), type: 'text/javascript; charset=utf-8' },
  { path: '/faults.js', file: join(publicFolder, 'faults.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/history.js', file: join(publicFolder, 'history.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/app/', file: join(publicFolder, 'app', 'index.html'), type: 'text/html; charset=utf-8' },
  { path: '/app/app.css', file: join(publicFolder, 'app', 'app.css'), type: 'text/css; charset=utf-8' },
  { path: '/app/app.js', file: join(publicFolder, 'app', 'app.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/app/worker.js', file: join(publicFolder, 'app', 'worker.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/app/icon.svg', file: join(publicFolder, 'app', 'icon.svg'), type: 'image/svg+xml' },
  {
    path: '/app/manifest.webmanifest',
    file: join(publicFolder, 'app', 'manifest.webmanifest'),
    type: 'application/manifest+json',
  },
  { path: '/socket.io.min.js', file: socketIoClient, type: 'text/javascript; charset=utf-8' },
];

/**
 * The policy of the page. Arrivals are untrusted text: the page shows them and must not execute them. It may connect only to the
 * sandbox and to one socket node.
 */
function contentSecurityPolicy(websocketUrl: string | undefined): string {
  const sockets = websocketUrl === undefined ? '' : ` ${websocketUrl} ${websocketUrl.replace(/^http/, 'ws')}`;
  return `default-src 'self'; connect-src 'self'${sockets}; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** Serves the page that shows arrivals, and its files. `websocketUrl` is where the page's socket connects, if it opens one. */
export function pageRoutes(app: FastifyInstance, websocketUrl?: string): void {
  const policy = contentSecurityPolicy(websocketUrl);
  for (const { path, file, type } of files) {
    app.get(path, (_, reply) =>
      reply
        .header('content-security-policy', policy)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-store')
        .type(type)
        .send(readFileSync(file)),
    );
  }
}
