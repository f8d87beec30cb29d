import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nginx } from './debian-programs';
import { findProgram } from './find-program';
import { debianProgram, type Runnable } from './from-apt';
import { LocalServerError } from './local-server-error';
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
  const { file, env } = nginx(onProgress);
  return started({ ...options, onProgress }, (args) => ({ file, args, env }));
}

/**
 * Starts an nginx with the module nchan, like `startNginx`. Debian's module stores messages in `/var/lib/nginx` and nowhere else. This
 * nginx therefore has a mount namespace in which `/var/lib` is an empty folder in memory. This needs no root, but the system must allow
 * namespaces of users.
 *
 * @throws LocalServerError when it cannot be started, with the end of its log.
 */
export async function startNchan({ onProgress = () => undefined, ...options }: NginxOptions): Promise<ServerProcess> {
  const { file, env, module } = nginxWithNchan(onProgress);
  if (findProgram('unshare') === undefined)
    throw new LocalServerError('There is no unshare (util-linux) on this machine.');
  const inNamespace = 'mount -t tmpfs nchan /var/lib && mkdir /var/lib/nginx && exec "$@"';
  const unshare = ['--map-root-user', '--mount', 'sh', '-c', inNamespace, 'sh'];
  return started(
    { ...options, onProgress },
    (args) => ({ file: 'unshare', args: [...unshare, file, ...args], env }),
    // The namespace has no other user to whom nchan could give its folders.
    [`load_module ${module};`, 'user root root;'],
  );
}

function nginxWithNchan(onProgress: Progress): Runnable & { readonly module: string } {
  const path = join('lib', 'nginx', 'modules', 'ngx_nchan_module.so');
  const installed = join('/usr', path);
  if (existsSync(installed)) return { ...nginx(onProgress), module: installed };
  const wanted = {
    name: 'nginx with nchan',
    package: 'libnginx-mod-nchan',
    others: ['nginx'],
    path: join('usr', 'sbin', 'nginx'),
    downloadMegabytes: 2,
  };
  const unpacked = debianProgram(wanted, onProgress);
  if (unpacked === undefined) {
    throw new LocalServerError(
      'There is no nchan on this machine; install it, for example with: apt-get install libnginx-mod-nchan',
    );
  }
  return { ...unpacked, module: join(dirname(unpacked.file), '..', path) };
}

/** Starts nginx with the command that `command` returns for its arguments. `main` are lines of the configuration before its blocks. */
function started(
  { onProgress, ...options }: Required<NginxOptions>,
  command: (args: readonly string[]) => { file: string; args: readonly string[]; env: NodeJS.ProcessEnv },
  main: readonly string[] = [],
): Promise<ServerProcess> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const configuration = join(folder, 'nginx.conf');
  return startServerProcess({
    folder,
    onProgress,
    command: (port) => {
      writeFileSync(configuration, [...main, mainBlock(folder, options.http(port))].join('\n'));
      return { name: 'nginx', ...command(['-p', folder, '-c', configuration, '-e', 'stderr']) };
    },
    isReady: acceptsConnections,
  });
}

/** A thousand sockets of a benchmark need more connections than nginx has by default (512). */
const connections = 4096;

function mainBlock(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${join(folder, kind)};`,
  );
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
events { worker_connections ${connections}; }
http {
${temporary.join('\n')}
${http}
}
`;
}
