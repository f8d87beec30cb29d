import { execFileSync } from 'node:child_process';

/**
 * Tests the part of Node that `log.ts` uses although Node does not document it. `lean-bind.spec.ts` tests the property that
 * Node 25 removes.
 */
it('a pipe on stdout has a handle that can be made blocking', () => {
  const script =
    'process.stdout._handle.setBlocking(true); process.stdout.write(process.stdout._handle.constructor.name)';
  expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('Pipe');
});
