import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { cleanupOpenApiDoc } from 'nestjs-zod';
import { finishDescription } from './openapi-finish';

const description = `Post a notification for a user, and PNS sends it to every device, browser and server that this user subscribed.

Every request needs an API key, as \`Authorization: Bearer <key>\` or as the password of Basic. Errors are RFC 9457
problems (\`application/problem+json\`) with a stable \`code\`; lists are paged: \`?limit\` up to 500, and \`?cursor\` with the
\`nextCursor\` of the previous page.

Any request can be refused before it reaches a route: 400 \`REQUEST_MALFORMED\`, 404 \`PATH_UNKNOWN\`, 408
\`REQUEST_TIMEOUT\` and 431 \`HEADERS_TOO_LARGE\`.`;

/** Generates the OpenAPI document from the controllers, which takes about a second. `npm run openapi` writes it to `openapi.json`. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('PNS')
    .setDescription(description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key.' })
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'Any user name, and an API key as password.' })
    .addApiKey({ type: 'apiKey', in: 'query', name: 'session', description: 'A session token.' }, 'session')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'A session token.' }, 'sessionBearer')
    .build();
  return finishDescription(cleanupOpenApiDoc(SwaggerModule.createDocument(app, config)));
}

const viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">';

/** The page may connect to this API only. Inline styles are allowed, because Swagger UI sets some. */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

/** Serves the committed OpenAPI document at `/openapi.json` and Swagger UI at `/docs`. */
export function serveDocumentation(app: NestFastifyApplication): void {
  const document = JSON.parse(readFileSync(join(__dirname, '../../../../openapi.json'), 'utf8')) as OpenAPIObject;
  // The hook adds a viewport to Nest's page. Without it, a phone would show the desktop layout in small print.
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (request, reply, page, done) => {
      if (!/^\/docs(?:[/?]|$)/.test(request.url)) return done(null, page);
      void reply.headers(pageHeaders);
      if (request.routeOptions.url !== '/docs' || typeof page !== 'string') return done(null, page);
      done(null, page.replace('<head>', `<head>\n  ${viewport}`));
    });
  SwaggerModule.setup('docs', app, document, {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'PNS',
    customCss: '.swagger-ui .topbar { display: none }',
    // The page stores no API key, because every script of this origin could read it.
    swaggerOptions: { persistAuthorization: false },
  });
}
