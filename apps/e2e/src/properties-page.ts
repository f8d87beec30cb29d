import { registry, scopes, type Property } from '@pns/config-cascade';
import { z } from 'zod';

const typeTitles: Readonly<Record<Property<unknown>['type'], string>> = {
  boolean: 'true or false',
  integer: 'whole number',
  text: 'text',
  choice: 'one of a list',
  list: 'list, separated by commas',
};

/** The suffixes of a name, such as `.<client>.<topic>`; outside of code they would be parsed as HTML. */
const suffixes = /(?:\.<\w+>)+/g;

/** The values that a property may have, in words. */
function valuesOf({ type, schema }: Property<unknown>): string {
  if (!(schema instanceof z.ZodEnum)) return typeTitles[type];
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(schema.options.map(String));
}

/** The reference page of all properties, in Markdown. */
export function propertiesPage(): string {
  const rows = [...registry].map(([name, property]) => {
    const { fallback, scopes: allowed, sentence } = property;
    const where = allowed.length === scopes.length ? 'everywhere' : allowed.join(', ');
    const usual = String(fallback) === '' ? 'none' : `\`${String(fallback)}\``;
    return `| \`${name}\` | ${valuesOf(property)} | ${usual} | ${where} | ${sentence.replace(suffixes, '`$&`')} |`;
  });
  return `# Properties

Generated from the registry by \`npm run properties-page\`; a test fails when this page is out of date.

A property is looked up for the user, the context, the matching context sets (the lowest rank first), and the server. The
first scope that defines it decides; without any, the default holds. At the server, values that the API sets take precedence over
\`*.properties\`, and context sets of the API over those of \`contextSets/*.yml\`.

If a client or a topic may follow the name, a longer name takes precedence over a narrower scope: client and topic, then
client, then topic, then the name alone. A value that was set with \`"final":"context"\`, or another scope, holds for all
narrower scopes.

| name | value | default | may be set | |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
