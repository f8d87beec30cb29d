import type { ServerResponse } from 'node:http';
import { type Arrival, type Arrivals, bodyOf, headersOf } from './arrivals';

/** The most arrivals that a page gets in each round. In a burst, it gets only the newest arrivals, but its counts are exact. */
const cardsPerRound = 20;
const roundMs = 200;
const cardsAtFirst = 30;

/** The counts of a webhook or a provider. */
export interface TargetState {
  readonly provider: string;
  readonly target: string;
  readonly total: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** Its current fault; empty if there is none. */
  readonly fault: object;
}

/** Sends arrivals to open pages as server-sent events. Costs nothing while no page is open. */
export class Feed {
  private readonly pages = new Set<ServerResponse>();
  private shownSeq = 0;
  private rounds: NodeJS.Timeout | undefined;

  constructor(
    private readonly arrivals: Arrivals,
    private readonly targets: () => readonly TargetState[],
    /** Whether the pages show an arrival; false if it was cleared. */
    private readonly isShown: (arrival: Arrival) => boolean,
  ) {}

  /** Streams to `page` until it disconnects, beginning with the latest arrivals. */
  open(page: ServerResponse): void {
    page.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    if (this.pages.size === 0) this.shownSeq = this.arrivals.lastSeq;
    this.pages.add(page);
    page.on('close', () => {
      this.pages.delete(page);
      if (this.pages.size === 0) this.close();
    });
    page.write(eventOf(this.arrivals.since(0, this.isShown, cardsAtFirst), this.targets()));
    this.rounds ??= setInterval(() => this.sendRound(), roundMs);
  }

  close(): void {
    clearInterval(this.rounds);
    this.rounds = undefined;
  }

  private sendRound(): void {
    const news = this.arrivals.since(this.shownSeq, this.isShown, cardsPerRound);
    this.shownSeq = this.arrivals.lastSeq;
    const event = eventOf(news, this.targets());
    for (const page of this.pages) {
      // A page that reads too slowly (a sleeping tab) misses arrivals, so that unread arrivals do not fill the memory.
      if (!page.writableNeedDrain) page.write(event);
    }
  }
}

function eventOf(arrivals: readonly Arrival[], targets: readonly TargetState[]): string {
  return `data: ${JSON.stringify({ cards: arrivals.map(cardOf), targets })}\n\n`;
}

/** The fields of an arrival that the page shows, the same for every provider. */
function cardOf({ seq, at, provider, target, request, decryptedBody, answer, isDuplicate, checks }: Arrival): object {
  const body = decryptedBody ?? bodyOf(request).toString();
  return {
    seq,
    at,
    provider,
    target,
    path: request.path,
    headers: headersOf(request),
    body,
    answer,
    isDuplicate,
    checks,
  };
}
