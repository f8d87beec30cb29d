import { documentedStatuses, documentedTokenErrors, tokenOutcome, type WnsAnswer, wnsOutcome } from './wns.outcome';

const now = Date.UTC(2026, 0, 5, 12, 0, 0);

const answer = (status: number, headers: WnsAnswer['headers'] = {}, statusText = ''): WnsAnswer => ({
  status,
  statusText,
  headers,
});

/** Each row of Microsoft's table of response codes. */
const codes: readonly [status: number, words: string, kind: string][] = [
  [200, 'OK', 'delivered'],
  [400, 'Bad Request', 'rejected'],
  [401, 'Unauthorized', 'misconfigured'],
  [403, 'Forbidden', 'misconfigured'],
  [404, 'Not Found', 'gone'],
  [405, 'Method Not Allowed', 'rejected'],
  [406, 'Not Acceptable', 'retry'],
  [410, 'Gone', 'gone'],
  [410, 'Domain Blocked', 'misconfigured'],
  [413, 'Request Entity Too Large', 'rejected'],
  [500, 'Internal Server Error', 'retry'],
  [503, 'Service Unavailable', 'retry'],
];

it.each(codes)('the answer %i %s has the outcome %s', (status, words, kind) => {
  expect(wnsOutcome(answer(status, {}, words), true, now).kind).toBe(kind);
});

it('has tests for every response code that Microsoft documents', () => {
  expect(codes).toHaveLength(12);
  const statuses = [...new Set(codes.map(([status]) => status))].filter((status) => status !== 200);
  expect(Object.keys(documentedStatuses).map(Number)).toEqual(statuses);
});

/** Each X-WNS-Status that Microsoft documents, with each X-WNS-DeviceConnectionStatus. */
const drops: readonly [status: string, device: string | undefined, kind: string][] = [
  ['received', 'connected', 'delivered'],
  ['received', 'disconnected', 'delivered'],
  ['received', 'tempconnected', 'delivered'],
  ['received', undefined, 'delivered'],
  ['dropped', 'connected', 'rejected'],
  ['dropped', 'disconnected', 'retry'],
  ['dropped', 'tempconnected', 'retry'],
  ['dropped', undefined, 'retry'],
  ['channelthrottled', 'connected', 'retry'],
  ['channelthrottled', 'disconnected', 'retry'],
  ['channelthrottled', 'tempconnected', 'retry'],
  ['channelthrottled', undefined, 'retry'],
];

it.each(drops)('a push that was %s while the device is %s has the outcome %s', (status, device, kind) => {
  const connection = { 'x-wns-deviceconnectionstatus': device };
  expect(wnsOutcome(answer(200, { 'x-wns-status': status, ...connection }), true, now).kind).toBe(kind);
  expect(
    wnsOutcome(answer(200, { 'x-wns-notificationstatus': status.toUpperCase(), ...connection }), true, now).kind,
  ).toBe(kind);
});

it.each<[string, Record<string, string>, string]>([
  ['an undocumented X-WNS-Status', { 'x-wns-status': 'constructor' }, 'delivered'],
  [
    'an undocumented state of the device',
    { 'x-wns-status': 'dropped', 'x-wns-deviceconnectionstatus': 'toString' },
    'retry',
  ],
])('%s has the outcome of the documented parts of the answer', (_, headers, kind) =>
  expect(wnsOutcome(answer(200, headers), true, now).kind).toBe(kind),
);

const expectedOfOthers = (status: number): string => {
  if (status === 407) return 'misconfigured';
  if ([408, 421, 425, 429].includes(status)) return 'retry';
  if (status >= 200 && status < 300) return 'delivered';
  return status >= 400 && status < 500 ? 'rejected' : 'retry';
};

it('an undocumented status has the outcome of its class, and ends no subscription', () => {
  for (let status = 100; status < 1000; status++) {
    if (codes.some(([known]) => known === status)) continue;
    expect([status, wnsOutcome(answer(status), true, now).kind]).toEqual([status, expectedOfOthers(status)]);
  }
});

