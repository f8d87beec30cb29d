import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { takePorts } from './ports';

const variables = ['PNS_API_PORT', 'PNS_WEBSOCKET_PORT', 'PNS_SANDBOX_PORT'] as const;

afterEach(() => {
  for (const variable of variables) delete process.env[variable];
});

describe('takePorts', () => {
  it('chooses free ports for 0 and tells the apps', async () => {
    const ports = await takePorts({ PNS_API_PORT: 0, PNS_WEBSOCKET_PORT: 0, PNS_SANDBOX_PORT: 0 });
    expect(new Set(Object.values(ports)).size).toBe(3);
    expect(variables.map((variable) => Number(process.env[variable]))).toEqual(Object.values(ports));
    expect(Object.values(ports)).not.toContain(0);
  });

  it.each(variables)(
    'names the port that is taken and the variable to choose another one with: %s',
    async (variable) => {
      const other = createServer().listen(0, '0.0.0.0');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const wanted = { PNS_API_PORT: 0, PNS_WEBSOCKET_PORT: 0, PNS_SANDBOX_PORT: 0, [variable]: port };
      await expect(takePorts(wanted)).rejects.toThrow(
        new RegExp(`^Port ${port} is in use .*: ${variable}=\\d+ npm start$`),
      );
      other.close();
    },
  );
});
