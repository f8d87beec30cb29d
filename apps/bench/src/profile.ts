import type { AppProcess, System } from '@pns/e2e';

let folder: string | undefined;

/** From now on the apps that are measured write CPU profiles to `path`, which Chrome's developer tools open. */
export function profileTo(path: string): void {
  folder = path;
}

/** What Node needs to be told for that. */
export function profilingArgs(): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** Ends a system; a profile is written by a process that ends by itself. */
export async function end(system: System, apps: readonly AppProcess[]): Promise<void> {
  if (folder !== undefined) await Promise.all(apps.map((app) => app.stop()));
  await system.stop();
}
