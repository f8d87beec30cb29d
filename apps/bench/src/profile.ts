import type { AppProcess, System } from '@pns/e2e';

let folder: string | undefined;

/** Makes the measured apps write CPU profiles, which Chrome's developer tools can open, to the folder `path`. */
export function profileTo(path: string): void {
  folder = path;
}

/**
 * Node's arguments for the measured apps: memory for young objects as in our images (the baselines get it from the
 * script that starts the benchmarks), and the options for profiles.
 */
export function measuringArgs(): string[] {
  const profiling = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  return ['--max-semi-space-size=64', ...profiling];
}

/** Stops a system. For profiles, it stops `apps` with SIGTERM first, because a killed process writes none. */
export async function end(system: System, apps: readonly AppProcess[]): Promise<void> {
  if (folder !== undefined) await Promise.all(apps.map((app) => app.stop()));
  await system.stop();
}
