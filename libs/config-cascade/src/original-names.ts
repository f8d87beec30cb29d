import { knownProperty } from './property-registry';

/** How a name without a replacement is handled. */
type Kind =
  /** PNS has no equivalent, and nothing has to be done. */
  | 'not-needed'
  /** PNS has it as an option of each webhook. */
  | 'per-webhook'
  /** The operator has to do something that no file can contain. */
  | 'by-hand';

/** What to do about a name, as the end of a sentence whose subject is the name. */
interface Advice {
  readonly kind: Kind;
  readonly advice: string;
}

/** Names of the original that match `pattern`, with their replacement in PNS (`$1` is the first group) or with advice. */
type OriginalName = { readonly pattern: RegExp } & ({ readonly replacement: string } | Advice);

/** How a property of the original is handled: the operator uses its name in PNS, or follows the advice. */
type OriginalProperty = { readonly kind: 'renamed'; readonly name: string } | Advice;

const pns = 'com.openexchange.pns';
const byHand = (advice: string): Advice => ({ kind: 'by-hand', advice });
const inWebhooks = (field: string): Advice => ({
  kind: 'per-webhook',
  advice: `is set for each webhook in webhooks.yml: ${field}`,
});
const notNeeded = (why: string): Advice => ({ kind: 'not-needed', advice: `is not needed: ${why}` });
const notHere = (what: string): Advice => ({ kind: 'not-needed', advice: `has no counterpart: ${what}` });
const ofTheMailServer = notNeeded(
  'PNS does not look for mail; the mail server or another producer calls it (docs/dovecot.md)',
);

/** Properties; the first match decides. Source: the documentation and the properties files of the original. */
const properties: readonly OriginalName[] = [
  // Switches of transports with other spellings, with suffixes for clients and topics.
  replaced(
    /transport\.(?:apns?|apns?_http2|apn2)(?:\.ios)?\.enabled((?:\..*)?)$/,
    `${pns}.transport.apn.ios.enabled$1`,
  ),
  replaced(/transport\.apns?\.(?:macos|watchos)\.enabled((?:\..*)?)$/, `${pns}.transport.apn.ios.enabled$1`),
  replaced(/transport\.(?:fcm|firebase|android)(?:\.android)?\.enabled((?:\..*)?)$/, `${pns}.transport.gcm.enabled$1`),
  replaced(/transport\.gcm\.android\.enabled((?:\..*)?)$/, `${pns}.transport.gcm.enabled$1`),
  replaced(/transport\.wns\.windows\.enabled((?:\..*)?)$/, `${pns}.transport.wns.enabled$1`),
  replaced(/transport\.(?:websockets|socketio)\.enabled((?:\..*)?)$/, `${pns}.transport.websocket.enabled$1`),
  replaced(/transport\.webhook\.enabled((?:\..*)?)$/, `${pns}.transport.webhooks.enabled$1`),
  {
    pattern: /^com\.openexchange\.websockets\.enabled((?:\..*)?)$/,
    replacement: `${pns}.transport.websocket.enabled$1`,
  },
  { pattern: /^com\.openexchange\.webhooks\.enabled$/, replacement: `${pns}.transport.webhooks.enabled` },
  { pattern: /^com\.openexchange\.pns\.webhooks\.enabledIds$/, replacement: 'com.openexchange.webhooks.enabledIds' },
  // Settings for all webhooks.
  advised(/transport\.webhooks\.httpsOnly$/, inWebhooks('httpsOnly')),
  advised(/transport\.webhooks\.allowLocalWebhooks$/, inWebhooks('allowedNetworks, such as [10.0.0.0/8]')),
  advised(/transport\.webhooks\.allowTrustAll$/, inWebhooks('caFile, the certificate to trust')),
  advised(/transport\.webhooks\.http\.maxConnections(?:PerHost)?$/, inWebhooks('maxConnections')),
  advised(
    /transport\.webhooks\.http\.(?:connectionTimeout|socketReadTimeout|hardConnectTimeout|hardReadTimeout)$/,
    inWebhooks('timeoutMillis'),
  ),
  advised(/transport\.webhooks\.http\./, inWebhooks('timeoutMillis and maxConnections')),
  // Queues and threads.
  advised(
    /numMaxProcessorThreads$/,
    notNeeded(`${pns}.numProcessorThreads limits how many batches a dispatcher works on at once`),
  ),
  advised(/subscriptions?\.(?:cache|enabledCache).*$/, notNeeded('caches are updated automatically')),
  {
    pattern: /^com\.openexchange\.websockets\.grizzly\./,
    ...notNeeded('sockets of other nodes need no separate queue'),
  },
  {
    pattern: /^com\.openexchange\.(?:socketio|engineio)\./,
    ...notNeeded('the intervals of Socket.IO are fixed at the values that clients of the original expect'),
  },
  // Producers of mail events.
  { pattern: /^com\.openexchange\.push\.allowPermanentPush$/, ...ofTheMailServer },
  { pattern: /^com\.openexchange\.push\.allowedClients$/, ...notNeeded('every client may subscribe') },
  { pattern: /^com\.openexchange\.push\.dovecot\./, ...ofTheMailServer },
  { pattern: /^com\.openexchange\.push\.imapidle\./, ...ofTheMailServer },
  { pattern: /^com\.openexchange\.push\.(?:mail\.notify|malpoll|mailnotify)\./, ...ofTheMailServer },
  { pattern: /^com\.openexchange\.push\.(?:udp|ms)\./, ...notHere('the groupware sends these pushes') },
  { pattern: /^com\.openexchange\.push\.credstorage\./, ...ofTheMailServer },
  { pattern: /^com\.openexchange\.push\./, ...ofTheMailServer },
  {
    pattern: /^com\.openexchange\.rest\.services\.basic-auth\.(?:login|password)$/,
    ...byHand('is replaced by API keys: give the mail server one as its password (POST /v1/api-keys, docs/dovecot.md)'),
  },
  // The cascade itself.
  {
    pattern: /^com\.openexchange\.config\.cascade\.scopes$/,
    ...notHere('the order is always user, context, context sets, server; resellers are context sets here'),
  },
  {
    pattern: /^com\.openexchange\.config\.cascade\.types$/,
    ...byHand('is replaced by tags in the directory: PUT /v1/contexts/{context}'),
  },
  {
    pattern: /^com\.openexchange\.config\.cascade\./,
    ...notNeeded('caches are updated automatically'),
  },
  { pattern: /^taxonomy\/types$/, ...byHand('is replaced by tags in the directory: PUT /v1/contexts/{context}') },
  { pattern: /^(?:withTags|addTags)$/, ...byHand('belongs in a file of contextSets/') },
  // Other parts of the groupware that send pushes.
  { pattern: /^com\.openexchange\.drive\.events\./, ...notHere('the groupware sends the pushes of Drive') },
  { pattern: /^com\.openexchange\.chronos\.alarm\./, ...notHere('alarms are sent by the groupware') },
  {
    pattern: /^com\.openexchange\.(?:capability\.)?switchboard\b/,
    ...notNeeded('Switchboard is a webhook: configure it in webhooks.yml'),
  },
  {
    pattern: /^com\.openexchange\.pns\.mobile\.api\.facade\.(?:gcm|fcm|android)\./,
    ...notNeeded('a push through FCM contains the data, and the app decides how to display it'),
  },
  {
    pattern: /^com\.openexchange\.pns\.mobile\.api\.facade\.baseurl$/i,
    ...notNeeded('pushes contain no links to the facade'),
  },
];

