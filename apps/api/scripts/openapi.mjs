// Writes openapi.json from the controllers. `--release` also writes the document with which later changes are compared. The
// script needs the build, but neither Postgres nor Redis.
import { readFileSync, writeFileSync } from 'node:fs';
import { offlineDescription } from '@pns/api';

const root = new URL('../../../', import.meta.url);
const text = `${JSON.stringify(await offlineDescription(), null, 2)}\n`;
writeFileSync(new URL('openapi.json', root), text);
if (process.argv.includes('--release')) {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  writeFileSync(new URL(`docs/api/openapi-${version.split('.', 2).join('.')}.json`, root), text);
}
