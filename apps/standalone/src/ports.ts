import { freePort } from '@pns/local-servers';
import { PnsError } from '@pns/runtime';
import { provide } from './env';
import { portFaults, portVariables, type Listener, type WantedPorts } from './port-faults';

/** The ports to listen on; the sandbox, which is part of the demo, may have none. */
export interface Ports {
  readonly api: number;
  readonly websocket: number;
  readonly sandbox: number | undefined;
  /** The reason why the sandbox has no port. */
  readonly sandboxFault: string | undefined;
}

/**
 * Chooses the ports to listen on. It replaces 0 by a free port, because the ports must be known before the apps start.
 *
 * @throws PnsError `PORT_IN_USE`, before anything is started; it names the variable of the port.
 */
export async function takePorts(wanted: WantedPorts): Promise<Ports> {
  const faults = await portFaults(wanted);
  const fault = faults.api ?? faults.websocket;
  if (fault !== undefined) throw new PnsError('PORT_IN_USE', fault);
  const take = async (listener: Listener): Promise<number> => {
    const port = wanted[portVariables[listener]] || (await freePort());
    provide(portVariables[listener], String(port));
    return port;
  };
  return {
    api: await take('api'),
    websocket: await take('websocket'),
    sandbox: faults.sandbox === undefined ? await take('sandbox') : undefined,
    sandboxFault: faults.sandbox,
  };
}
