import { PnsError } from '@pns/runtime';
import fc from 'fast-check';
import { foreignNameReason, propertyText } from './property-check';
import { registry } from './property-registry';
import { scopes } from './resolve';

const pns = 'com.openexchange.pns';

const delay = `${pns}.delayDuration`;
const isEnabled = `${pns}.transport.apn.ios.enabled.mobile`;
const webhooks = 'com.openexchange.webhooks.enabledIds';
const aggregation = `${pns}.aggregation`;
const title = `${pns}.template.title`;

it.each([
  [delay, 5000, '5000'],
  [delay, ' 5000 ', '5000'],
  [isEnabled, true, 'true'],
  [isEnabled, 'false', 'false'],
  [webhooks, ['one', 'two'], 'one,two'],
  [webhooks, [], ''],
  [webhooks, 'one, two', 'one, two'],
  [aggregation, 'latest', 'latest'],
  [title, '5000', '5000'],
])('%s accepts %j', (name, value, text) => {
  expect(propertyText(name, value, 'server')).toBe(text);
});

it.each([
  [delay, ['5000'], 'a list'],
  [delay, true, 'true or false'],
  [isEnabled, ['true'], 'a list'],
  [isEnabled, 1, 'a number'],
  [webhooks, false, 'true or false'],
  [webhooks, 5, 'a number'],
  [aggregation, ['latest'], 'a list'],
  [title, ['a'], 'a list'],
  [title, true, 'true or false'],
  [title, 5000, 'a number'],
])('%s refuses %j', (name, value, kind) => {
  expect(() => propertyText(name, value, 'server')).toThrow(`${name} cannot be ${kind}.`);
});

it.each([
  [`${delay}.ox:mail:new`, delay],
  [`${pns}.retry.attempts.mobile`, `${pns}.retry.attempts`],
  [`${pns}.transport.gcm.enabled.`, `${pns}.transport.gcm.enabled`],
  [delay.toLowerCase(), delay],
  [delay.toUpperCase(), delay],
  [`"${delay}"`, delay],
  [`'${delay}'`, delay],
  [`-D${delay}`, delay],
])('suggests the property for %s', (name, property) => {
  expect(foreignNameReason(name)).toBe(`is not known; the nearest is ${property}`);
});

it.each([pns, 'com.openexchange.webhooks'])('reports %s', (name) => {
  expect(foreignNameReason(name)).toBe('is not known; GET /v1/config/properties lists all names');
});

it.each(['com.openexchange.mail.adminMailLoginEnabled', 'com.openexchange.pnsx.a', 'xcom.openexchange.pns.a', 'a'])(
  '%s belongs to other software',
  (name) => expect(foreignNameReason(name)).toBeUndefined(),
);

it.each([
  `${pns}.mobile.api.facade.apn.sound.filename`,
  `${pns}.template.title.mobile`,
  'com.openexchange.webhooks.enabledIds',
])('%s must not contain NUL', (name) => {
  expect(() => propertyText(name, 'a\0b', 'server')).toThrow(`${name} must not contain NUL.`);
});

it('a template may have several lines', () => {
  expect(propertyText(`${pns}.template.body`, '{{subject}}\r\n\t{{teaser}}', 'user')).toBe(
    '{{subject}}\r\n\t{{teaser}}',
  );
});

it.each<[string, string | readonly string[], string]>([
  [title, 'x'.repeat(4097), 'must have at most 4096 characters'],
  [title, '{{#a}}'.repeat(2_000_000), 'must have at most 4096 characters'],
  [
    title,
    `${'{{#a}}'.repeat(40)}x${'{{/a}}'.repeat(40)}`,
    'is not a Mustache template: its sections are nested deeper than 10 levels',
  ],
  [
    `${pns}.template.body.mobile.ox:mail:new`,
    '{{> other}}',
    'is not a Mustache template: {{> other}} names another template, and there are none',
  ],
  [
    `${pns}.template.body`,
    `{{a${' '.repeat(200)}}}`,
    'is not a Mustache template: it has more than 100 blanks in a row',
  ],
  [webhooks, ','.repeat(16_385), 'must have at most 16384 characters'],
  [webhooks, Array.from({ length: 1001 }, () => 'id'), 'must have at most 1000 entries'],
  [`${pns}.template.data`, Array.from({ length: 1000 }, () => 'field'.repeat(4)), 'must have at most 16384 characters'],
  [`${pns}.mobile.api.facade.apn.sound.filename`, 'x'.repeat(256), 'must have at most 255 characters'],
  [delay, '9'.repeat(1_000_000), 'must be at most 86400000'],
])('%s refuses text that takes long to read', (name, value, fault) => {
  expect(() => propertyText(name, value, 'server')).toThrow(
    new PnsError('PROPERTY_VALUE_INVALID', `${name} ${fault}.`),
  );
});

it('any text is a value of any property, or is refused with a code', () => {
  const names = [...registry.keys()].flatMap((name) => [name, `${name}.mobile`, `${name}.ox:mail:new`]);
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{{', '}}', '#', '/', ',', '9', ' ', 'true', '\0'),
  );
  const text = fc.array(fc.tuple(part, fc.nat(300)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...names), text, fc.constantFrom(...scopes), (name, parts, scope) => {
      try {
        expect(
          propertyText(name, parts.map(([of, times]) => of.repeat(times)).join(''), scope).length,
        ).toBeLessThanOrEqual(16_384);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^PROPERTY_/) as string });
      }
    }),
    { numRuns: 1000 },
  );
});
