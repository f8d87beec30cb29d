// Writes docs/properties.md from the registry. Needs the build.
import { writeFileSync } from 'node:fs';
import { propertiesPage } from '../dist/properties-page.js';

writeFileSync(new URL('../../../docs/properties.md', import.meta.url), propertiesPage());
