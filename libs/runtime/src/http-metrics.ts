import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram } from 'prom-client';
import { metrics } from './metrics';

/** Few buckets, in seconds, because each route has a series for every bucket and class of status. */
const buckets = [0.01, 0.05, 0.25, 1, 5];

const requestDuration = new Histogram({
  name: 'pns_http_request_duration_seconds',
  help: 'Time from the head of a request to the end of its answer, by the template of the route and the class of the status.',
  labelNames: ['method', 'route', 'status'],
  buckets,
  registers: [metrics],
});

/** The classes of the statuses with which the routes of PNS answer. */
const statusClasses = ['2xx', '4xx', '5xx'];

/** The same labels for all requests without a route, because a sender can invent any number of paths and methods. */
const unmatched = { method: 'any', route: 'unmatched' };

/** Measures every request to `server`. Call it before routes are registered. The count of each route and class starts at 0. */
export function measureRequests(server: FastifyInstance): void {
  for (const status of statusClasses.slice(1)) requestDuration.zero({ ...unmatched, status });
  server.addHook('onRoute', ({ method, url }) => {
    // Fastify adds a HEAD route to each GET route. It is rarely used, so its counts do not start at 0.
    for (const each of [method].flat().filter((name) => name !== 'HEAD')) {
      for (const status of statusClasses) requestDuration.zero({ method: each, route: url, status });
    }
  });
  server.addHook('onResponse', (request, reply, done) => {
    requestDuration.observe(labelsOf(request, reply), reply.elapsedTime / 1000);
    done();
  });
}

function labelsOf({ method, routeOptions }: FastifyRequest, { statusCode }: FastifyReply) {
  const status = `${Math.floor(statusCode / 100)}xx`;
  return routeOptions.url === undefined ? { ...unmatched, status } : { method, route: routeOptions.url, status };
}
