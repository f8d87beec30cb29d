import fc from 'fast-check';
import { broken, bytesOf, hostileJson, hostileText, nearlyValid } from './hostile-values';
import { routesOf, type Description, type Route } from './openapi-routes';
import { parameterValues, valuesOf } from './schema-values';

/** A request to the API. Words like `~subscription~` are placeholders for ids of the running system. */
export interface ApiInput {
  readonly method: string;
  /** The path and the query, in printable Latin-1. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes, as Latin-1 text. */
  readonly body?: string;
  readonly caller: Caller;
  /** The operation in the API's description; absent if the path or the method was changed. */
  readonly route?: string;
}

/** The credentials of a request. */
export type Caller = 'admin' | 'session' | 'ingest' | 'nobody' | 'unknown';

/** Requests to every route: valid, nearly valid and hostile. */
export function apiInputs(description: Description): fc.Arbitrary<ApiInput> {
  const routes = routesOf(description);
  return fc.oneof(
    ...routes.map((route) => ({ weight: route.method === 'GET' ? 2 : 3, arbitrary: requestsTo(route, description) })),
  );
}

function requestsTo(route: Route, description: Description): fc.Arbitrary<ApiInput> {
  const usual = targets(route, false);
  const bodies = bodiesOf(route, description);
  const caller = callers(route);
  const name = `${route.method} ${route.path}`;
  const good = fc.constant({});
  const request = (
    target: fc.Arbitrary<string>,
    headers: fc.Arbitrary<Record<string, string>>,
    body: fc.Arbitrary<Body | undefined>,
    isIntact = true,
  ): fc.Arbitrary<ApiInput> =>
    fc.tuple(target, headers, body, caller).map(([to, more, given, by]) => ({
      method: route.method,
      target: to,
      headers: { ...(given === undefined ? {} : { 'content-type': given.type }), ...more },
      ...(given === undefined ? {} : { body: given.bytes }),
      caller: by,
      ...(isIntact && { route: name }),
    }));
  return fc.oneof(
    { weight: 4, arbitrary: request(usual, good, bodies.valid) },
    { weight: 5, arbitrary: request(usual, good, bodies.nearly) },
    { weight: 3, arbitrary: request(targets(route, true), good, bodies.valid, false) },
    { weight: 2, arbitrary: request(usual, oddHeaders, bodies.valid) },
    { weight: 2, arbitrary: request(usual, good, bodies.hostile) },
    { weight: 1, arbitrary: request(usual, good, bodies.valid, false).chain(withOddMethod) },
  );
}

