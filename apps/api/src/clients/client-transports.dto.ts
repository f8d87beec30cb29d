import type { ClientTransport, HeldClient } from '@pns/persistence';
import { transportName, transportNames, type RegisteredTransport } from '@pns/transport-contract';
import { apnsOptions, apnsSecretFields } from '@pns/transport-apns';
import { fcmOptions, fcmSecretFields } from '@pns/transport-fcm';
import { wnsOptions, wnsSecretFields } from '@pns/transport-wns';
import { webhookOptions, webhookSecretFields } from '@pns/transport-webhook';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client } from '../http/fields';

/** A transport whose clients have options, how these are read, and which of their fields never come out again. */
interface Configurable {
  readonly options: z.ZodType;
  readonly secretFields: readonly string[];
}

export const configurables: Readonly<Record<RegisteredTransport, Configurable>> = {
  webhook: { options: webhookOptions, secretFields: webhookSecretFields },
  apns: { options: apnsOptions, secretFields: apnsSecretFields },
  fcm: { options: fcmOptions, secretFields: fcmSecretFields },
  wns: { options: wnsOptions, secretFields: wnsSecretFields },
};

const names = Object.keys(configurables) as RegisteredTransport[];

const transport = z
  .string()
  .refine((text) => names.some((name) => name === transportName(text)), `must be one of ${names.join(', ')}`)
  .transform((text) => transportName(text) as RegisteredTransport)
  .meta({ type: 'string', enum: names });

export class ClientTransportPath extends createZodDto(z.object({ client, transport })) {}

export class ClientTransportBody extends createZodDto(
  z.looseObject({}).describe("The fields of the transport's option file for one client; keys and keystores inline."),
) {}

const view = z.object({
  client: z.string(),
  transport: z.enum(names),
  options: z.looseObject({}).describe('Without secrets.'),
  secrets: z.array(z.string()).describe('The names of the secrets that are set.'),
  fault: z.string().optional().describe('Why the options cannot be used now.'),
  updatedAt: z.iso.datetime(),
});

export class ClientTransportView extends createZodDto(view) {}
const paused = z.object({
  client: z.string(),
  transport: z.enum(transportNames),
  deliveries: z.int().describe('So many wait.'),
  reason: z.string().describe('What the last of them failed of.'),
  since: z.iso.datetime(),
});

const fault = z.object({
  transport: z.enum(transportNames),
  file: z.string(),
  line: z.int().optional().describe('From 1.'),
  client: z.string().optional().describe('Absent where it is not the entry of one client that is at fault.'),
  reason: z.string(),
});

export class ClientTransportList extends createZodDto(
  z.object({
    items: z.array(view),
    paused: z
      .array(paused)
      .describe(
        'Clients whose deliveries wait until their credentials or settings are mended; all of them, on each page.',
      ),
    faults: z
      .array(fault)
      .describe(
        'What in the option files cannot be used, as this process reads them, all of it on each page; until it is mended, what the entry said before goes on to hold, if anything.',
      ),
    nextCursor: z.string().optional(),
  }),
) {}

export function pausedView({ since, ...held }: HeldClient): z.infer<typeof paused> {
  return { ...held, since: new Date(since).toISOString() };
}

export function clientTransportView(stored: ClientTransport): ClientTransportView {
  const { options, fault, updatedAt, ...key } = stored;
  const configurable: Configurable | undefined = configurables[key.transport as RegisteredTransport];
  if (configurable === undefined) return unknownTransportView(stored);
  const secretFields = new Set(configurable.secretFields);
  const fields = Object.entries((options ?? {}) as Record<string, unknown>);
  return {
    client: key.client,
    transport: key.transport as RegisteredTransport,
    options: Object.fromEntries(fields.filter(([name]) => !secretFields.has(name))),
    secrets: fields.map(([name]) => name).filter((name) => secretFields.has(name)),
    ...(fault === undefined ? {} : { fault }),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

/** Options of a newer version's transport: which of their fields are secrets is not known here. */
function unknownTransportView({ client, transport, updatedAt }: ClientTransport): ClientTransportView {
  return {
    ...{ client, transport: transport as RegisteredTransport, options: {}, secrets: [] },
    fault: `This version has no transport ${transport}.`,
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
