import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nginx } from './debian-programs';
import { acceptsConnections, startServerProcess, type Progress, type ServerProcess } from './server-process';

interface NginxOptions {
  /** The folder of its configuration, logs and temporary files; created when missing. */
  readonly folder: string;
  /** The content of the block `http`; nginx listens on `port` of 127.0.0.1. */
  readonly http: (port: number) => string;
  readonly onProgress?: Progress;
}

/**
 * Starts an nginx on 127.0.0.1 and resolves when it listens.
 *
 * @throws LocalServerError when it cannot be started, with the end of its log.
 */
export async function startNginx({ onProgress = () => undefined, ...options }: NginxOptions): Promise<ServerProcess> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const { file, env } = nginx(onProgress);
  const configuration = join(folder, 'nginx.conf');
  return startServerProcess({
    folder,
    onProgress,
    command: (port) => {
      writeFileSync(configuration, mainBlock(folder, options.http(port)));
      return { name: 'nginx', file, args: ['-p', folder, '-c', configuration, '-e', 'stderr'], env };
    },
    isReady: acceptsConnections,
  });
}

function mainBlock(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${join(folder, kind)};`,
  );
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
events {}
http {
${temporary.join('\n')}
${http}
}
`;
}
