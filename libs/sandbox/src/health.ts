import { metrics } from '@pns/runtime';
import { Health } from '@pns/runtime/health';
import type { FastifyInstance } from 'fastify';

/** The health routes of every app. The sandbox is always ready, because it depends on no other server. */
export function healthRoutes(app: FastifyInstance): void {
  const health = new Health();
  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/health/ready', async (_, reply) => {
    const { ready, parts } = await health.report();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', parts });
  });
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
}
