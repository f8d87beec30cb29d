import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { freePort } from '@pns/local-servers';
import { takePorts } from './ports';

const variables = ['PNS_API_PORT', 'PNS_WEBSOCKET_PORT', 'PNS_SANDBOX_PORT'] as const;
const anyFree = { PNS_API_PORT: 0, PNS_WEBSOCKET_PORT: 0, PNS_SANDBOX_PORT: 0 };

afterEach(() => {
  for (const variable of variables) delete process.env[variable];
});

/** A port that another program listens on, at `host`. */
async function takenPort(host: string): Promise<{ port: number; release: () => void }> {
  const other = createServer().listen(0, host);
  await once(other, 'listening');
  return { port: (other.address() as AddressInfo).port, release: () => other.close() };
}

describe('takePorts', () => {
  it('chooses free ports for 0 and passes them to the apps', async () => {
    const { api, websocket, sandbox } = await takePorts(anyFree);
    const ports = [api, websocket, sandbox];
    expect(new Set(ports).size).toBe(3);
    expect(variables.map((variable) => Number(process.env[variable]))).toEqual(ports);
    expect(ports).not.toContain(0);
  });

  it.each([
    ['PNS_API_PORT', '0.0.0.0'],
    ['PNS_API_PORT', '127.0.0.1'],
    ['PNS_WEBSOCKET_PORT', '0.0.0.0'],
  ])('names the port that is taken and the variable to choose another one with: %s, at %s', async (variable, host) => {
    const { port, release } = await takenPort(host);
    await expect(takePorts({ ...anyFree, [variable]: port })).rejects.toThrow(
      new RegExp(`^Port ${port} is in use .*: ${variable}=\\d+ npm start$`),
    );
    release();
  });

  it('names the variable of a port that is given twice', async () => {
    const port = await freePort();
    await expect(takePorts({ ...anyFree, PNS_API_PORT: port, PNS_WEBSOCKET_PORT: port })).rejects.toThrow(
      new RegExp(`^Port ${port} is already the port of PNS_API_PORT\\. .*: PNS_WEBSOCKET_PORT=\\d+ npm start$`),
    );
  });

  it('leaves out the sandbox if its port is in use, because the demo must not stop a start', async () => {
    const { port, release } = await takenPort('127.0.0.1');
    const ports = await takePorts({ ...anyFree, PNS_SANDBOX_PORT: port });
    expect(ports.sandbox).toBeUndefined();
    expect(ports.sandboxFault).toMatch(new RegExp(`^Port ${port} is in use .*: PNS_SANDBOX_PORT=\\d+ npm start$`));
    release();
  });
});
