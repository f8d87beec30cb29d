import { apiKey } from '@pns/e2e';
import { apiInputs, type ApiInput, type Caller } from './api-inputs';
import type { Finding, FuzzPart } from './fuzz-part';
import { forEachOf } from './fuzz-part';
import type { FuzzStack } from './fuzz-stack';
import { HttpRequests, type HttpAnswer } from './http-requests';
import { routesOf, type Description, type Route } from './openapi-routes';
import { refusedChanges } from './refused-changes';

/** The number of concurrent requests. It is large, because an erasure takes 2 s. */
const atOnce = 48;

/** Requests to every route. Refused requests are sent again, which must not change the stored state. */
export class ApiPart implements FuzzPart<ApiInput> {
  readonly name = 'api';
  readonly weight = 60;
  readonly inputs;
  private readonly routes: ReadonlyMap<string, Route>;
  private readonly http: HttpRequests;
  /** The newest ids and tokens, for the placeholders in requests. */
  private readonly known = new Map<string, string>();
  private sessionAt = 0;

  constructor(
    private readonly stack: FuzzStack,
    description: Description,
  ) {
    this.inputs = apiInputs(description);
    this.routes = new Map(routesOf(description).map((route) => [`${route.method} ${route.path}`, route]));
    this.http = new HttpRequests(stack.system.app('api').port, atOnce);
    this.known.set('hook', `${stack.system.sandbox.url}/webhooks`);
  }

  async tryAll(inputs: readonly ApiInput[]): Promise<Finding[]> {
    await this.prepare();
    const findings: Finding[] = [];
    const refused: ApiInput[] = [];
    await forEachOf(inputs, atOnce, async (input) => {
      const answer = await this.send(input);
      this.learn(input, answer);
      const fault = this.faultOf(input, answer);
      if (fault !== undefined) findings.push({ part: this.name, fault, input });
      else if (typeof answer !== 'string' && isRefusal(answer)) refused.push(input);
    });
    const changes = await refusedChanges(this.stack.state, refused, (input) => this.isRefused(input));
    findings.push(...changes.map(({ input, fault }) => ({ part: this.name, fault, input })));
    return findings;
  }

  close(): void {
    this.http.close();
  }

  /** Creates a session every 5 s, because requests may end the newest one. Creates an API key if there is none. */
  private async prepare(): Promise<void> {
    const { system } = this.stack;
    if (Date.now() - this.sessionAt > 5000) {
      const user = { context: 901, user: 1, client: 'phone' };
      const { token } = await system.expect<{ token: string }>(201, 'POST', '/v1/sessions', user);
      this.known.set('session', token);
      this.sessionAt = Date.now();
    }
    if (!this.known.has('ingest')) {
      const body = { name: 'fuzz', scopes: ['ingest'], contexts: [901] };
      const { key } = await system.expect<{ key: string }>(201, 'POST', '/v1/api-keys', body);
      this.known.set('ingest', key);
    }
  }

  private send({ method, target, headers, body, caller }: ApiInput): Promise<HttpAnswer | string> {
    const path = this.filled(target, encodeURIComponent);
    return this.http.send({
      method,
      target: path.startsWith('/') ? path : `/${path}`,
      headers: { ...this.credentials(caller), ...filledHeaders(headers, (text) => this.filled(text)) },
      ...(body !== undefined && { body: Buffer.from(this.filled(body), 'latin1') }),
    });
  }

  private async isRefused(input: ApiInput): Promise<boolean> {
    const answer = await this.send(input);
    return typeof answer !== 'string' && isRefusal(answer);
  }

