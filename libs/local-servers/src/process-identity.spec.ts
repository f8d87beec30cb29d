import { isRunning, ownIdentity, processIdentity } from './process-identity';

describe('processIdentity', () => {
  it('is the same for each call', () => {
    expect(processIdentity(process.pid)).toEqual(ownIdentity());
    expect(isRunning(ownIdentity())).toBe(true);
  });

  it('distinguishes a process from an earlier one with the same number', () => {
    expect(isRunning({ pid: process.pid, startedAt: 'another time' })).toBe(false);
  });

  it('is undefined where there is no process', () => {
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
  });
});
