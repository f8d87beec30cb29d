import type { AuditedWrite, AuditStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { maxId } from '../http/fields';
import { withoutSecrets } from './without-secrets';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The path of a GET that shows the state before the write. Without a value, the GET uses the path of the write, except for a
     * POST: then no GET is made.
     */
    readonly auditedAs?: (request: FastifyRequest) => string;
  }
  interface FastifyRequest {
    /** The id of this request's audit entry; undefined until the entry is stored. */
    audited?: string;
  }
}

const writingMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Records every write by a key with scope admin in the audit log, on every route. The entry is stored before the write. If it
 * cannot be stored, the write is refused.
 */
export function installAudit(server: FastifyInstance, audit: () => AuditStore): void {
  server.decorateRequest('audited');
  server.addHook('onRoute', (route) => {
    if (!isAudited(route)) return;
    route.preHandler = [
      ...[route.preHandler ?? []].flat(),
      (request: FastifyRequest, reply: FastifyReply) => begin(audit(), request, reply),
    ];
    route.onSend = [
      ...[route.onSend ?? []].flat(),
      async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
        await complete(audit(), request, reply, payload);
        return payload;
      },
    ];
  });
}

function isAudited({ method, config }: RouteOptions): boolean {
  return config?.scopes?.includes('admin') === true && [method].flat().some((each) => writingMethods.has(each));
}

async function begin(audit: AuditStore, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { caller, id, method, routeOptions } = request;
  if (caller?.scopes.includes('admin') !== true) return;
  const before = beforeIn(await answerBefore(request));
  const subject = subjectOf(request, before);
  void reply.header('x-request-id', id);
  request.audited = await audit.begin({
    keyId: caller.id,
    keyName: caller.name,
    action: `${method} ${(routeOptions.url ?? '').replace(/:(\w+)/g, '{$1}')}`,
    resource: resourceOf(request),
    ...subject,
    mentions: mentionsOf(request.body, before),
    requestId: id,
    before: isKept(before, subject) ? withoutSecrets(before) : undefined,
  });
}

/** Stored in place of the state before the write if the GET fails. The write is not refused for this reason. */
const unreadable = { isUnreadable: true } as const;

function beforeIn(answer: Awaited<ReturnType<typeof ask>>): unknown {
  if (answer === undefined) return undefined;
  if (answer.statusCode >= 500) return unreadable;
  return answer.statusCode === 200 ? bodyOf(answer.payload) : undefined;
}

/** Completes the entry with the answer. The entry of a refused request is withdrawn, because nothing was changed. */
async function complete(
  audit: AuditStore,
  { audited }: FastifyRequest,
  { statusCode }: FastifyReply,
  payload: unknown,
): Promise<void> {
  if (audited === undefined) return;
  try {
    if (statusCode >= 400 && statusCode < 500) return await audit.withdraw(audited);
    const after = statusCode < 300 ? bodyOf(payload) : undefined;
    await audit.complete(audited, statusCode, withoutSecrets(after));
  } catch (error) {
    // The request was handled and its entry is stored; only the entry's status is missing. So the sender gets no error.
    log.warn({ event: 'audit.not-completed', entry: audited, reason: (error as Error).message });
  }
}

/** Gets the state before the write, with the credentials of the write; undefined for a POST without `auditedAs`. */
async function answerBefore(request: FastifyRequest): ReturnType<typeof ask> {
  const { auditedAs } = request.routeOptions.config;
  if (auditedAs !== undefined) return ask(request, auditedAs(request));
  return request.method === 'POST' ? undefined : ask(request, request.url);
}

async function ask(
  { server, headers }: FastifyRequest,
  url: string,
): Promise<{ statusCode: number; payload: string } | undefined> {
  const { authorization = '' } = headers;
  const { statusCode, payload } = await server.inject({ method: 'GET', url, headers: { authorization } });
  return { statusCode, payload };
}

type Subject = Pick<AuditedWrite, 'context' | 'user'>;

/** The context and user of the write, from the first of path, query, body and earlier state that names a context. */
function subjectOf({ params, query, body }: FastifyRequest, before: unknown): Subject {
  for (const source of [params, query, body, before]) {
    const { context, user } = (source ?? {}) as Record<string, unknown>;
    if (idOf(context) !== undefined) return { context: idOf(context), user: idOf(user) };
  }
  return {};
}

/**
 * Whether the state before the write is stored. A list can contain data of many users, so a list is stored only when the request
 * names one user. Otherwise erasure could not find the data.
 */
function isKept(before: unknown, { user }: Subject): boolean {
  return user !== undefined || !Array.isArray((before as { items?: unknown } | undefined)?.items);
}

function mentionsOf(...sources: readonly unknown[]): number[] {
  const named = sources.flatMap((source) => (source as { contexts?: unknown } | undefined)?.contexts ?? []);
  return [...new Set(named.map(idOf).filter((id) => id !== undefined))];
}

function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  return Number.isInteger(id) && (id as number) > 0 && (id as number) <= maxId ? (id as number) : undefined;
}

function resourceOf({ url, query }: FastifyRequest): string {
  const [path = ''] = url.split('?', 1);
  const named = withoutSecrets(query) as Record<string, string>;
  return Object.keys(named).length === 0 ? path : `${path}?${new URLSearchParams(named).toString()}`;
}

function bodyOf(payload: unknown): unknown {
  return typeof payload === 'string' && payload !== '' ? (JSON.parse(payload) as unknown) : undefined;
}
