import { Injectable } from '@nestjs/common';

/** Checks a part that an app needs in order to serve; rejects with the reason while it is not available. */
type ReadinessCheck = () => Promise<unknown>;

/** Returns a sentence for each setting of a part that does not stop the app, but is a risk for the operator. */
type WarningCheck = () => Promise<readonly string[]>;

/** The readiness of an app. */
export interface HealthReport {
  readonly ready: boolean;
  /** `ok` or the fault of each part. */
  readonly parts: Record<string, string>;
  readonly warnings: readonly string[];
}

interface Part {
  readonly check: ReadinessCheck;
  readonly isOptional: boolean;
}

/** Collects the checks of an app's parts. */
@Injectable()
export class Health {
  private readonly parts = new Map<string, Part>();
  private readonly warningChecks: WarningCheck[] = [];
  private readonly stop = new AbortController();
  /** Aborted when the app stops. From then on the app must get no new work, and long requests must end. */
  readonly stopping: AbortSignal = this.stop.signal;

  /** Adds a part. While an optional part is faulty, the app is ready and reports the fault. */
  add(name: string, check: ReadinessCheck, isOptional = false): void {
    this.parts.set(name, { check, isOptional });
  }

  addWarnings(check: WarningCheck): void {
    this.warningChecks.push(check);
  }

  startStopping(): void {
    this.stop.abort();
  }

  /** Checks every part. A part that does not answer within 2 s is not available. */
  async report(): Promise<HealthReport> {
    const found: string[] = [];
    const [entries] = await Promise.all([
      Promise.all([...this.parts].map(async ([name, { check }]) => [name, await answerOf(check)] as const)),
      // A failed check adds no warning, because the readiness check of the part reports the fault.
      ...this.warningChecks.map((check) => answerOf(async () => void found.push(...(await check())))),
    ]);
    const parts = Object.fromEntries(entries);
    const isServing = entries.every(([name, answer]) => answer === 'ok' || this.parts.get(name)?.isOptional === true);
    const ready = !this.stopping.aborted && isServing;
    return { ready, parts, warnings: [...found] };
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
