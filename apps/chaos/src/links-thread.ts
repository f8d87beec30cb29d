// The thread of all links. In the main thread, their traffic with Redis and Postgres would delay the receivers.
import { parentPort } from 'node:worker_threads';
import { Link, type LinkState } from './link';

/** `id`: the number of a link, which the main thread chooses. */
export type LinkRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly url: string }
  | { readonly kind: 'disturb'; readonly state: LinkState }
  | { readonly kind: 'mend' }
  | { readonly kind: 'close' }
);

/** The answer to `open`, with the URL of the link, and to `close`. */
export interface LinkAnswer {
  readonly id: number;
  readonly url: string;
}

const links = new Map<number, Link>();

async function handle(request: LinkRequest): Promise<LinkAnswer | undefined> {
  const { id } = request;
  if (request.kind === 'open') links.set(id, await Link.to(request.url));
  const link = links.get(id);
  if (link === undefined) throw new Error(`There is no link ${id}.`);
  if (request.kind === 'disturb') link.disturb(request.state);
  else if (request.kind === 'mend') link.mend();
  else {
    const { url } = link;
    if (request.kind === 'close') await link.close();
    return { id, url };
  }
  return undefined;
}

async function serve(request: LinkRequest): Promise<void> {
  const answer = await handle(request);
  if (answer !== undefined) parentPort?.postMessage(answer);
}

parentPort?.on('message', (request: LinkRequest) => void serve(request));