const methods = ['OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'HEAD', 'PATCH', 'POST', 'PUT', 'DELETE', 'GET', 'QUERY'];

function withOddMethod(input: ApiInput): fc.Arbitrary<ApiInput> {
  return fc.constantFrom(...methods).map((method) => ({ ...input, method }));
}

function callers({ isOfSessions }: Route): fc.Arbitrary<Caller> {
  const usual = fc.constant<Caller>(isOfSessions ? 'session' : 'admin');
  const odd = fc.constantFrom<Caller>('admin', 'session', 'ingest', 'nobody', 'unknown');
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** Text as a part of a URL: percent-encoded as UTF-8, once or twice, or not at all where HTTP allows that. */
const oddSegment = fc.tuple(hostileText, fc.constantFrom('utf8', 'raw', 'twice')).map(([text, kind]) => {
  const raw = text.replace(/[^\x21-\xff]/g, '');
  if (kind === 'raw') return raw.slice(0, 4000);
  const encoded = escaped(text.slice(0, 1000));
  return kind === 'utf8' ? encoded : encodeURIComponent(encoded);
});

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/** The path of a route with its parameters, and a query. With `isOdd`, the path or the query has a hostile part. */
function targets({ path, parameters }: Route, isOdd: boolean): fc.Arbitrary<string> {
  const inPath = parameters.filter((each) => each.in === 'path');
  const inQuery = parameters.filter((each) => each.in === 'query');
  const valuesIn = (some: typeof parameters) =>
    fc.record(
      Object.fromEntries(some.map((each) => [each.name, parameterValues(path, each.name, each.schema, each.example)])),
      {
        requiredKeys: some.filter((each) => each.required === true || each.in === 'path').map((each) => each.name),
      },
    );
  const query = fc.oneof(
    { weight: 3, arbitrary: valuesIn(inQuery.filter(({ name }) => name !== 'cursor')) },
    { weight: 1, arbitrary: valuesIn(inQuery) },
  );
  return fc
    .tuple(valuesIn(inPath), query, oddSegment, fc.nat(), oddSegment)
    .map(([segments, asked, odd, at, oddName]) => {
      const pieces = Object.entries(asked).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
      const place = isOdd ? at % (inPath.length + pieces.length + 3) : -1;
      if (place >= inPath.length && place < inPath.length + pieces.length) {
        const index = place - inPath.length;
        pieces[index] = `${pieces[index]?.split('=')[0]}=${odd}`;
      } else if (place === inPath.length + pieces.length) pieces.push(`${oddName}=${odd}`, oddName);
      else if (place === inPath.length + pieces.length + 1) pieces.push(...pieces);
      const parts = inPath.map(
        ({ name }, index) => [name, index === place ? odd : encodedSegment(String(segments[name]))] as const,
      );
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => new Map(parts).get(name) ?? '');
      const end = place === inPath.length + pieces.length + 2 ? `/${odd}` : '';
      return `${filled}${end}${pieces.length === 0 ? '' : `?${pieces.join('&')}`}`;
    });
}

/** Percent-encodes a text. Placeholders like `~key~` stay as they are, because `~` is not encoded. */
function encodedSegment(text: string): string {
  return encodeURIComponent(text);
}

const headerValue = hostileText.map((text) => text.replace(/[^\x20-\x7e\xa0-\xff]/g, '').trim());
const etag = fc.oneof(headerValue, fc.constantFrom('*', '"1"', 'W/"1"', '"1", "2"', '""', '"x', '~etag~'));

const oddHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  etag.map((value) => ({ 'if-match': value })),
  etag.map((value) => ({ 'if-none-match': value })),
  headerValue.map((value) => ({ 'idempotency-key': value })),
  headerValue.map((value) => ({ 'x-request-id': value })),
  headerValue.map((value) => ({ authorization: value })),
  headerValue.map((value) => ({ authorization: `Bearer ${value}` })),
  headerValue.map((value) => ({ authorization: `Basic ${Buffer.from(value).toString('base64')}` })),
  headerValue.map((value) => ({ 'content-type': value })),
  headerValue.map((value) => ({ 'content-type': `application/json; charset=${value}` })),
  headerValue.map((value) => ({ accept: value, 'accept-encoding': value, 'accept-language': value })),
  headerValue.map((value) => ({ traceparent: value, tracestate: value, baggage: value })),
  headerValue.map((value) => ({ 'x-forwarded-for': value, forwarded: value, 'x-forwarded-proto': value })),
  headerValue.map((value) => ({ cookie: value, origin: value, referer: value, range: value })),
  fc.constantFrom('gzip', 'br', 'identity, gzip', 'deflate').map((value) => ({ 'content-encoding': value })),
);

interface Body {
  readonly type: string;
  readonly bytes: string;
}

const lines = 'application/x-ndjson';

/** The bodies of a route. If it takes no JSON body, `valid` and `nearly` generate undefined. Every route gets hostile bodies. */
function bodiesOf({ bodies }: Route, { components }: Description) {
  const none = fc.constant<Body | undefined>(undefined);
  const type = 'application/json';
  const ofJson = bodies[type];
  const hostileBytes = fc.oneof(hostileJson.map(bytesOf), hostileText.map(bytesOf), broken(hostileJson.map(bytesOf)));
  const anyType = fc.constantFrom(
    type,
    lines,
    'text/plain',
    '',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  );
  const hostile = fc.tuple(anyType, hostileBytes).map(([as, bytes]): Body | undefined => ({ type: as, bytes }));
  if (ofJson === undefined) return { valid: none, nearly: none, hostile };
  const example = ofJson.example === undefined ? [] : [fc.constant(ofJson.example)];
  const values = fc.oneof(...example, valuesOf(ofJson.schema, components.schemas));
  const text = values.map((value) => bytesOf(JSON.stringify(value)));
  const near = fc.oneof(
    { weight: 5, arbitrary: nearlyValid(values).map(bytesOf) },
    { weight: 2, arbitrary: broken(text) },
  );
  const stream = (each: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.array(each, { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\n\n'))
      .map(([some, end]) => some.join(end));
  const as = (bytes: fc.Arbitrary<string>, of = type) =>
    bytes.map((each): Body | undefined => ({ type: of, bytes: each }));
  if (bodies[lines] === undefined) return { valid: as(text), nearly: as(near), hostile };
  return {
    valid: fc.oneof(as(text), as(stream(text), lines)),
    nearly: fc.oneof(as(near), as(stream(fc.oneof(text, near)), lines)),
    hostile: fc.oneof(hostile, as(stream(fc.oneof(text, near, hostileBytes)), lines)),
  };
}
