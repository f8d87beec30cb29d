import { isTopicPattern, matchingPattern } from '@pns/topics';
import { z } from 'zod';

const clientOptions = z.strictObject({
  /** Path of the handshake; handshakes at paths below it are for the client too. */
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+)+\/?$/, 'must begin with / and contain only letters, digits, _, ., - and /'),
  /** The topics whose notifications the client's sockets receive. */
  topics: z.array(z.string().refine(isTopicPattern, 'must be a topic, a topic prefix with a trailing :*, or *')).min(1),
});

export type WebsocketClient = Readonly<z.infer<typeof clientOptions>>;
export type WebsocketClientOptions = Readonly<Record<string, WebsocketClient>>;

/** The clients if `websocket-clients.yml` has no valid entry: the single client of the original. */
export const defaultWebsocketClients: WebsocketClientOptions = {
  'open-xchange-appsuite': { path: '/socket.io/appsuite/', topics: ['ox:mail:*', 'ox:calendar:*'] },
};

/** Schema of `websocket-clients.yml`: client id to path and topic patterns. */
export const websocketClientsSchema: z.ZodType<WebsocketClientOptions> = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a client id has 1 to 64 of A-Z, a-z, 0-9, _, . and -'),
  clientOptions,
);

/** The clients whose path belongs to an earlier client, each with the reason. */
export function pathConflicts(clients: ReadonlyMap<string, WebsocketClient>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const conflicts = new Map<string, string>();
  for (const [client, { path }] of clients) {
    const owner = owners.get(segments(path));
    if (owner === undefined) owners.set(segments(path), client);
    else conflicts.set(client, `path is the path of ${owner} already`);
  }
  return conflicts;
}

/** Returns the client for a handshake at `path`: the client with the longest path that is equal to `path` or above it. */
export function clientAt(clients: WebsocketClientOptions, path: string): string | undefined {
  const asked = segments(path);
  let found: { client: string; length: number } | undefined;
  for (const [client, options] of Object.entries(clients)) {
    const own = segments(options.path);
    if (asked.startsWith(own) && own.length > (found?.length ?? 0)) found = { client, length: own.length };
  }
  return found?.client;
}

/** The topic patterns of `client`; none for an unknown client. */
export function topicsOf(clients: WebsocketClientOptions, client: string): readonly string[] {
  return (Object.hasOwn(clients, client) ? clients[client]?.topics : undefined) ?? [];
}

/** Whether sockets of `client` receive notifications of `topic`. */
export function clientWants(clients: WebsocketClientOptions, client: string, topic: string): boolean {
  return matchingPattern(topic, topicsOf(clients, client)) !== undefined;
}

/** Returns the path with a slash at its end, so that a comparison of prefixes compares whole segments. */
function segments(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
