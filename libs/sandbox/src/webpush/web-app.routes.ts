import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Providers } from '../providers';
import { answerOf, call, type Demo, ownPageOnly, someone } from '../demo';
import { demoSubject, sandboxOptions, setNavigate } from './demo-browser';

/** The clients of the web app: one for the push services of browsers, and one for the push service of the sandbox. */
const client = 'demo-web-app';
const sandboxClient = 'demo-web-app-sandbox';

const subscribed = z.strictObject({
  pushSubscription: z.object({
    endpoint: z.url().max(4096),
    expirationTime: z.number().nullish(),
    keys: z.object({ p256dh: z.string().max(256), auth: z.string().max(256) }),
  }),
});

/**
 * Adds routes by which the installable web app subscribes the user of the demonstration in the visitor's own browser. The
 * subscription uses the real push service of this browser, or the sandbox if the browser is configured for it.
 */
export function webAppRoutes(app: FastifyInstance, demo: Demo | undefined, providers: Providers | undefined): void {
  app.get('/app', (_, reply) => reply.redirect('/app/'));
  if (demo === undefined) {
    const error = 'The sandbox runs without PNS, so there is nothing to subscribe to. Start both with npm start.';
    app.get('/app/settings', (_, reply) => reply.code(503).send({ error }));
    return;
  }
  const pageUrl = (): string => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/app/`;
  app.get('/app/settings', (_, reply) => answerOf(reply, () => call(demo, 'GET', `/v1/clients/${client}/webpush-key`)));
  app.post('/app/subscriptions', { preHandler: ownPageOnly }, (request, reply) => {
    const { pushSubscription } = subscribed.parse(request.body);
    const isOurs = providers !== undefined && pushSubscription.endpoint.startsWith(`${providers.webpush.url}/`);
    const name = isOurs ? sandboxClient : client;
    const options = isOurs ? sandboxOptions(providers.authority) : { subject: demoSubject };
    return answerOf(reply, async () => {
      await call(demo, 'PUT', `/v1/clients/${name}/transports/webpush`, options);
      await setNavigate(demo, name, pageUrl());
      const subscription = { ...someone, client: name, transport: 'webpush', topics: ['*'], pushSubscription };
      return call(demo, 'POST', '/v1/subscriptions', subscription);
    });
  });
}
