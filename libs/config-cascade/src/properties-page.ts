import { registry, type PropertyType } from './properties';
import { scopes } from './resolve';

const typeTitles: Readonly<Record<PropertyType, string>> = {
  boolean: 'true or false',
  integer: 'whole number',
  text: 'text',
  choice: 'equal, latest or collect',
  list: 'list, separated by commas',
};

/** The reference page of all properties, in Markdown. */
export function propertiesPage(): string {
  const rows = [...registry].map(([name, { type, fallback, scopes: allowed, sentence }]) => {
    const where = allowed.length === scopes.length ? 'everywhere' : allowed.join(', ');
    return `| \`${name}\` | ${typeTitles[type]} | \`${String(fallback)}\` | ${where} | ${sentence} |`;
  });
  return `# Properties

Made from the registry by \`npm run properties-page\`; a test fails when this page lags behind. A property is looked for at
the user, the context, the context sets that match, and the server; the first that defines it decides, else the default holds.

| name | value | default | may be set | |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
