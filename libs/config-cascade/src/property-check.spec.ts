import { propertyText } from './property-check';

const pns = 'com.openexchange.pns';

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
