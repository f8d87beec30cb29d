import { once } from 'node:events';
import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WebsocketClients } from './emit/websocket.clients';
import { listenHost, nestLogger, PnsError } from '@pns/runtime';
import { httpServer, listen } from '@pns/runtime/app';
import { UpgradeAdmission } from './admission/upgrade-admission';
import { pathOf, unknownPath, unknownTransport } from './admission/handshake';
import { refusalOf, refusalReason } from './admission/refusal';
import { SocketServerAdapter } from './admission/socket-server.adapter';
import { SocketNodeModule, type SocketNodeOptions } from './socket-node.module';

/** Starts a node that holds sockets. It answers health checks on its own port, and on `healthPort` when there is one. */
export async function startSocketNode(
  options: SocketNodeOptions,
  healthPort?: number,
): Promise<NestFastifyApplication> {
  const module = SocketNodeModule.forRoot(options);
  const app = await NestFactory.create<NestFastifyApplication>(module, httpServer(), {
    logger: nestLogger,
    bodyParser: false,
    abortOnError: false,
  });
  app.useWebSocketAdapter(new SocketServerAdapter(app, app.get(UpgradeAdmission)));
  refusePolling(app);
  if (healthPort !== undefined) await answerHealthAt(healthPort, app);
  await listen('worker-websocket', app, options.env.PNS_WEBSOCKET_PORT);
  return app;
}

/**
 * Refuses handshakes of Socket.IO's polling transport, which have no upgrade, before their body is read. Pages can read the reason,
 * also if the browser sends a preflight (OPTIONS) or the URL lacks the client's path.
 */
function refusePolling(app: NestFastifyApplication): void {
  const clients = app.get(WebsocketClients);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    const path = pathOf(request.url);
    const isKnown = path !== undefined && clients.clientAt(path) !== undefined;
    if (!isKnown && !/[?&]transport=/.test(request.url)) return done();
    const { status, headers, body } = refusalOf(refusalReason(isKnown ? unknownTransport() : unknownPath()));
    if (request.method === 'OPTIONS') return void reply.code(204).headers(preflight).send();
    void reply
      .code(status)
      .headers({ ...headers, connection: 'close' })
      .send(body);
  });
}

const preflight = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': '*',
  'access-control-allow-headers': '*',
};

/** Serves the HTTP answers of the app at a separate port, so that clients of sockets need no access to that port. */
async function answerHealthAt(port: number, app: NestFastifyApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const server = createServer((request, response) => fastify.routing(request, response));
  fastify.addHook('onClose', (_, done) => void server.close(() => done()));
  await app.init();
  await fastify.ready();
  try {
    await once(server.listen(port, await listenHost()), 'listening');
  } catch (cause) {
    await app.close();
    throw new PnsError('PORT_IN_USE', `Port ${port} for health checks is in use; set PNS_HEALTH_PORT to another one.`, {
      cause,
    });
  }
}
