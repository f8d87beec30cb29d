import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './doc-page';

/** The folders of the transport, of its worker and of the server that simulates its provider. */
const ownFolders = /^(?:libs\/transports\/webpush|apps\/worker-webpush|libs\/sandbox)\//;

/** Tests, pages and generated files may name every transport. */
const anywhere =
  /spec\.ts$|\/testing\/|\.md$|^(?:openapi\.json|docs\/.*|libs\/client\/src\/openapi\.ts|apps\/e2e\/src\/[^/]+)$/;

/** The files and folders that the section of a page names in its tables. */
function namedIn(page: string, heading: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const section = text.slice(text.indexOf(heading)).split('\n## ', 1)[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

it('every file outside the folders of Web Push that names it is in the list of CONTRIBUTING.md or of its README.md', () => {
  const listed = [
    ...namedIn('CONTRIBUTING.md', '## Add a transport'),
    ...namedIn('libs/transports/webpush/README.md', '## Files outside its folders'),
  ];
  expect(listed.length).toBeGreaterThan(40);
  const naming = execFileSync('git', ['grep', '-lIi', 'webpush'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const others = naming.filter((file) => !ownFolders.test(file) && !anywhere.test(file));
  expect(others.length).toBeGreaterThan(30);
  const isListed = (file: string) =>
    listed.some((name) => name === file || name === basename(file) || file.startsWith(`${name}/`)) ||
    /^apps\/[^/]+\/tsconfig\.json$/.test(file);
  expect(others.filter((file) => !isListed(file))).toEqual([]);
});
