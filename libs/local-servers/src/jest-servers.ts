import type { TemporaryServers } from './temporary-servers';

const key = Symbol.for('pns.test-servers');
const globals = globalThis as unknown as Record<symbol, { started: TemporaryServers | undefined } | undefined>;

/** Passes the servers from setup to teardown. Jest loads the two separately, so a variable of a module would not work. */
export const testServers = (globals[key] ??= { started: undefined });
