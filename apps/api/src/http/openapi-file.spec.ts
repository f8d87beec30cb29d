import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { offlineDescription } from './offline-description';
import { incompatibleChanges, unnamedChanges, type ApiDocument } from './testing/incompatible-changes';

const root = join(__dirname, '../../../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The document of the newest release: `docs/api/openapi-<major>.<minor>.json`. */
function releasedFile(): string {
  const byVersion = new Intl.Collator('en', { numeric: true });
  const documents = readdirSync(join(root, 'docs/api')).filter((name) => name.startsWith('openapi-'));
  const [newest] = documents.sort((one, other) => byVersion.compare(other, one));
  return `docs/api/${newest}`;
}

describe('openapi.json', () => {
  it('is the document of the current API; `npm run openapi` writes it', async () => {
    expect(read('openapi.json')).toBe(`${JSON.stringify(await offlineDescription(), null, 2)}\n`);
  });

  it('has no incompatible change since the last release, except those under "Breaking" in the changelog', () => {
    const [before, after] = [releasedFile(), 'openapi.json'].map((file) => JSON.parse(read(file)) as ApiDocument);
    const changes = incompatibleChanges(before as ApiDocument, after as ApiDocument);
    expect(unnamedChanges(changes, read('CHANGELOG.md'))).toEqual([]);
  });
});
