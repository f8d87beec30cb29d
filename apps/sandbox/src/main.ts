import { listenHost, log } from '@pns/runtime';
import { failToStart } from '@pns/runtime/app';
import { startSandbox } from '@pns/sandbox';
import { sandboxEnvironment } from './env';

async function run(): Promise<void> {
  const { PNS_SANDBOX_PORT, PNS_LOG_LEVEL } = sandboxEnvironment();
  log.level = PNS_LOG_LEVEL;
  // It listens on every interface, because as a separate process it usually runs in a container. It has no key that
  // could leak.
  const sandbox = await startSandbox({ port: PNS_SANDBOX_PORT, host: await listenHost() });
  log.info({ event: 'app.listening', app: 'sandbox', port: sandbox.port });
  const stop = (): void => void sandbox.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

run().catch(failToStart);
