import type { TraceContext } from '@pns/transport-contract';
import { readCloudEvent } from './cloud-event';
import { readEntry } from './entry';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const another = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const unsampled = (of: string) => of.replace(/01$/, '00');

const event = { specversion: '1.0', type: 'a', source: '/s', id: '1', subject: '14@1', data: {} };

const formats = [
  ['a notification', readEntry, { context: 1, user: 14, topic: 'a', payload: {} }],
  ['a CloudEvent', readCloudEvent, event],
] as const;

describe.each(formats)('%s', (_format, read, valid) => {
  /** The `postedBy` of an entry with `fields` in a request with the span `request`. */
  function posterOf(fields: object, request?: TraceContext): unknown {
    const entry = read({ ok: true, value: { ...valid, ...fields }, compactBytes: 1, depth: 1 }, 1, request);
    if (!entry.ok) throw new Error(entry.refusal.sentence);
    return entry.notifications[0]?.postedBy;
  }

  describe('was posted by', () => {
    it.each<[string, object, string, TraceContext | undefined]>([
      ['the span of the request', {}, traceparent, { traceparent }],
      [
        'its own span',
        { traceparent: another, tracestate: 'a=1' },
        traceparent,
        { traceparent: another, tracestate: 'a=1' },
      ],
      [
        'its own span although the request is not sampled',
        { traceparent: another },
        unsampled(traceparent),
        { traceparent: another },
      ],
      ['the span of the request if its own is malformed', { traceparent: 'nothing' }, traceparent, { traceparent }],
      ['no span if the request is not sampled', {}, unsampled(traceparent), undefined],
      ['no span if its own is not sampled', { traceparent: unsampled(another) }, traceparent, undefined],
    ])('%s', (_, fields, request, expected) => {
      expect(posterOf(fields, { traceparent: request })).toEqual(expected);
    });

    it('no span while no traces are recorded', () => {
      expect(posterOf({ traceparent: another })).toBeUndefined();
    });
  });
});
