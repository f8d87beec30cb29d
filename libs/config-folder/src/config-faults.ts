import { log, metrics } from '@pns/runtime';
import { Gauge } from 'prom-client';

/** A part of the configuration folder that has no effect, or probably not the intended effect. Contains no secret. */
export interface ConfigFault {
  /** The path relative to the folder, with `/`. */
  readonly file: string;
  /** Counted from 1; absent when the whole file is faulty. */
  readonly line?: number;
  /** The property, client or context set that has the fault. */
  readonly entry?: string;
  /** `error`: a value has no effect. `warning`: all values have an effect, or the entry does not belong to PNS. */
  readonly severity: 'error' | 'warning';
  /** The end of a sentence whose subject is the entry, or the file. */
  readonly reason: string;
}

/** Maximum number of faults of one file that are listed one by one. */
const maxFaultsOfFile = 100;

const open = new Set<ConfigFaults>();

new Gauge({
  name: 'pns_config_faults',
  help: 'Faults in the files of the configuration folder, as GET /v1/config/faults lists them.',
  labelNames: ['file'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { allFiles, all } of open) {
      for (const file of allFiles) this.set({ file }, 0);
      for (const { file } of all) this.inc({ file });
    }
  },
});

new Gauge({
  name: 'pns_config_last_reload_success',
  help: '1 when the whole configuration folder is in effect, 0 when a part of it was refused.',
  registers: [metrics],
  collect() {
    const isRefused = [...open].some(({ all }) => all.some(({ severity }) => severity === 'error'));
    this.set(isRefused ? 0 : 1);
  },
});

/** The faults of one configuration folder. Each is logged once, and again if it reappears after a correction. */
export class ConfigFaults {
  /** The faults by option file. The empty name stands for all files of the cascade. */
  private readonly bySource = new Map<string, readonly ConfigFault[]>();
  /** The files of the cascade that are read, faulty or not. */
  files: readonly string[] = [];

  constructor() {
    open.add(this);
  }

  /** Every file that is read, faulty or not. */
  get allFiles(): readonly string[] {
    return [...this.files, ...[...this.bySource.keys()].filter((file) => file !== '')];
  }

  get all(): readonly ConfigFault[] {
    return [...this.bySource.values()].flat();
  }

  /** Replaces the faults of the files of the cascade, or of the option file `file`, and logs new faults. */
  report(reported: readonly ConfigFault[], file = ''): void {
    const faults = bounded(reported);
    const known = new Set((this.bySource.get(file) ?? []).map(identityOf));
    this.bySource.set(file, faults);
    for (const { severity, ...fault } of faults) {
      if (known.has(identityOf(fault))) continue;
      const line = { event: 'config.fault', ...fault } as const;
      if (severity === 'error') log.error(line);
      else log.warn(line);
    }
  }

  close(): void {
    open.delete(this);
  }
}

function bounded(faults: readonly ConfigFault[]): ConfigFault[] {
  const byFile = new Map<string, ConfigFault[]>();
  for (const fault of faults) {
    const ofFile = byFile.get(fault.file);
    if (ofFile === undefined) byFile.set(fault.file, [fault]);
    else ofFile.push(fault);
  }
  return [...byFile].flatMap(([file, ofFile]) => boundedOf(file, ofFile));
}

function boundedOf(file: string, faults: readonly ConfigFault[]): readonly ConfigFault[] {
  if (faults.length <= maxFaultsOfFile) return faults;
  const isError = ({ severity }: ConfigFault) => severity === 'error';
  const sorted = [...faults.filter(isError), ...faults.filter((fault) => !isError(fault))];
  const rest = sorted.slice(maxFaultsOfFile);
  const severity = rest.some(isError) ? 'error' : 'warning';
  return [...sorted.slice(0, maxFaultsOfFile), { file, severity, reason: `has ${rest.length} more faults` }];
}

/** Identifies a fault without its line, so that a fault that only moved is not logged again. */
function identityOf({ file, entry, reason }: Omit<ConfigFault, 'severity'>): string {
  return JSON.stringify([file, entry, reason]);
}
