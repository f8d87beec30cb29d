import { AnswerTimeoutError } from './guarded-client';
import { failedAttempt } from './failed-attempt';

const withCode = (code: string): Error => Object.assign(new Error('failed'), { code });

it.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENETDOWN'])(
  'does not count %s of this host as a failure of the endpoint',
  (code) => {
    expect(failedAttempt(withCode(code), 'endpoint')).toEqual({
      outcome: { kind: 'retry', reason: `A connection to the endpoint could not be opened (${code}).` },
      isEndpointFailure: false,
      isLocalFault: true,
    });
  },
);

it('opens the circuit of an endpoint for which this host has no address, and does not count it as failing', () => {
  expect(failedAttempt(withCode('EADDRNOTAVAIL'), 'endpoint')).toMatchObject({
    outcome: { kind: 'retry' },
    isEndpointFailure: true,
    isLocalFault: true,
  });
});

it.each([withCode('ECONNREFUSED'), withCode('ENOTFOUND'), new AnswerTimeoutError(500)])(
  'counts %s as a failure of the endpoint',
  (error) => {
    const verdict = failedAttempt(error, 'endpoint');
    expect(verdict).toMatchObject({ outcome: { kind: 'retry' }, isEndpointFailure: true });
    expect(verdict).not.toHaveProperty('isLocalFault');
  },
);

it('throws an error of PNS itself', () => {
  const error = new TypeError('invalid header');
  expect(() => failedAttempt(error, 'endpoint')).toThrow(error);
});
