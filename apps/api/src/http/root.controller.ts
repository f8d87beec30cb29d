import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

const manifest = join(__dirname, '..', '..', '..', '..', 'package.json');
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };

/** The pages that the root links to. */
const links = { docs: '/docs', openapi: '/openapi.json', health: '/health/ready', metrics: '/metrics' };

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PNS</title>
</head>
<body>
<h1>PNS ${version}</h1>
<p>The push notification service is running. Applications use its API:</p>
<ul>
<li><a href="${links.docs}">API reference</a></li>
<li><a href="${links.openapi}">OpenAPI document</a></li>
<li><a href="${links.health}">health</a></li>
<li><a href="${links.metrics}">metrics</a></li>
</ul>
</body>
</html>
`;

/** Answers `/` with a page for browsers and with the same links as JSON for programs. */
@ApiExcludeController()
@Controller()
export class RootController {
  @Get('/')
  root(@Headers('accept') accept = '', @Res({ passthrough: true }) reply: FastifyReply): string | object {
    void reply.header('vary', 'accept');
    if (!accept.includes('text/html')) return { name: 'PNS', version, ...links };
    void reply.type('text/html; charset=utf-8');
    return page;
  }
}
