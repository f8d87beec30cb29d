import { readEnvironment } from '@pns/runtime';

/** What the sandbox reads from the environment. */
export const sandboxEnvironment = () => readEnvironment(['PNS_SANDBOX_PORT']);
