import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Link } from './link';

let echo: Server;
let link: Link;
let client: Socket;

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  link = await Link.to(`http://127.0.0.1:${(echo.address() as AddressInfo).port}`);
  client = await connected();
});

afterEach(async () => {
  client.destroy();
  await link.close();
  echo.close();
});

async function connected(): Promise<Socket> {
  const socket = connect(Number(new URL(link.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the socket is closed, also with an error. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

/** Sends a text and resolves with the answer. */
async function answerTo(text: string): Promise<string> {
  client.write(text);
  const [bytes] = (await once(client, 'data')) as [Buffer];
  return bytes.toString();
}

it('forwards what both sides send', async () => {
  expect(await answerTo('a')).toBe('a');
});

it('breaks its connections and accepts none while it is cut', async () => {
  const closed = closing(client);
  link.disturb('cut');
  await closed;
  const refused = await connected();
  await closing(refused);
  link.mend();
  client = await connected();
  expect(await answerTo('b')).toBe('b');
});

it('is late and complete while it is slow', async () => {
  link.disturb('slow');
  expect(await answerTo('c')).toBe('c');
});

it('carries nothing while it is half-open, and breaks then', async () => {
  expect(await answerTo('d')).toBe('d');
  link.disturb('half-open');
  const came: string[] = [];
  client.on('data', (bytes: Buffer) => came.push(bytes.toString()));
  const closed = closing(client);
  await new Promise<void>((resolve) => void client.write('e', () => resolve()));
  link.mend();
  await closed;
  expect(came).toEqual([]);
});
