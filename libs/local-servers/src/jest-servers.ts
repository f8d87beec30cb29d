import type { TemporaryServers } from './temporary-servers';

const key = Symbol.for('pns.test-servers');
const shelf = globalThis as unknown as Record<symbol, { started: TemporaryServers | undefined } | undefined>;

/** The servers that setup passes to teardown. Jest loads the two separately, so they cannot share a module variable. */
export const testServers = (shelf[key] ??= { started: undefined });
