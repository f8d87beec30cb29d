import { readEnvironment } from '@pns/runtime';

/** The environment variables of the sandbox. */
export const sandboxEnvironment = () => readEnvironment(['PNS_SANDBOX_PORT']);
