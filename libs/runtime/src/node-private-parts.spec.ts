import { execFileSync } from 'node:child_process';

/**
 * The part of Node that PNS uses and its documentation does not describe; `log.ts` uses it. `lean-bind.spec.ts` covers the property
 * that Node 25 removes.
 */
it('a pipe on stdout has a handle that can be made blocking', () => {
  const script =
    'process.stdout._handle.setBlocking(true); process.stdout.write(process.stdout._handle.constructor.name)';
  expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('Pipe');
});
