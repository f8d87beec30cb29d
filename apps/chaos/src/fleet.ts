import { setTimeout as pause } from 'node:timers/promises';
import type { AppName, AppProcess, AppProcessOptions, System } from '@pns/e2e';
import { ThreadLink } from './links';
import { within } from './within';

/** The network between a process and the servers. */
interface Network {
  readonly redis: ThreadLink;
  readonly postgres: ThreadLink;
}

/** The niceness of the apps. The process of the run has priority over them, because its far sides must always answer at once. */
const niceness = 10;

/** A process that does not start, for example because Redis is away for long, is started again after this time, in ms. */
const startAgainMs = 500;
/** After this time of failed starts, the run fails, in ms. */
const startAgainForMs = 180_000;
/** How long a process of another version gets no requests before it is stopped, in ms. Load balancers call it deregistration delay. */
const deregisteredMs = 2000;
/** A bound for a process that does not end, in ms. It may be frozen for 16 s and then needs up to 30 s to shut down. */
const endsWithinMs = 120_000;

/** The processes of all apps, each with its own links to Redis and Postgres, and a supervisor that replaces them. */
export class Fleet {
  private readonly networks = new Map<AppProcess, Network>();
  private readonly links: ThreadLink[] = [];
  private readonly starts = new Set<Promise<unknown>>();
  private readonly ofOtherVersion = new Set<AppProcess>();
  private readonly deregistered = new Set<AppProcess>();
  private isEnding = false;

  private constructor(
    private readonly system: System,
    /** Whether processes have links. Without links, they are connected to the servers directly, which needs less CPU time. */
    private readonly hasLinks: boolean,
  ) {}

  /** Starts `each` processes of every app in `names`. */
  static async start(
    system: System,
    names: readonly AppName[],
    each: number,
    hasLinks: boolean,
    options: AppProcessOptions,
  ): Promise<Fleet> {
    const fleet = new Fleet(system, hasLinks);
    for (let count = 0; count < each; count++) await Promise.all(names.map((name) => fleet.add(name, options)));
    return fleet;
  }

  /** Starts another process. Repeats a start that failed. */
  add(name: AppName, options: AppProcessOptions = {}): Promise<void> {
    const start = this.start(name, options);
    this.starts.add(start);
    return start.finally(() => this.starts.delete(start));
  }

  /** Kills a process and waits for its end. */
  kill(process: AppProcess): Promise<void> {
    return within(endsWithinMs, `the end of a killed ${process.name}`, process.kill());
  }

  /**
   * Stops a process with SIGTERM, and returns its exit code. A process of another version first gets no requests for a while,
   * because older versions answer requests with a 503 without Retry-After while they stop.
   */
  async stop(process: AppProcess): Promise<number | null> {
    if (this.ofOtherVersion.has(process)) {
      this.deregistered.add(process);
      await pause(deregisteredMs);
    }
    return within(endsWithinMs, `the end of ${process.name} after SIGTERM`, process.stop());
  }

  private async start(name: AppName, options: AppProcessOptions): Promise<void> {
    const endsAt = performance.now() + startAgainForMs;
    while (!this.isEnding) {
      const network = this.hasLinks ? await this.network() : undefined;
      try {
        const env = network && { REDIS_URL: network.redis.url, DATABASE_URL: network.postgres.url };
        const process = await this.system.add(name, env, { niceness, ...options });
        if (network !== undefined) this.networks.set(process, network);
        if (options.appsFolder !== undefined) this.ofOtherVersion.add(process);
        return;
      } catch (error) {
        if (this.isEnding) return;
        const isAgain = error instanceof Error && error.message.includes('at start') && performance.now() < endsAt;
        if (!isAgain) throw error;
        await pause(startAgainMs);
      }
    }
  }

  /** The processes of an app that have not ended. */
  living(name: AppName): AppProcess[] {
    return this.system.all(name).filter(({ child }) => child.exitCode === null && child.signalCode === null);
  }

  /** The processes of an app that a load balancer sends requests to. */
  serving(name: AppName): AppProcess[] {
    return this.living(name).filter((process) => !this.deregistered.has(process));
  }

  /** The links of all living processes of an app to a server. */
  linksOf(name: AppName, server: keyof Network): ThreadLink[] {
    return this.living(name).flatMap((process) => this.networks.get(process)?.[server] ?? []);
  }

  /** Prevents further starts of processes. Resolves when all starts in progress have ended. */
  async end(): Promise<void> {
    this.isEnding = true;
    await Promise.allSettled(this.starts);
  }

  async close(): Promise<void> {
    await Promise.all(this.links.map((link) => link.close()));
  }

  private async network(): Promise<Network> {
    const [redis, postgres] = await Promise.all([
      ThreadLink.to(this.system.redis.url),
      ThreadLink.to(this.system.databaseUrl),
    ]);
    this.links.push(redis, postgres);
    return { redis, postgres };
  }
}
