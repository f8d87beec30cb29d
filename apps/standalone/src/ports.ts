import { createServer } from 'node:net';
import { freePort } from '@pns/local-servers';
import { PnsError } from '@pns/runtime';
import { provide } from './env';

const variables = {
  api: 'PNS_API_PORT',
  websocket: 'PNS_WEBSOCKET_PORT',
  sandbox: 'PNS_SANDBOX_PORT',
} as const;
type Listener = keyof typeof variables;

/**
 * The ports to listen on; for 0 a free one is chosen here, because the apps must know each other's before they start.
 *
 * @throws PnsError `PORT_IN_USE`, before anything is started, that names the variable to choose another port with.
 */
export async function takePorts(env: Readonly<Record<(typeof variables)[Listener], number>>) {
  const ports: Record<Listener, number> = { api: 0, websocket: 0, sandbox: 0 };
  for (const [listener, variable] of Object.entries(variables) as [Listener, (typeof variables)[Listener]][]) {
    const port = env[variable] || (await freePort());
    await requireFree(port, variable);
    provide(variable, String(port));
    ports[listener] = port;
  }
  return ports;
}

async function requireFree(port: number, variable: string): Promise<void> {
  const fault = await listenFault(port);
  if (fault === undefined) return;
  const reason = fault === 'EADDRINUSE' ? 'is in use by another program' : `cannot be had (${fault})`;
  const advice = `Stop that program, or choose another port: ${variable}=${port < 60_000 ? port + 100 : 0} npm start`;
  throw new PnsError('PORT_IN_USE', `Port ${port} ${reason}. ${advice}`);
}

/** The system's code for why one cannot listen there, or undefined when one can. */
function listenFault(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(undefined)));
  });
}
