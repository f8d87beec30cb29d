import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { IContainer } from 'kubernetes-models/v1/Container';
import { parse } from 'yaml';
import { root } from '../doc-page';
import { rendered, type Manifest } from './kubernetes-manifests';

export const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

interface ComposeService {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
};
/** The services of docker-compose.yml that are apps, without the sandbox, which is not for production. */
export const apps = Object.entries(compose.services).filter(
  ([name]) => !['postgres', 'redis', 'sandbox'].includes(name),
);
export const appNames = apps.map(([name]) => name).sort();

export const secretNames = [
  'DATABASE_URL',
  'REDIS_URL',
  'PNS_BOOTSTRAP_API_KEY',
  'PNS_SESSION_SECRET',
  'PNS_ENCRYPTION_KEY',
] as const;

/** The names of the value files in the chart's folder `ci`. */
export const valueFiles = ['minimal', 'production', 'keda'] as const;
type ValueFile = (typeof valueFiles)[number];
const charts = new Map<ValueFile, Manifest[]>();

/** The objects of the chart, rendered with these values. */
export function chart(values: ValueFile): Manifest[] {
  const known = charts.get(values) ?? rendered(values);
  charts.set(values, known);
  return known;
}

export const ofKind = <Type>(values: ValueFile, kind: string): Type[] =>
  chart(values).filter((manifest) => manifest.kind === kind) as Type[];
export const namesOf = (values: ValueFile, kind: string): string[] =>
  ofKind<Manifest>(values, kind).map(({ metadata }) => metadata.name.replace(/^pns-/, ''));

/** The only container of an app. */
export function containerOf(deployment: IDeployment | IJob): IContainer {
  const [container] = deployment.spec?.template.spec?.containers ?? [];
  if (container === undefined) throw new Error('It has no container.');
  return container;
}

export const variables = ({ env = [] }: IContainer): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));

/** The secrets that a container reads from files. */
export const secretsOf = (container: IContainer): string[] =>
  Object.keys(variables(container))
    .filter((name) => name.endsWith('_FILE'))
    .map((name) => name.slice(0, -'_FILE'.length))
    .sort();

/** The names of the Secrets in each folder that a container mounts. */
export function secretsByFolder(workload: IDeployment | IJob): Record<string, string[]> {
  const volumes = workload.spec?.template.spec?.volumes ?? [];
  const mounts = containerOf(workload).volumeMounts ?? [];
  const folders = mounts.map(({ name, mountPath }): [string, string[]] => {
    const { secret, projected } = volumes.find((volume) => volume.name === name) ?? {};
    const names = [secret?.secretName, ...(projected?.sources ?? []).map((source) => source.secret?.name)];
    return [mountPath, names.filter((each) => each !== undefined)];
  });
  return Object.fromEntries(folders);
}
