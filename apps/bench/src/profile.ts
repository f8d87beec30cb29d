import type { AppProcess, System } from '@pns/e2e';

let folder: string | undefined;

/** From now on the apps that are measured write CPU profiles to `path`, which Chrome's developer tools open. */
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

/** Ends a system; a profile is written by a process that ends by itself. */
export async function end(system: System, apps: readonly AppProcess[]): Promise<void> {
  if (folder !== undefined) await Promise.all(apps.map((app) => app.stop()));
  await system.stop();
}
