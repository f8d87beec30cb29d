import { answerOf, pages, type PnsClient } from '@pns/client';
import type { DoctorEnv } from '../env';
import { readableSecrets } from './file-modes';

/** A part of PNS that is switched off for the whole server, or a risk that may be intended; and its cost. */
export interface Note {
  /** The property or variable that switches the part off, or the file with the risk. */
  readonly where: string;
  readonly cost: string;
}

type Off = (value: string) => boolean;

const isFalse: Off = (value) => value === 'false';
const isEmpty: Off = (value) => value === '';

/** Properties that switch a part off for the server scope, and the cost. Narrower scopes may have other values. */
const properties: readonly (readonly [name: string, isOff: Off, cost: string])[] = [
  ['com.openexchange.pns.transport.websocket.enabled', isFalse, 'Open pages get nothing over Web Sockets.'],
  ['com.openexchange.pns.transport.webhooks.enabled', isFalse, 'Webhooks get nothing.'],
  ['com.openexchange.pns.transport.webpush.enabled', isFalse, 'Browsers with a closed tab get nothing.'],
  ['com.openexchange.pns.transport.apn.ios.enabled', isFalse, 'Apple devices get nothing.'],
  ['com.openexchange.pns.transport.gcm.enabled', isFalse, 'Android devices with Firebase get nothing.'],
  ['com.openexchange.pns.transport.wns.enabled', isFalse, 'Windows devices get nothing.'],
  ['com.openexchange.pns.transport.webpush.subject', isEmpty, 'Apple and Mozilla may refuse Web Push messages.'],
  [
    'com.openexchange.pns.history',
    (value) => value !== 'all',
    'The history cannot show the outcome of each notification.',
  ],
  [
    'com.openexchange.pns.endpoint.disableAfter',
    (value) => value === '0',
    'An endpoint that never works again is tried without end.',
  ],
  ['com.openexchange.pns.operator.webhook', isEmpty, 'Only the log and the metrics report failing endpoints.'],
];

const variables: readonly (readonly [name: string, cost: string])[] = [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'There are no traces.'],
  ['PNS_QUEUE_BOARD', 'No page shows the queues.'],
];

const readableByAll = 'Every account of this machine may read it, and it may contain secrets.';

/** Lists the parts that are switched off for the whole server, and the risks. @throws ProblemError if the API refuses the key */
export async function notesOf(client: PnsClient, { all: env, configDir }: DoctorEnv): Promise<Note[]> {
  const values = new Map<string, string>();
  const { items } = await answerOf(client.GET('/v1/config/properties'));
  for (const { name, default: value } of items) values.set(name, text(value));
  const list = (cursor?: string) =>
    client.GET('/v1/config/server/properties', {
      params: { query: { limit: 500, ...(cursor !== undefined && { cursor }) } },
    });
  for await (const { name, value } of pages(list)) values.set(name, text(value));
  return [
    ...properties
      .filter(([name, isOff]) => isOff(values.get(name) ?? ''))
      .map(([name, , cost]) => ({ where: `${name}=${values.get(name) ?? ''}`, cost })),
    ...variables
      .filter(([name]) => ['', 'off'].includes(env[name] ?? ''))
      .map(([name, cost]) => ({ where: `${name} is not set`, cost })),
    ...(configDir === undefined ? [] : readableSecrets(configDir)).map((where) => ({ where, cost: readableByAll })),
  ];
}

function text(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).toLowerCase();
}
