// The sockets of many users in one process. They are bare Web Sockets, usually with the necessary part of Socket.IO 5 (over Engine.IO 4).
// They record only the id of each event, so that they use little CPU time.
import { WebSocket } from 'ws';
import { answerQuestions } from '../child';
import type { SocketProtocol, SocketQuestion } from '../web-sockets';

/** The number of concurrent handshakes. More would only wait for each other. */
const opening = 50;

/** The missing notifications count as lost if no new notification has arrived for this time, in ms. */
const patienceMs = 10_000;

let sockets = 0;
let arrivals = new Uint8Array(0);
let first = 0;
let different = 0;
let lastAt = 0;
let complete: (() => void) | undefined;

async function open(urls: readonly string[], protocol: SocketProtocol): Promise<object> {
  let next = 0;
  const openSome = async (): Promise<void> => {
    for (let index = next++; index < urls.length; index = next++) await openOne(urls[index] ?? '', index, protocol);
  };
  await Promise.all(Array.from({ length: opening }, openSome));
  sockets = urls.length;
  return {};
}

function openOne(url: string, index: number, protocol: SocketProtocol): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    if (protocol === 'bare') socket.on('open', resolve);
    socket.on('message', (data: Buffer) => {
      if (protocol === 'bare') return take(data, index);
      // Engine.IO: 0 open, 2 ping, 3 pong, 4 message; Socket.IO within a message: 0 connect, 2 event, 4 connect error.
      const packet = data.toString('latin1', 0, 2);
      if (packet === '42') return take(data, index);
      if (packet === '2') return socket.send('3');
      if (packet[0] === '0') return socket.send('40');
      if (packet === '40') return resolve();
      reject(new Error(`A socket was refused: ${data.toString()}`));
    });
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`A socket was closed with ${code}.`)));
  });
}

function take(data: Buffer, socket: number): void {
  const start = data.indexOf('"id":"') + 6;
  const id = Number.parseInt(data.toString('latin1', start, start + 12), 10);
  if (id % sockets !== socket) throw new Error(`What was for socket ${id % sockets} came to ${socket}.`);
  const at = id - first;
  const before = arrivals[at];
  if (before === undefined) return; // not one of the expected notifications
  arrivals[at] = before + 1;
  if (before > 0) return;
  different++;
  lastAt = Date.now();
  if (different === arrivals.length) complete?.();
}

async function expect(from: number, count: number): Promise<object> {
  arrivals = new Uint8Array(count);
  [first, different, lastAt] = [from, 0, Date.now()];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (Date.now() - lastAt > patienceMs) done();
    }, 1000);
    const done = (): void => {
      clearInterval(timer);
      resolve();
    };
    complete = done;
  });
  // Waits for repeated events, which arrive within this time.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { lastAt, lost: count - different, duplicated: arrivals.filter((times) => times > 1).length };
}

answerQuestions<SocketQuestion>((question) =>
  'urls' in question ? open(question.urls, question.protocol) : expect(question.first, question.count),
);
