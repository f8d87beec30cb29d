// Publishes events to nchan with one POST each, which is the only way that nchan has for a producer over HTTP.
import { Pool } from 'undici';
import { answerQuestions } from '../child';
import { mailNotification } from '../notifications';

/** Concurrent requests, each over a separate connection. */
const connections = 50;

/** Prepares the events from `first` on, or publishes what is prepared. */
export type PublishQuestion =
  { readonly first: number; readonly count: number; readonly users: number } | { readonly url: string };

let prepared: { readonly path: string; readonly body: string }[] = [];
let pool: Pool | undefined;

function prepare(first: number, count: number, users: number): object {
  prepared = Array.from({ length: count }, (_, index) => {
    const { topic, payload } = mailNotification(first + index, users);
    return { path: `/publish/${(first + index) % users}`, body: JSON.stringify([topic, payload]) };
  });
  return {};
}

async function publish(url: string): Promise<object> {
  const to = (pool ??= new Pool(url, { connections }));
  let next = 0;
  const send = async (): Promise<void> => {
    for (let event = prepared[next++]; event !== undefined; event = prepared[next++]) {
      const { statusCode, body } = await to.request({ method: 'POST', ...event });
      await body.dump();
      // 201: sent to a subscriber; 202: kept, because there is none.
      if (statusCode !== 201) throw new Error(`nchan answered ${statusCode} to an event for an open socket.`);
    }
  };
  await Promise.all(Array.from({ length: connections }, send));
  return {};
}

answerQuestions<PublishQuestion>((question) =>
  'url' in question ? publish(question.url) : Promise.resolve(prepare(question.first, question.count, question.users)),
);
