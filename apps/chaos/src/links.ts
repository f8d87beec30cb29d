import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LinkState } from './link';
import type { LinkAnswer, LinkRequest } from './links-thread';

/** Emits the answers of the thread. Each waiting request adds a listener for errors, so their number has no limit. */
const answers = new EventEmitter().setMaxListeners(Infinity);
let thread: Worker | undefined;
let opened = 0;
let unanswered = 0;

function ask(request: LinkRequest): void {
  thread ??= start();
  thread.postMessage(request);
}

async function answerTo(request: LinkRequest): Promise<LinkAnswer> {
  const answer = once(answers, String(request.id)) as Promise<[LinkAnswer]>;
  ask(request);
  if (++unanswered === 1) thread?.ref();
  const [answered] = await answer;
  if (--unanswered === 0) thread?.unref();
  return answered;
}

/** Starts the thread. It keeps the process alive only while a request waits for its answer. Its errors end the run. */
function start(): Worker {
  const worker = new Worker(join(__dirname, 'links-thread.js'));
  worker.on('message', (answer: LinkAnswer) => answers.emit(String(answer.id), answer));
  worker.on('error', (error) => {
    throw error;
  });
  worker.unref();
  return worker;
}

/** A `Link` in the thread of all links. */
export class ThreadLink {
  private constructor(
    private readonly id: number,
    /** The URL of the server through this link. */
    readonly url: string,
  ) {}

  /** Opens a link to the server of `url` on a free port. */
  static async to(url: string): Promise<ThreadLink> {
    const id = ++opened;
    return new ThreadLink(id, (await answerTo({ id, kind: 'open', url })).url);
  }

  /** Disturbs the link until `mend` is called. */
  disturb(state: LinkState): void {
    ask({ id: this.id, kind: 'disturb', state });
  }

  mend(): void {
    ask({ id: this.id, kind: 'mend' });
  }

  async close(): Promise<void> {
    await answerTo({ id: this.id, kind: 'close' });
  }
}
