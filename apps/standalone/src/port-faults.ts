import { createServer } from 'node:net';
import { listenHost } from '@pns/runtime/listen-host';

/** The listeners, and the variables that set their ports. */
export const portVariables = {
  api: 'PNS_API_PORT',
  websocket: 'PNS_WEBSOCKET_PORT',
  sandbox: 'PNS_SANDBOX_PORT',
} as const;

export type Listener = keyof typeof portVariables;

/** The ports in the environment; 0 means a free one. */
export type WantedPorts = Readonly<Record<(typeof portVariables)[Listener], number>>;

/** For each port that cannot be used, a sentence that names its variable. */
export async function portFaults(wanted: WantedPorts): Promise<Partial<Record<Listener, string>>> {
  const host = await listenHost();
  const faults: Partial<Record<Listener, string>> = {};
  const chosen = new Map<number, string>();
  for (const [listener, variable] of Object.entries(portVariables) as [Listener, (typeof portVariables)[Listener]][]) {
    const port = wanted[variable];
    if (port === 0) continue;
    const other = chosen.get(port);
    // The sandbox accepts connections from this machine only, so only this address is checked.
    const reason = other ?? (await reasonAgainst(port, listener === 'sandbox' ? '127.0.0.1' : host));
    if (reason !== undefined) faults[listener] = `Port ${port} ${reason}. ${advice(port, variable)}`;
    else chosen.set(port, `is already the port of ${variable}`);
  }
  return faults;
}

function advice(port: number, variable: string): string {
  return `Stop that program, or choose another port: ${variable}=${port < 60_000 ? port + 100 : 0} npm start`;
}

/** Why the port cannot be used; undefined if it can. */
function reasonAgainst(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${code ?? message})`),
    );
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}
