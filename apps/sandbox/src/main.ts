import { listenHost, log } from '@pns/runtime';
import { failToStart } from '@pns/runtime/app';
import { type Demo, startSandbox } from '@pns/sandbox';
import { sandboxEnvironment } from './env';

async function run(): Promise<void> {
  const env = sandboxEnvironment();
  log.level = env.PNS_LOG_LEVEL;
  const demo = demoOf(env);
  // By default the sandbox listens on every interface, because as a separate process it usually runs in a container.
  const sandbox = await startSandbox({
    port: env.PNS_SANDBOX_PORT,
    host: await listenHost(),
    hostname: env.PNS_SANDBOX_HOST,
    ...(demo && { demo }),
  });
  log.info({ event: 'app.listening', app: 'sandbox', port: sandbox.port });
  log.info({ event: 'app.started', app: 'sandbox' });
  const stop = (): void => void sandbox.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** The access of the page to PNS; undefined unless the API and a key are set. Sockets connect to localhost. */
function demoOf({ PNS_API_URL, PNS_API_KEY, PNS_WEBSOCKET_PORT }: ReturnType<typeof sandboxEnvironment>) {
  if (PNS_API_URL === undefined || PNS_API_KEY === undefined) return undefined;
  const websocketUrl = `http://localhost:${PNS_WEBSOCKET_PORT}`;
  return { apiUrl: PNS_API_URL, apiKey: PNS_API_KEY, websocketUrl } satisfies Demo;
}

run().catch(failToStart);
