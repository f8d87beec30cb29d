import { registry, scopes, type Property } from '@pns/config-cascade';

const typeTitles: Readonly<Record<Property<unknown>['type'], string>> = {
  boolean: 'true or false',
  integer: 'whole number',
  text: 'text',
  choice: 'equal, latest or collect',
  list: 'list, separated by commas',
};

/** The suffixes of a name, such as `.<client>.<topic>`; outside of code they would be parsed as HTML. */
const suffixes = /(?:\.<\w+>)+/g;

/** The reference page of all properties, in Markdown. */
export function propertiesPage(): string {
  const rows = [...registry].map(([name, { type, fallback, scopes: allowed, sentence }]) => {
    const where = allowed.length === scopes.length ? 'everywhere' : allowed.join(', ');
    const usual = String(fallback) === '' ? 'none' : `\`${String(fallback)}\``;
    return `| \`${name}\` | ${typeTitles[type]} | ${usual} | ${where} | ${sentence.replace(suffixes, '`$&`')} |`;
  });
  return `# Properties

Made from the registry by \`npm run properties-page\`; a test fails when this page lags behind.

A property is looked for at the user, the context, the context sets that match (the lowest rank first), and the server. The
first that defines it decides, else the default holds. What the API sets for the server counts more than \`*.properties\`, and its
context sets come before those of \`contextSets/*.yml\`.

Where a client or a topic stands behind the name, the longer name decides before the narrower scope: client and topic, then
client, then topic, then the name alone. A value that was set with \`"final":"context"\`, or another scope, is the last word:
narrower scopes are not asked.

| name | value | default | may be set | |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
