import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

it('openapi.ts fits openapi.json; after a change of the API run npm run client', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-client-'));
  try {
    const file = join(folder, 'openapi.ts');
    // The generator runs in a child process, because it is published as ES modules only, which Jest cannot load.
    execFileSync(process.execPath, [join(__dirname, '../scripts/generate.mjs'), pathToFileURL(file).href]);
    expect(readFileSync(join(__dirname, 'openapi.ts'), 'utf8')).toBe(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