/** Files and folders of the original. */
const files: readonly OriginalName[] = [
  {
    pattern: /^meta\/$/,
    ...byHand('is not read: `final` is set with a property over the API (PUT /v1/config/server/properties/{name})'),
  },
  {
    pattern: /^pushClientConfig\/$/,
    ...byHand(
      'is not read: move each entry to pns-apns-options.yml or pns-gcm-options.yml; the client is the name of the entry without -ios or -android',
    ),
  },
  {
    pattern: /^pns-mobile-api-facade-clients\.ya?ml$/,
    ...notNeeded('every client of the option files gets the texts of the mobile API facade'),
  },
  { pattern: /^pns-apns_http2-options\.ya?ml$/, replacement: 'pns-apns-options.yml' },
  { pattern: /^pns-apn-options\.ya?ml$/, replacement: 'pns-apns-options.yml' },
  { pattern: /^pns-fcm-options\.ya?ml$/, replacement: 'pns-gcm-options.yml' },
  { pattern: /^pns-webhooks?-options\.ya?ml$/, replacement: 'webhooks.yml' },
  { pattern: /^context-?sets\/$/i, replacement: 'contextSets/' },
];

/** How a property of the original that PNS does not read is handled; undefined for any other name. */
export function originalProperty(name: string): OriginalProperty | undefined {
  if (knownProperty(name) !== undefined) return undefined;
  const found = foundIn(properties, name);
  if (found?.kind === 'renamed' && knownProperty(found.name) === undefined) return undefined;
  return found;
}

/** Advice for a property of the original that PNS does not read; undefined for any other name. */
export function originalPropertyAdvice(name: string): string | undefined {
  const found = originalProperty(name);
  return found?.kind === 'renamed' ? `is called ${found.name} here` : found?.advice;
}

/** Advice for a file or folder of the original. A folder's name ends with a slash. */
export function originalFileAdvice(name: string): string | undefined {
  const found = foundIn(files, name);
  if (found?.kind !== 'renamed') return found?.advice;
  return found.name === name ? undefined : `is not read: its name here is ${found.name}`;
}

/** How many patterns for names of the original there are. */
export const originalNames = { properties: properties.length, files: files.length } as const;

function foundIn(names: readonly OriginalName[], name: string): OriginalProperty | undefined {
  const found = names.find(({ pattern }) => pattern.test(name));
  if (found === undefined || !('replacement' in found)) return found;
  return { kind: 'renamed', name: name.replace(found.pattern, found.replacement) };
}

function replaced(end: RegExp, replacement: string): OriginalName {
  return { pattern: new RegExp(`^com\\.openexchange\\.pns\\.${end.source}`), replacement };
}

function advised(end: RegExp, advice: Advice): OriginalName {
  return { pattern: new RegExp(`^com\\.openexchange\\.pns\\.${end.source}`), ...advice };
}