  private credentials(caller: Caller): Record<string, string> {
    const token = {
      admin: apiKey,
      session: this.known.get('session'),
      ingest: this.known.get('ingest'),
      unknown: 'x',
      nobody: '',
    }[caller];
    return token === '' || token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** Replaces words like `~subscription~` with the newest id of that kind. */
  private filled(text: string, encode = (id: string) => id): string {
    return text.replace(/(?:~|%7E)(\w+)(?:~|%7E)/g, (word, name: string) => {
      const value = this.known.get(name);
      return value === undefined ? word : encode(value);
    });
  }

  /** Notes the ids in an answer. */
  private learn({ route = '' }: ApiInput, answer: HttpAnswer | string): void {
    if (typeof answer === 'string' || answer.status >= 300) return;
    const { etag } = answer.headers;
    if (etag !== undefined) this.known.set('etag', etag);
    const body = jsonOf(answer.body) as { id?: unknown; nextCursor?: unknown; notifications?: { id?: unknown }[] };
    const note = (name: string, value: unknown) => typeof value === 'string' && this.known.set(name, value);
    note('cursor', body?.nextCursor);
    if (route === 'POST /v1/subscriptions') note('subscription', body?.id);
    if (route === 'POST /v1/api-keys') note('key', body?.id);
    if (route === 'POST /v1/notifications') note('notification', body?.notifications?.[0]?.id);
  }

  private faultOf(input: ApiInput, answer: HttpAnswer | string): string | undefined {
    if (typeof answer === 'string') return connectionFault(answer, input);
    const { status, headers, body } = answer;
    const route = this.routes.get(input.route ?? '');
    const isDocumented = route?.statuses.has(status) === true;
    if (status >= 500 && status !== 503 && !(status === 504 && isDocumented)) return `The answer is ${status}.`;
    if (status === 503 && headers['retry-after'] === undefined) return 'A 503 has no Retry-After.';
    // The sentence is checked, because the original also uses its code, PNS-0001, for a subscription without topics.
    if (body.includes('The request could not be completed.')) return 'The client API reports an unexpected error.';
    if (input.method === 'HEAD') return undefined;
    if (route !== undefined && !isDocumented && isInForm(input, route) && !isUnrouted(input, answer))
      return `The description does not name the status ${status}.`;
    return status < 400 ? undefined : problemFault(answer);
  }
}

/** Whether the description covers the body and the headers of the request, so that it must also name the status of the answer. */
function isInForm({ body, headers }: ApiInput, { bodies }: Route): boolean {
  const type = headers['content-type'];
  const isBodyKnown = body === undefined ? type === undefined : Object.hasOwn(bodies, type ?? '');
  return isBodyKnown && headers['content-encoding'] === undefined;
}

/** Whether the request was refused before it reached a route. The description names these answers once, for all requests. */
function isUnrouted({ target }: ApiInput, { status, body }: HttpAnswer): boolean {
  const isEmptySegment = /\/(?:\/|\?|$)/.test(target);
  return [408, 431].includes(status) || (isEmptySegment && body.includes('"PATH_UNKNOWN"'));
}

/** The fault of a connection that ended without an answer; none after a long body, because Node need not read it. */
function connectionFault(code: string, { method, body = '' }: ApiInput): string | undefined {
  if (code === 'NO_ANSWER') return 'There was no answer.';
  // These errors are expected: our client refused to send the request, or Node answered an unreadable HEAD request with a body.
  const isExpected = code.startsWith('ERR_') || (method === 'HEAD' && code.startsWith('HPE_'));
  return isExpected || body.length > 16_384 ? undefined : `The connection ended with ${code}.`;
}

function problemFault({ status, headers, body }: HttpAnswer): string | undefined {
  if (headers['content-type']?.startsWith('application/problem+json') !== true) return 'An error is not a problem.';
  const problem = jsonOf(body) as { code?: unknown; status?: unknown } | undefined;
  return typeof problem?.code === 'string' && problem.status === status
    ? undefined
    : 'A problem has no code or status.';
}

/** Whether the server refused the request. The client API reports errors with status 200. */
function isRefusal({ status, body }: HttpAnswer): boolean {
  return (status >= 400 && status < 500) || (status === 200 && /^\{"error":/.test(body));
}

function filledHeaders(headers: Readonly<Record<string, string>>, filled: (text: string) => string) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)]));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
