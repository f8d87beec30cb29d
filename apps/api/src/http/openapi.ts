import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { cleanupOpenApiDoc } from 'nestjs-zod';

const description = `Post a notification for a user, and every device, browser and server that this user subscribed hears about it.

Every request carries an API key, as \`Authorization: Bearer <key>\` or as the password of Basic. Errors are RFC 9457
problems (\`application/problem+json\`) with a stable \`code\`; lists are paged: \`?limit\` up to 500, and \`?cursor\` with the
\`nextCursor\` of the page before.`;

/** The API's description, made from its controllers. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('PNS')
    .setDescription(description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key.' })
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'Any user name, and an API key as password.' })
    .build();
  return cleanupOpenApiDoc(SwaggerModule.createDocument(app, config));
}

/** Serves the description at `/openapi.json` and a page to read and try it at `/docs`. */
export function serveDocumentation(app: NestFastifyApplication): void {
  const document = openApiDocument(app);
  SwaggerModule.setup('docs', app, document, {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'PNS',
    swaggerOptions: { persistAuthorization: true, tagsSorter: 'alpha' },
  });
}
