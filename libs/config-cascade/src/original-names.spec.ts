import { originalFileAdvice, originalNames, originalPropertyAdvice } from './original-names';
import { knownProperty, registry } from './property-registry';
import { foreignNameReason, propertyText } from './property-check';

const pns = 'com.openexchange.pns';
const switches = `${pns}.transport`;

it.each([
  [`${switches}.apns.enabled`, `${switches}.apn.ios.enabled`],
  [`${switches}.apn.enabled`, `${switches}.apn.ios.enabled`],
  [`${switches}.apns_http2.ios.enabled`, `${switches}.apn.ios.enabled`],
  [`${switches}.apns_http2.enabled.my-app.ox:mail:new`, `${switches}.apn.ios.enabled.my-app.ox:mail:new`],
  [`${switches}.apn_http2.enabled`, `${switches}.apn.ios.enabled`],
  [`${switches}.fcm.enabled`, `${switches}.gcm.enabled`],
  [`${switches}.websockets.enabled`, `${switches}.websocket.enabled`],
  [`${switches}.webhook.enabled.crm`, `${switches}.webhooks.enabled.crm`],
  ['com.openexchange.websockets.enabled', `${switches}.websocket.enabled`],
  ['com.openexchange.webhooks.enabled', `${switches}.webhooks.enabled`],
])('the original name %s is reported with its name in PNS, %s', (name, replacement) => {
  expect(originalPropertyAdvice(name)).toBe(`is called ${replacement} here`);
  expect(knownProperty(replacement)).toBeDefined();
});

it.each([
  [`${switches}.webhooks.httpsOnly`, 'for each webhook in webhooks.yml: httpsOnly'],
  [`${switches}.webhooks.allowLocalWebhooks`, 'for each webhook in webhooks.yml: allowedNetworks'],
  [`${switches}.webhooks.allowTrustAll`, 'for each webhook in webhooks.yml: caFile'],
  [`${switches}.webhooks.http.maxConnections`, 'maxConnections'],
  [`${switches}.webhooks.http.maxConnectionsPerHost`, 'maxConnections'],
  [`${switches}.webhooks.http.connectionTimeout`, 'timeoutMillis'],
  [`${switches}.webhooks.http.socketReadTimeout`, 'timeoutMillis'],
  [`${switches}.webhooks.http.hardReadTimeout`, 'timeoutMillis'],
  [`${pns}.numMaxProcessorThreads`, 'is not needed'],
  ['com.openexchange.websockets.grizzly.remote.delayDuration', 'is not needed'],
  ['com.openexchange.push.allowedClients', 'is not needed'],
  ['com.openexchange.push.allowPermanentPush', 'docs/dovecot.md'],
  ['com.openexchange.push.dovecot.enabled', 'docs/dovecot.md'],
  ['com.openexchange.push.imapidle.enabled', 'docs/dovecot.md'],
  ['com.openexchange.push.mail.notify.enabled', 'docs/dovecot.md'],
  ['com.openexchange.push.malpoll.enabled', 'docs/dovecot.md'],
  ['com.openexchange.rest.services.basic-auth.login', 'POST /v1/api-keys'],
  ['com.openexchange.rest.services.basic-auth.password', 'POST /v1/api-keys'],
  ['com.openexchange.config.cascade.scopes', 'the order is always user, context, context sets, server'],
  ['com.openexchange.config.cascade.types', 'tags in the directory'],
  ['com.openexchange.config.cascade.useConfigCascadeCache', 'is not needed'],
  ['taxonomy/types', 'tags in the directory'],
  ['addTags', 'contextSets/'],
  ['com.openexchange.drive.events.apn.ios.enabled', 'has no counterpart'],
  ['com.openexchange.capability.switchboard', 'webhooks.yml'],
])('%s: %s', (name, advice) => {
  expect(foreignNameReason(name)).toContain(advice);
  expect(() => propertyText(name, 'x', 'server')).toThrow(advice);
});

it.each([
  ['meta/', 'final'],
  ['pushClientConfig/', 'pns-apns-options.yml'],
  ['pns-mobile-api-facade-clients.yml', 'is not needed'],
  ['pns-apns_http2-options.yml', 'its name here is pns-apns-options.yml'],
  ['pns-fcm-options.yml', 'its name here is pns-gcm-options.yml'],
  ['contextsets/', 'its name here is contextSets/'],
])('the file %s: %s', (name, advice) => {
  expect(originalFileAdvice(name)).toContain(advice);
});

it('never advises against a property that PNS knows, or a file that it reads', () => {
  for (const name of registry.keys()) expect(originalPropertyAdvice(name)).toBeUndefined();
  expect(originalNames.properties + originalNames.files).toBeGreaterThanOrEqual(40);
});

it.each([
  ['a typing mistake', `${pns}.delayDurations`, `${pns}.delayDuration`],
  ['two typing mistakes', `${pns}.retry.atempt`, `${pns}.retry.attempts`],
  ['two words that are written as one', `${pns}.retryAttempts`, `${pns}.retry.attempts`],
  ['a typing mistake before suffixes', `${switches}.wms.enabled.my-app.ox:mail:new`, `${switches}.wns.enabled`],
])('%s is reported with the nearest name', (_, name, nearest) => {
  expect(foreignNameReason(name)).toBe(`is not known; the nearest is ${nearest}`);
});

it.each([`${switches}.mqtt.enabled`, `${pns}.pigeons`, 'com.openexchange.websockets.colour'])(
  'a name that is similar to no known name is reported without a suggestion: %s',
  (name) => expect(foreignNameReason(name)).toBe('is not known; GET /v1/config/properties lists all names'),
);

it.each(['com.openexchange.mail.folder', 'toString', '__proto__', 'log4j.rootLogger', ''])(
  '%j belongs to other software',
  (name) => {
    expect(foreignNameReason(name)).toBeUndefined();
  },
);
