import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Standing } from '../report';

/** The expected report of an entry: its line, its name if the report shows it, and its standing. */
type Expected = readonly [line: number | undefined, entry: string | undefined, standing: Standing];

/** A file of a folder of the original, and the expected report of its entries. */
interface SampleFile {
  readonly file: string;
  readonly content: string | Buffer;
  readonly expected: readonly Expected[];
}

/** Texts that no output may contain. */
export const sampleSecrets = [
  'basic-geheim',
  'geheim0815',
  'keystore-geheim',
  'A3JWKAKR8XB',
  'AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546',
  'wns-geheim',
  'Bearer 0815-geheim',
  'signing-geheim',
  'imap-geheim',
] as const;

const pns = 'com.openexchange.pns';
const switches = `${pns}.transport`;
const crlf = (text: string) => text.replaceAll('\n', '\r\n');
const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** Files as administrators write them. `keystore` is a PKCS #12 file with the password `keystore-geheim`, `key` a key in PEM. */
export function sampleFiles(keystore: Buffer, key: string): readonly SampleFile[] {
  return [
    {
      file: 'pns.properties',
      content: crlf(`# Push
! another comment \\
  ${pns}.delayDuration   =  1500

${pns}.timerFrequency: 250
${pns}.numProcessorThreads 20
${pns}.maxProcessorTasks=\\
   \t 40\\
   96
${pns}.numMaxProcessorThreads=200
${pns}.delayDuration=2000\x20\x20
${pns}.maxDelayDuration=abc
${pns}.delayDurations=5
`),
      expected: [
        [3, `${pns}.delayDuration`, 'overridden'],
        [5, `${pns}.timerFrequency`, 'taken'],
        [6, `${pns}.numProcessorThreads`, 'taken'],
        [7, `${pns}.maxProcessorTasks`, 'taken'],
        [10, `${pns}.numMaxProcessorThreads`, 'not-needed'],
        [11, `${pns}.delayDuration`, 'taken'],
        [12, `${pns}.maxDelayDuration`, 'wrong'],
        [13, `${pns}.delayDurations`, 'unknown'],
      ],
    },
    {
      file: 'transports.properties',
      content: `${switches}.apn.ios.enabled=true
${switches}.apns_http2.ios.enabled=true
${switches}.fcm.enabled=tru\\u0065
${switches}.websocket.enabled.open-xchange-appsuite.ox\\:mail\\:new=true
${switches}.websocket.enabled.open-xchange-appsuite.ox:calendar:new=false
${switches}.webhooks.enabled=yes
${switches}.mqtt.enabled=true`,
      expected: [
        [1, `${switches}.apn.ios.enabled`, 'taken'],
        [2, `${switches}.apns_http2.ios.enabled`, 'overridden'],
        [3, `${switches}.fcm.enabled`, 'renamed'],
        [4, `${switches}.websocket.enabled.open-xchange-appsuite.ox:mail:new`, 'taken'],
        [5, `${switches}.websocket.enabled.open-xchange-appsuite.ox:calendar:new`, 'taken'],
        [6, `${switches}.webhooks.enabled`, 'wrong'],
        [7, `${switches}.mqtt.enabled`, 'unknown'],
      ],
    },
    {
      file: 'mobile-latin1.properties',
      content: latin1(`# Gl\xf6ckchen
${pns}.mobile.api.facade.apn.sound.filename=gl\xf6ckchen.caf\r${pns}.mobile.api.facade.gcm.color=rot
`),
      expected: [
        [2, `${pns}.mobile.api.facade.apn.sound.filename`, 'taken'],
        [3, `${pns}.mobile.api.facade.gcm.color`, 'not-needed'],
      ],
    },
    {
      file: 'mobile-utf8.properties',
      content: `\ufeff${pns}.mobile.api.facade.apn.badge.enabled = FALSE\n`,
      expected: [[1, `${pns}.mobile.api.facade.apn.badge.enabled`, 'taken']],
    },
    {
      file: 'webhooks.properties',
      content: `com.openexchange.webhooks.enabledIds = switchboard, \\
    crm,\\
    \\u0065rp
${switches}.webhooks.httpsOnly=false
${switches}.webhooks.allowLocalWebhooks=true
${switches}.webhooks.allowTrustAll=true
${switches}.webhooks.http.maxConnections=200
${switches}.webhooks.http.maxConnectionsPerHost=50
${switches}.webhooks.http.socketReadTimeout=4000
${switches}.webhooks.http.connectionTimeout=1000
`,
      expected: [
        [1, 'com.openexchange.webhooks.enabledIds', 'taken'],
        [4, `${switches}.webhooks.httpsOnly`, 'renamed'],
        [5, `${switches}.webhooks.allowLocalWebhooks`, 'renamed'],
        [6, `${switches}.webhooks.allowTrustAll`, 'by-hand'],
        [7, `${switches}.webhooks.http.maxConnections`, 'not-needed'],
        [8, `${switches}.webhooks.http.maxConnectionsPerHost`, 'renamed'],
        [9, `${switches}.webhooks.http.socketReadTimeout`, 'renamed'],
        [10, `${switches}.webhooks.http.connectionTimeout`, 'not-needed'],
      ],
    },
    {
      file: 'old-pns.properties',
      content: `${pns}.timerFrequency=250\n${pns}.numProcessorThreads=5\n${switches}.webhooks.httpsOnly=true\n`,
      expected: [
        [1, `${pns}.timerFrequency`, 'overridden'],
        [2, `${pns}.numProcessorThreads`, 'wrong'],
        [3, `${switches}.webhooks.httpsOnly`, 'wrong'],
      ],
    },
    {
      file: 'server.properties',
      content: `com.openexchange.rest.services.basic-auth.login=open-xchange
com.openexchange.rest.services.basic-auth.password=basic-geheim
com.openexchange.server.backgroundNodeName :
`,
      expected: [
        [1, 'com.openexchange.rest.services.basic-auth.login', 'by-hand'],
        [2, 'com.openexchange.rest.services.basic-auth.password', 'by-hand'],
        [3, 'com.openexchange.server.backgroundNodeName', 'not-needed'],
      ],
    },
    {
      file: 'mail.properties',
      content: `com.openexchange.mail.loginSource=mail
com.openexchange.mail.masterPassword=imap-geheim
MAX_UPLOAD=10\n`,
      expected: [
        [1, 'com.openexchange.mail.loginSource', 'not-needed'],
        [2, 'com.openexchange.mail.masterPassword', 'not-needed'],
        [3, undefined, 'not-needed'],
      ],
    },
    {
      file: 'push.properties',
      content: `com.openexchange.push.allowedClients="USM-EAS*", "open-xchange-mobile-api-facade*"
com.openexchange.push.dovecot.enabled=true`,
      expected: [
        [1, 'com.openexchange.push.allowedClients', 'not-needed'],
        [2, 'com.openexchange.push.dovecot.enabled', 'not-needed'],
      ],
    },
    {
      file: 'websockets.properties',
      content: crlf(`com.openexchange.websockets.enabled=true
com.openexchange.websockets.grizzly.remote.delayDuration=1000
`),
      expected: [
        [1, 'com.openexchange.websockets.enabled', 'renamed'],
        [2, 'com.openexchange.websockets.grizzly.remote.delayDuration', 'not-needed'],
      ],
    },
    {
      file: 'cascade.properties',
      content: `com.openexchange.config.cascade.scopes=user, context, contextSets, server
com.openexchange.config.cascade.useConfigCascadeCache=true
com.openexchange.config.cascade.types=types`,
      expected: [
        [1, 'com.openexchange.config.cascade.scopes', 'not-needed'],
        [2, 'com.openexchange.config.cascade.useConfigCascadeCache', 'not-needed'],
        [3, 'com.openexchange.config.cascade.types', 'by-hand'],
      ],
    },
    {
      file: 'broken.properties',
      content: `${pns}.retry.attempts=\\u12
geheim0815
C:\\users=1
com.openexchange.drive.events.apn.ios.enabled=true
`,
      expected: [
        [1, `${pns}.retry.attempts`, 'wrong'],
        [2, undefined, 'not-needed'],
        [3, undefined, 'wrong'],
        [4, 'com.openexchange.drive.events.apn.ios.enabled', 'not-needed'],
      ],
    },
    {
      file: 'ALARMS.PROPERTIES',
      content: `${pns}.retry.baseDelay=4000\n`,
      expected: [[1, `${pns}.retry.baseDelay`, 'taken']],
    },
    {
      file: 'utf16.properties',
      content: Buffer.from(`\ufeff${pns}.delayDuration=1\n`, 'utf16le'),
      expected: [[undefined, undefined, 'wrong']],
    },
    { file: 'comments.properties', content: '# nothing\n\n   ! here\n', expected: [] },
    {
      file: 'contextSets/a-premium.yml',
      content: crlf(`# Paying customers
premium:
    withTags: premium & !(trial | internal)
    addTags: paying
    ${pns}.delayDuration: 0
    ${switches}.apn.ios.enabled: yes
    ${switches}.websocket.enabled.open-xchange-appsuite.ox:calendar:updates: "false"
    com.openexchange.mail.loginSource: login
    ${pns}.timerFrequency: 100
`),
      expected: [
        [3, 'premium.withTags', 'taken'],
        [4, 'premium.addTags', 'taken'],
        [5, `premium.${pns}.delayDuration`, 'taken'],
        [6, `premium.${switches}.apn.ios.enabled`, 'taken'],
        [7, `premium.${switches}.websocket.enabled.open-xchange-appsuite.ox:calendar:updates`, 'taken'],
        [8, 'premium.com.openexchange.mail.loginSource', 'not-needed'],
        [9, `premium.${pns}.timerFrequency`, 'not-needed'],
      ],
    },
    {
      file: 'contextSets/b-trial.yaml',
      content: `"trial":
  withTags: trial
  ${switches}.fcm.enabled: off
  ${switches}.webhooks.httpsOnly: false
  ${pns}.pigeons: 1
  taxonomy/types: trial
premium:
  withTags: gold & ucTask
  com.openexchange.webhooks.enabledIds: crm
`,
      expected: [
        [2, 'trial.withTags', 'taken'],
        [3, `trial.${switches}.fcm.enabled`, 'renamed'],
        [4, `trial.${switches}.webhooks.httpsOnly`, 'by-hand'],
        [5, `trial.${pns}.pigeons`, 'unknown'],
        [6, 'trial.taxonomy/types', 'by-hand'],
        [7, 'premium', 'renamed'],
        [8, 'premium.withTags', 'by-hand'],
        [9, 'premium.com.openexchange.webhooks.enabledIds', 'taken'],
      ],
    },
    {
      file: 'contextSets/c-broken.yml',
      content: `first:
  withTags: a &
  ${pns}.delayDuration: 5
second:
  withTags: [a
third:
  withTags: c
  ${pns}.delayDuration: soon
fourth:
  ${pns}.delayDuration: 5
`,
      expected: [
        [2, 'first.withTags', 'wrong'],
        [3, `first.${pns}.delayDuration`, 'by-hand'],
        [5, 'second', 'wrong'],
        [7, 'third.withTags', 'taken'],
        [8, `third.${pns}.delayDuration`, 'wrong'],
        [9, 'fourth', 'wrong'],
        [10, `fourth.${pns}.delayDuration`, 'by-hand'],
      ],
    },
    {
      file: 'pns-apns-options.yml',
      content: `# Only an example
myiosclient:
    # Disabled...
    enabled: false
    keystore: /opt/open-xchange/etc/mykey-apns.p12
    password: A3JWKAKR8XB
    production: true
    topic: myBundleId

mail-app:
    enabled: on
    keystore: /opt/open-xchange/etc/mail.p12
    password: keystore-geheim
    production: no
    topic: com.example.mail
    privatekey: unused.p8
    colour: blue

tasks-app: {authtype: JWT, privatekey: keys/AuthKey.p8, keyid: KEY0000001, teamid: TEAM000001, topic: com.example.tasks}

lost-app:
    keystore: /opt/open-xchange/etc/lost.p12
    password: keystore-geheim
    topic: com.example.lost
`,
      expected: [
        [4, 'myiosclient.enabled', 'taken'],
        [5, 'myiosclient.keystore', 'taken'],
        [6, 'myiosclient.password', 'taken'],
        [7, 'myiosclient.production', 'taken'],
        [8, 'myiosclient.topic', 'taken'],
        [11, 'mail-app.enabled', 'taken'],
        [12, 'mail-app.keystore', 'renamed'],
        [13, 'mail-app.password', 'taken'],
        [14, 'mail-app.production', 'taken'],
        [15, 'mail-app.topic', 'taken'],
        [16, 'mail-app.privatekey', 'not-needed'],
        [17, 'mail-app.colour', 'unknown'],
        [19, 'tasks-app.authtype', 'taken'],
        [19, 'tasks-app.privatekey', 'renamed'],
        [19, 'tasks-app.keyid', 'taken'],
        [19, 'tasks-app.teamid', 'taken'],
        [19, 'tasks-app.topic', 'taken'],
        [22, 'lost-app.keystore', 'wrong'],
        [23, 'lost-app.password', 'by-hand'],
        [24, 'lost-app.topic', 'by-hand'],
      ],
    },
    {
      file: 'pns-gcm-options.yml',
      content: `mygoogleclient:
    enabled: false
    key: AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546
mail-app:
    key: AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546
`,
      expected: [
        [2, 'mygoogleclient.enabled', 'taken'],
        [3, 'mygoogleclient.key', 'taken'],
        [5, 'mail-app.key', 'wrong'],
      ],
    },
    {
      file: 'pns-wns-options.yml',
      content: `mywindowsclient:
    sid: ms-app://S-1-15-2-1-2-3-4
    secret: wns-geheim
old-windows:
    sid: 12345
    secret: wns-geheim
`,
      expected: [
        [2, 'mywindowsclient.sid', 'taken'],
        [3, 'mywindowsclient.secret', 'taken'],
        [5, 'old-windows.sid', 'wrong'],
        [6, 'old-windows.secret', 'by-hand'],
      ],
    },
    {
      file: 'pushClientConfig/mobile.yml',
      content: `calendar-app-ios:
  _type: apn
  authtype: jwt
  privatekey: /opt/open-xchange/etc/keys/AuthKey.p8
  keyid: KEY0000001
  teamid: TEAM000001
  topic: com.example.calendar
calendar-app-android:
  _type: fcm
  key: AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546
drive-mobile:
  _type: apn
  topic: com.example.drive
strange:
  topic: com.example.strange
`,
      expected: [
        [2, 'calendar-app-ios._type', 'renamed'],
        [3, 'calendar-app-ios.authtype', 'renamed'],
        [4, 'calendar-app-ios.privatekey', 'renamed'],
        [5, 'calendar-app-ios.keyid', 'renamed'],
        [6, 'calendar-app-ios.teamid', 'renamed'],
        [7, 'calendar-app-ios.topic', 'renamed'],
        [9, 'calendar-app-android._type', 'by-hand'],
        [10, 'calendar-app-android.key', 'wrong'],
        [12, 'drive-mobile._type', 'not-needed'],
        [13, 'drive-mobile.topic', 'not-needed'],
        [15, 'strange.topic', 'unknown'],
      ],
    },
    {
      file: 'webhooks.yml',
      content: crlf(`defaults: &defaults
  uri: http://10.0.0.5/push
  signatureSecret: signing-geheim

switchboard:
  <<: *defaults
  webhookSecret: Bearer 0815-geheim
  uriValidationMode: PREFIX
  maxTimeToLiveMillis: 86_400_000
  allowSharedUri: Yes
crm:
  uri: https://crm.example.com/push
  uri: https://crm.example.com/hook
  uriValidationMode: none
  retries: 3
erp:
  login: only
  uri: https://erp.example.com/
empty:
`),
      expected: [
        [2, 'defaults.uri', 'taken'],
        [3, 'defaults.signatureSecret', 'taken'],
        [2, 'switchboard.uri', 'taken'],
        [3, 'switchboard.signatureSecret', 'taken'],
        [7, 'switchboard.webhookSecret', 'taken'],
        [8, 'switchboard.uriValidationMode', 'renamed'],
        [9, 'switchboard.maxTimeToLiveMillis', 'taken'],
        [10, 'switchboard.allowSharedUri', 'taken'],
        [11, 'crm', 'by-hand'],
        [12, 'crm.uri', 'overridden'],
        [13, 'crm.uri', 'taken'],
        [14, 'crm.uriValidationMode', 'taken'],
        [15, 'crm.retries', 'unknown'],
        [16, 'erp', 'wrong'],
        [17, 'erp.login', 'by-hand'],
        [18, 'erp.uri', 'by-hand'],
        [19, 'empty', 'wrong'],
      ],
    },
    {
      file: 'backup/webhooks.yml',
      content: 'switchboard:\n  uri: https://old.example.com/push\n',
      expected: [[2, 'switchboard.uri', 'wrong']],
    },
    {
      file: 'meta/pns.yml',
      content: `${switches}.websocket.enabled:
  final: context
  protected: true
com.openexchange.mail.loginSource:
  final: server
`,
      expected: [
        [2, `${switches}.websocket.enabled`, 'by-hand'],
        [3, `${switches}.websocket.enabled`, 'not-needed'],
        [5, 'com.openexchange.mail.loginSource', 'not-needed'],
      ],
    },
    {
      file: 'pns-mobile-api-facade-clients.yml',
      content: 'open-xchange-mobile-api-facade-blue:\n  enabled: true\n  description: Blue\n',
      expected: [[1, 'open-xchange-mobile-api-facade-blue', 'not-needed']],
    },
    {
      file: 'hazelcast.yml',
      content: 'hazelcast:\n  network: {port: 5701}\nother: 1\n',
      expected: [
        [1, 'hazelcast', 'not-needed'],
        [3, 'other', 'not-needed'],
      ],
    },
    { file: 'as-config.yml', content: '- one\n- two\n', expected: [[1, undefined, 'not-needed']] },
    { file: 'mail.p12', content: keystore, expected: [[undefined, undefined, 'renamed']] },
    { file: 'keys/AuthKey.p8', content: key, expected: [[undefined, undefined, 'renamed']] },
    { file: 'unused.p8', content: key, expected: [[undefined, undefined, 'not-needed']] },
    { file: 'noipcheck.cnf', content: '127.0.0.1\n', expected: [[undefined, undefined, 'not-needed']] },
    {
      file: 'pns.properties.dpkg-old',
      content: `${pns}.delayDuration=1`,
      expected: [[undefined, undefined, 'not-needed']],
    },
    {
      file: 'groupware/nested.properties',
      content: `${pns}.transport.wns.enabled \t = \t true`,
      expected: [[1, `${pns}.transport.wns.enabled`, 'taken']],
    },
  ];
}

export function writeSample(folder: string, files: readonly SampleFile[]): void {
  for (const { file, content } of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
}
