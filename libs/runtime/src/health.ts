import { Injectable } from '@nestjs/common';

/** Checks a part that an app needs in order to serve; rejects with the reason while it is not available. */
export type ReadinessCheck = () => Promise<unknown>;

/** Collects the checks of an app's parts. */
@Injectable()
export class Health {
  private readonly checks = new Map<string, ReadinessCheck>();
  private readonly stop = new AbortController();
  /** Aborted when the app stops: from then on it must get no new work, and long requests must end. */
  readonly stopping: AbortSignal = this.stop.signal;

  add(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  startStopping(): void {
    this.stop.abort();
  }

  /** Every part with `ok` or its fault. A part without an answer within 2 s is not ready. */
  async report(): Promise<{ ready: boolean; parts: Record<string, string> }> {
    const entries = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await answerOf(check)] as const),
    );
    const parts = Object.fromEntries(entries);
    return { ready: !this.stopping.aborted && Object.values(parts).every((answer) => answer === 'ok'), parts };
  }
}

async function answerOf(check: ReadinessCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer within 2 s'), 2000);
  });
  const answer = check().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