it('a channel that refuses our token affects no other one after another channel accepted the token', () => {
  const refused = { kind: 'misconfigured', reason: 'WNS answered 403.' };
  expect(wnsOutcome(answer(403), true, now)).toEqual({ ...refused, isTargetOnly: true });
  expect(wnsOutcome(answer(403), false, now)).toEqual(refused);
});

it('no other outcome depends on whether a push was accepted before', () => {
  for (const [status, words] of codes) {
    if (status === 403) continue;
    const given = answer(status, {}, words);
    expect(wnsOutcome(given, false, now)).toEqual(wnsOutcome(given, true, now));
    expect(wnsOutcome(given, true, now)).not.toHaveProperty('isTargetOnly');
  }
});

it.each([406, 429, 500, 503])('Retry-After of a %i is obeyed', (status) => {
  expect(wnsOutcome(answer(status, { 'retry-after': '7' }), true, now)).toMatchObject({ kind: 'retry', afterMs: 7000 });
});

it.each([400, 404, 410, 413])('Retry-After of a %i is ignored', (status) => {
  expect(wnsOutcome(answer(status, { 'retry-after': '7' }), true, now)).not.toHaveProperty('afterMs');
});

it('the outcome contains the id that WNS gives a push', () => {
  expect(wnsOutcome(answer(200, { 'x-wns-msg-id': '4D1862580BFBB38D' }), true, now)).toEqual({
    kind: 'delivered',
    providerId: '4D1862580BFBB38D',
  });
});

it('a reason contains the headers that Microsoft requires in a report, and nothing that identifies a channel', () => {
  const headers = {
    'x-wns-status': 'dropped',
    'x-wns-deviceconnectionstatus': 'disconnected',
    'x-wns-error-description':
      'Bad channel https://db5p.notify.windows.com/w/?token=SECRET or ?token=SECRET here\u0007',
    'x-wns-msg-id': '4D1862580BFBB38D',
    'x-wns-debug-trace': 'SG2PEPF0002029C',
  };
  expect(wnsOutcome(answer(404, headers), true, now)).toEqual({
    kind: 'gone',
    reason:
      'WNS answered 404 (dropped; device disconnected; Bad channel … or … here; X-WNS-Msg-ID 4D1862580BFBB38D; X-WNS-Debug-Trace SG2PEPF0002029C).',
  });
});

it('a reason is made in linear time from a header of any length', () => {
  // A search for a channel at each letter would take hours.
  const headers = { 'x-wns-error-description': `${'x'.repeat(5_000_000)} and ${'x'.repeat(5_000_000)}` };
  const reason = `WNS answered 404 (${'x'.repeat(200)}).`;
  expect(wnsOutcome(answer(404, headers), true, now)).toEqual({ kind: 'gone', reason });
});

it.each(Object.entries(documentedTokenErrors))('the OAuth error %s has the outcome %s', (error, kind) => {
  for (const status of [400, 401, 503]) {
    expect(tokenOutcome(status, error, undefined, now)).toEqual({
      kind,
      reason: expect.stringContaining(error) as string,
    });
  }
});

it.each<[number, unknown, string]>([
  [400, undefined, 'misconfigured'],
  [401, { a: 1 }, 'misconfigured'],
  [404, undefined, 'misconfigured'],
  [302, undefined, 'misconfigured'],
  [200, undefined, 'misconfigured'],
  [400, 'constructor', 'misconfigured'],
  [408, undefined, 'retry'],
  [429, 'slow_down', 'retry'],
  [500, 'a sentence with "secrets"', 'retry'],
  [502, undefined, 'retry'],
])('a token endpoint that answers %i with the error %j has the outcome %s', (status, error, kind) => {
  const outcome = tokenOutcome(status, error, '3', now);
  expect(outcome).toMatchObject(kind === 'retry' ? { kind, afterMs: 3000 } : { kind });
  expect(JSON.stringify(outcome)).not.toContain('secrets');
});
