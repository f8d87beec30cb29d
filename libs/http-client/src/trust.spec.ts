import { rootCertificates } from 'node:tls';
import { trustBeside } from './trust';

const [first, second] = rootCertificates;

it('parses the certificates once for all connections that trust the same authority', () => {
  expect(trustBeside(first).secureContext).toBe(trustBeside(first).secureContext);
  expect(trustBeside(second).secureContext).not.toBe(trustBeside(first).secureContext);
});

it('uses the authorities of Node without a caFile', () => {
  expect(trustBeside(undefined)).toEqual({});
});
