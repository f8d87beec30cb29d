import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { propertiesPage } from './properties-page';

it('docs/properties.md equals the registry; `npm run properties-page` writes it', () => {
  expect(readFileSync(join(__dirname, '../../../docs/properties.md'), 'utf8')).toBe(propertiesPage());
});
