// Socket.IO alone: it has no queue, and generates its events while it sends them.
import { setImmediate } from 'node:timers/promises';
import { answerQuestions } from '../child';
import { mailNotification } from '../notifications';
import { io, listen } from './bare-socket-io';

/** The number of events that are emitted before Node's event loop continues. */
const atOnce = 100;

type EmitQuestion =
  { readonly listen: true } | { readonly first: number; readonly count: number; readonly users: number };

async function emitAll(first: number, count: number, users: number): Promise<object> {
  for (let index = first; index < first + count; index++) {
    const { topic, payload } = mailNotification(index, users);
    io.to(`tab-${index % users}`).emit(topic, payload);
    if (index % atOnce === 0) await setImmediate();
  }
  return {};
}

answerQuestions<EmitQuestion>((question) =>
  'listen' in question ? listen() : emitAll(question.first, question.count, question.users),
);
