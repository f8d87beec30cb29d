import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { makeAuthority } from './certificates';

const authority = makeAuthority();

it('certifies a server for this machine and a client, whose PKCS #12 file opens', async () => {
  const server = createServer({
    ...authority.server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const pfx = authority.pkcs12(authority.client('Apple Push Services: com.example.mail'), 'secret');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, ca: authority.cert, pfx, passphrase: 'secret' });
  await once(client, 'secureConnect');
  const [socket] = await accepted;
  expect(socket.getPeerCertificate().subject.CN).toBe('Apple Push Services: com.example.mail');
  client.destroy();
  server.close();
});
