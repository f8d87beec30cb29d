import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const publicFolder = join(__dirname, '..', 'public');
/** The browser's half of the server that we run; the two always fit together. */
const socketIoClient = join(dirname(require.resolve('socket.io/package.json')), 'client-dist', 'socket.io.min.js');

const files: readonly { path: string; file: string; type: string }[] = [
  { path: '/', file: join(publicFolder, 'index.html'), type: 'text/html; charset=utf-8' },
  { path: '/sandbox.css', file: join(publicFolder, 'sandbox.css'), type: 'text/css; charset=utf-8' },
  { path: '/sandbox.js', file: join(publicFolder, 'sandbox.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/faults.js', file: join(publicFolder, 'faults.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/socket.io.min.js', file: socketIoClient, type: 'text/javascript; charset=utf-8' },
];

/** What arrives is other people's text; the page may show it and never run it. Sockets may be on any host. */
const contentSecurityPolicy =
  "default-src 'self'; connect-src *; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** The page that shows what arrives, and what it is made of. */
export function pageRoutes(app: FastifyInstance): void {
  for (const { path, file, type } of files) {
    app.get(path, (_, reply) =>
      reply
        .header('content-security-policy', contentSecurityPolicy)
        .header('cache-control', 'no-store')
        .type(type)
        .send(readFileSync(file)),
    );
  }
}
