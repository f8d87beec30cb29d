import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { haproxy } from './debian-programs';
import { acceptsConnections, startServerProcess, type Progress, type ServerProcess } from './server-process';

interface HaproxyOptions {
  /** The folder of its configuration and log; created when missing. The log is the file `haproxy.log`. */
  readonly folder: string;
  /** The configuration; HAProxy must listen on `port` of 127.0.0.1. */
  readonly configuration: (port: number) => string;
  readonly onProgress?: Progress;
}

/**
 * Starts a HAProxy and resolves when it listens.
 *
 * @throws LocalServerError when it cannot be started, with the end of its log.
 */
export async function startHaproxy({
  onProgress = () => undefined,
  ...options
}: HaproxyOptions): Promise<ServerProcess> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const { file, env } = haproxy(onProgress);
  const configuration = join(folder, 'haproxy.cfg');
  return startServerProcess({
    folder,
    onProgress,
    command: (port) => {
      writeFileSync(configuration, options.configuration(port));
      return { name: 'haproxy', file, args: ['-db', '-f', configuration], env };
    },
    isReady: acceptsConnections,
  });
}
