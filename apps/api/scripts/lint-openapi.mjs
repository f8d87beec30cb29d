// Lints the OpenAPI document on stdin with Redocly's rules and writes a line for each fault. It is a separate program because
// the linter is published as ES modules only.
import { text } from 'node:stream/consumers';
import { createConfig, lintFromString } from '@redocly/openapi-core';

const config = await createConfig({
  extends: ['recommended'],
  rules: {
    'no-invalid-media-type-examples': 'error',
    'no-invalid-parameter-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'operation-operationId-url-safe': 'error',
    'tag-description': 'off',
    // Two kinds of routes have no 4xx answer: health routes take no input, and the original's client API answers errors with 200.
    'operation-4xx-response': 'off',
  },
});
const problems = await lintFromString({ source: await text(process.stdin), absoluteRef: '/openapi.json', config });
for (const { severity, ruleId, message, location } of problems) {
  process.stdout.write(`${severity} ${ruleId} at ${location[0]?.pointer}: ${message.replace(/\s+/g, ' ')}\n`);
}
