import { isRunning, ownIdentity, processIdentity } from './process-identity';

describe('processIdentity', () => {
  it('is the same whenever one looks', () => {
    expect(processIdentity(process.pid)).toEqual(ownIdentity());
    expect(isRunning(ownIdentity())).toBe(true);
  });

  it('tells a process from an earlier one with its number', () => {
    expect(isRunning({ pid: process.pid, startedAt: 'another time' })).toBe(false);
  });

  it('knows none where no process is', () => {
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
  });
});
