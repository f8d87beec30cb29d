// Generates src/openapi.ts, the types of all operations, from openapi.json. Every error is a problem, so the types have one
// answer for all errors. Examples are left out.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTypes, { astToString } from 'openapi-typescript';

const source = new URL('../../../openapi.json', import.meta.url);
const target = new URL(process.argv[2] ?? '../src/openapi.ts', import.meta.url);

const description = JSON.parse(readFileSync(source, 'utf8'), (name, value) =>
  name === 'example' || name === 'examples' ? undefined : value,
);
const problem = {
  description: 'An error.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
for (const path of Object.values(description.paths)) {
  for (const operation of Object.values(path)) {
    delete operation.description;
    const answers = Object.entries(operation.responses).filter(
      ([status]) => status < '400' || operation.tags?.includes('Health'),
    );
    for (const [, { content }] of answers) {
      // An answer is JSON unless the request asks for another form, for example CSV. The types have only JSON.
      const json = content?.['application/json'];
      if (json !== undefined) for (const type in content) if (content[type] !== json) delete content[type];
    }
    operation.responses = { ...Object.fromEntries(answers), default: problem };
  }
}
const types = await openapiTypes(description, { defaultNonNullable: false });
writeFileSync(target, `// Generated from openapi.json; run: npm run client\n\n${astToString(types)}`);
