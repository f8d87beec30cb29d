import { readEnvironment } from '@pns/runtime';

/** The environment variables of the sandbox. */
export const sandboxEnvironment = () =>
  readEnvironment(['PNS_SANDBOX_PORT', 'PNS_SANDBOX_HOST', 'PNS_API_URL', 'PNS_API_KEY', 'PNS_WEBSOCKET_PORT']);
