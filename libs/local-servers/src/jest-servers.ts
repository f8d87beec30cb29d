import type { TemporaryServers } from './temporary-servers';

const key = Symbol.for('pns.test-servers');
const shelf = globalThis as unknown as Record<symbol, { started: TemporaryServers | undefined } | undefined>;

/** What setup hands to teardown: Jest loads the two apart from each other, so a module's own variable would not do. */
export const testServers = (shelf[key] ??= { started: undefined });
