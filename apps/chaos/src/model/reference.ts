import type { Notification } from '@pns/notifications';

/** The parts of a window in Redis that the reference computes too. */
export interface SeenWindow {
  readonly dueAt: number;
  readonly first: number;
  readonly count: number;
  /** The id of the notification to send. */
  readonly id: string;
}

interface Rules {
  readonly delayMs: number;
  readonly maxDelayMs: number;
}

/** A notification that a producer posts, and whether it was joined and accepted. */
export interface Posted {
  readonly notification: Notification;
  /** Whether Redis executed a join with it. */
  isJoined: boolean;
  /** Whether the producer got its 202. */
  isAccepted: boolean;
}

/** A text that all similar notifications share. */
export function kindOf({ user, topic, payload }: Pick<Notification, 'user' | 'topic' | 'payload'>): string {
  return `${user} ${topic} ${String(payload['key'])}`;
}

/** The expected windows, computed in plain TypeScript. The test compares them with the windows in Redis. */
export class Reference {
  readonly posted = new Map<string, Posted>();
  private readonly windows = new Map<string, SeenWindow>();
  /** The notifications in the open window of each kind. */
  private readonly members = new Map<string, string[]>();
  /** Windows that a dispatcher took, with their kinds. */
  readonly taken: { readonly kind: string; readonly id: string; readonly count: number }[] = [];

  constructor(private readonly rules: Rules) {}

  /** Joins a notification to its window, at the time when Redis executes the join. */
  join(id: string, now: number): void {
    const posted = this.posted.get(id);
    if (posted === undefined || posted.isJoined) return;
    posted.isJoined = true;
    const kind = kindOf(posted.notification);
    const { delayMs, maxDelayMs } = this.rules;
    const open = this.windows.get(kind);
    this.members.set(kind, [...((open && this.members.get(kind)) ?? []), id]);
    const first = open?.first ?? now;
    this.windows.set(kind, {
      first,
      dueAt: Math.min(now + delayMs, first + maxDelayMs),
      count: (open?.count ?? 0) + 1,
      // Of equal notifications, the first one is sent; of collected notifications, the newest one.
      id: open !== undefined && posted.notification.topic.endsWith(':equal') ? open.id : id,
    });
  }

  /** Returns the first difference to the windows in Redis. `mayTake`: a dispatcher may have taken due windows. */
  differenceTo(seen: ReadonlyMap<string, SeenWindow>, now: number, mayTake: boolean): string | undefined {
    for (const [kind, expected] of this.windows) {
      const found = seen.get(kind);
      if (found === undefined && mayTake && expected.dueAt <= now) {
        this.windows.delete(kind);
        this.taken.push({ kind, ...expected });
      } else if (JSON.stringify(found) !== JSON.stringify(expected)) {
        return `The window of ${kind} is ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}.`;
      }
    }
    for (const kind of seen.keys()) if (!this.windows.has(kind)) return `There is a window of ${kind}.`;
    return undefined;
  }

  /** The kinds with an open window. */
  get open(): string[] {
    return [...this.windows.keys()];
  }

  /** The kinds whose open window contains an accepted notification. */
  get owed(): string[] {
    return this.open.filter((kind) => this.members.get(kind)?.some((id) => this.posted.get(id)?.isAccepted));
  }
}
