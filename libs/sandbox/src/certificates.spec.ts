import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { checkServerIdentity, connect, createServer, type TLSSocket } from 'node:tls';
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

it.each(['sandbox', '192.0.2.7'])(
  'issues a certificate for the server at %s, where other hosts reach it',
  async (hostname) => {
    const other = makeAuthority(hostname);
    const server = createServer(other.server).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, ca: other.cert });
    await once(client, 'secureConnect');
    expect(checkServerIdentity(hostname, client.getPeerCertificate())).toBeUndefined();
    const stranger = { code: 'ERR_TLS_CERT_ALTNAME_INVALID' };
    expect(checkServerIdentity('another', client.getPeerCertificate())).toMatchObject(stranger);
    client.destroy();
    server.close();
  },
);
