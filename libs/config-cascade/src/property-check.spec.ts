import { propertyText } from './property-check';

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
])('%s takes %j', (name, value, text) => {
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
])('%s does not take %j', (name, value, kind) => {
  expect(() => propertyText(name, value, 'server')).toThrow(`${name} cannot be ${kind}.`);
});

it.each([
  `${pns}.mobile.api.facade.apn.sound.filename`,
  `${pns}.template.title.mobile`,
  'com.openexchange.webhooks.enabledIds',
])('%s holds no NUL', (name) => {
  expect(() => propertyText(name, 'a\0b', 'server')).toThrow(`${name} must not hold NUL.`);
});

it('a template may have several lines', () => {
  expect(propertyText(`${pns}.template.body`, '{{subject}}\r\n\t{{teaser}}', 'user')).toBe(
    '{{subject}}\r\n\t{{teaser}}',
  );
});
