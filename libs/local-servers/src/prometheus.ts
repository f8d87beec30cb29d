import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promtool } from './debian-programs';
import { startServerProcess, type Progress, type ServerProcess } from './server-process';

interface PrometheusOptions {
  /** The folder of its configuration and data; created when missing. */
  readonly folder: string;
  /** The addresses (`127.0.0.1:3000`) of each job. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  readonly ruleFiles?: readonly string[];
  readonly scrapeSeconds?: number;
  readonly onProgress?: Progress;
}

/**
 * Starts a Prometheus on 127.0.0.1 and resolves when it answers queries.
 *
 * @throws LocalServerError when it cannot be started, with the end of its log.
 */
export async function startPrometheus({
  targets,
  ruleFiles = [],
  scrapeSeconds = 1,
  onProgress = () => undefined,
  ...options
}: PrometheusOptions): Promise<ServerProcess> {
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const tool = promtool(onProgress);
  const configuration = join(folder, 'prometheus.json'); // JSON is YAML
  const interval = `${scrapeSeconds}s`;
  writeFileSync(
    configuration,
    JSON.stringify({
      global: { scrape_interval: interval, evaluation_interval: interval },
      rule_files: ruleFiles,
      scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
        job_name: job,
        static_configs: [{ targets: addresses }],
      })),
    }),
  );
  return startServerProcess({
    folder,
    onProgress,
    command: (port) => ({
      name: 'prometheus',
      file: join(dirname(tool.file), 'prometheus'), // the package contains both programs
      args: [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      env: tool.env,
    }),
    isReady,
  });
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
  } catch {
    return false;
  }
}
