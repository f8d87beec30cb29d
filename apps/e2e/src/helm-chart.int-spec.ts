import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from '@pns/runtime/env';
import { RuntimeModule, startWorker } from '@pns/runtime/app';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IJob } from 'kubernetes-models/batch/v1/Job';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import type { IService } from 'kubernetes-models/v1/Service';
import { parse } from 'yaml';
import {
  appNames,
  apps,
  chart,
  containerOf,
  namesOf,
  ofKind,
  read,
  secretNames,
  secretsByFolder,
  secretsOf,
  valueFiles,
  variables,
} from './testing/helm-chart';
import { runHelm, schemaFaults, unknownFields, type Manifest } from './testing/kubernetes-manifests';

jest.setTimeout(300_000);

describe.each(valueFiles)('the chart with the values %s', (values) => {
  it('passes helm lint --strict', () => {
    expect(runHelm('lint', values, '--strict')).toMatchObject({ status: 0 });
  });

  it('has only objects that the JSON schemas of Kubernetes and KEDA accept', async () => {
    expect(chart(values).length).toBeGreaterThan(20);
    for (const manifest of chart(values)) {
      const { kind, metadata } = manifest;
      expect([kind, metadata.name, await schemaFaults(manifest)]).toEqual([kind, metadata.name, undefined]);
    }
  });

  it('runs containers without root, without rights and with a root folder that is read-only', () => {
    for (const workload of [...ofKind<IDeployment>(values, 'Deployment'), ...ofKind<IJob>(values, 'Job')]) {
      const spec = workload.spec?.template.spec as IPodSpec;
      expect(spec).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(containerOf(workload)).toMatchObject({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        resources: { requests: expect.any(Object) as object, limits: expect.any(Object) as object },
      });
      const mounts = containerOf(workload).volumeMounts?.map(({ name }) => name);
      expect(spec.volumes?.map(({ name }) => name)).toEqual(mounts);
    }
  });

  it('selects the pods of one app in each Deployment, Service, budget and policy', () => {
    const labels = ofKind<IDeployment>(values, 'Deployment').map((each) => each.spec?.template.metadata?.labels ?? {});
    const selectors = chart(values).flatMap((manifest) => {
      const spec = ((manifest as Manifest & { spec?: object }).spec ?? {}) as {
        readonly selector?: { readonly matchLabels?: object };
        readonly podSelector?: { readonly matchLabels: object };
      };
      const selector = spec.podSelector?.matchLabels ?? spec.selector?.matchLabels ?? spec.selector;
      return selector === undefined || manifest.metadata.name === 'pns-migrate' ? [] : [selector];
    });
    expect(selectors.length).toBeGreaterThan(15);
    for (const selector of selectors) {
      const selected = labels.filter((each) => Object.entries(selector).every(([key, value]) => each[key] === value));
      expect(selected).toHaveLength(1);
    }
  });

  it('mounts the secrets, and has none in a ConfigMap or a variable', () => {
    const [config] = ofKind<IConfigMap>(values, 'ConfigMap');
    expect(JSON.stringify(config?.data)).not.toMatch(/secret|password|private|credential/i);
    for (const workload of [...ofKind<IDeployment>(values, 'Deployment'), ...ofKind<IJob>(values, 'Job')]) {
      const container = containerOf(workload);
      for (const name of secretNames) expect(variables(container)).not.toHaveProperty(name);
      const volume = workload.spec?.template.spec?.volumes?.find(({ name }) => name === 'secrets')?.secret;
      expect(volume?.items?.map(({ path }) => `/pns/secrets/${path}`)).toEqual(
        secretsOf(container).length === 0
          ? undefined
          : Object.entries(variables(container)).flatMap(([name, value]) => (name.endsWith('_FILE') ? [value] : [])),
      );
    }
    expect(ofKind(values, 'Secret')).toEqual([]);
  });

  it('mounts every file that a variable names', () => {
    for (const workload of [...ofKind<IDeployment>(values, 'Deployment'), ...ofKind<IJob>(values, 'Job')]) {
      const folders = Object.keys(secretsByFolder(workload));
      const files = Object.values(variables(containerOf(workload))).filter((value) => value.startsWith('/'));
      const missing = files.filter((file) => !folders.some((folder) => `${file}/`.startsWith(`${folder}/`)));
      expect([containerOf(workload).name, missing]).toEqual([containerOf(workload).name, []]);
    }
  });

  it('has no Service at the port of TLS, because the apps serve none', () => {
    const ports = ofKind<IService>(values, 'Service').flatMap(({ spec }) => spec?.ports?.map(({ port }) => port));
    expect(ports).not.toContain(443);
  });

  it('keeps the API in its Service while Postgres is away', () => {
    const paths = ofKind<IDeployment>(values, 'Deployment').map((deployment) => {
      const { name, readinessProbe } = containerOf(deployment);
      return [name, readinessProbe?.httpGet?.path];
    });
    expect(paths).toEqual(paths.map(([name]) => [name, name === 'api' ? '/health/live' : '/health/ready']));
  });

  it('sets only variables that the apps know, with values that they accept', () => {
    for (const workload of [...ofKind<IDeployment>(values, 'Deployment'), ...ofKind<IJob>(values, 'Job')]) {
      const env = variables(containerOf(workload));
      const known = Object.fromEntries(Object.entries(env).filter(([name]) => !name.endsWith('_FILE')));
      expect(() => readEnvironment([], known)).not.toThrow();
      for (const name of secretsOf(containerOf(workload))) expect(secretNames).toContain(name);
    }
  });
});

it('the types of Kubernetes and KEDA know every field of the three charts', () => {
  const [deployment] = ofKind<Manifest>('minimal', 'Deployment');
  const misspelt = { ...deployment, spec: { ...(deployment as IDeployment).spec, replica: 2 } } as Manifest;
  const found = unknownFields([...valueFiles.flatMap(chart), misspelt]);
  expect(found).toEqual([expect.stringContaining('"replica"')]);
});

describe('the apps', () => {
  it('are those of docker-compose.yml, with the same commands and secrets', () => {
    expect(namesOf('minimal', 'Deployment').sort()).toEqual(appNames);
    const containers = ofKind<IDeployment>('minimal', 'Deployment').map(containerOf);
    for (const [name, { command, environment = {} }] of apps) {
      const container = containers.find((each) => each.name === name) as IContainer;
      expect(container.command).toEqual(command);
      const needed = secretNames.filter((secret) => secret in environment);
      expect([name, secretsOf(container)]).toEqual([name, [...needed].sort()]);
    }
  });

  it('are probed at the port at which they serve health', () => {
    for (const deployment of ofKind<IDeployment>('production', 'Deployment')) {
      const container = containerOf(deployment);
      const env = Object.fromEntries(Object.entries(variables(container)).filter(([name]) => !name.endsWith('_FILE')));
      const { PNS_API_PORT, PNS_HEALTH_PORT } = readEnvironment(['PNS_API_PORT', 'PNS_HEALTH_PORT'], env);
      const port = container.name === 'api' ? PNS_API_PORT : PNS_HEALTH_PORT;
      const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
      expect(probes.map((probe) => probe?.httpGet?.port)).toEqual([port, port, port]);
      const annotations = deployment.spec?.template.metadata?.annotations;
      expect(annotations).toMatchObject({ 'prometheus.io/port': `${port}`, 'prometheus.io/path': '/metrics' });
      expect(container.ports?.map(({ containerPort }) => containerPort)).toContain(port);
    }
  });

  it('answer at the paths of the probes', async () => {
    const app = (await startWorker('chart', RuntimeModule, 0)) as NestFastifyApplication;
    const { port } = app.getHttpServer().address() as AddressInfo;
    const containers = ofKind<IDeployment>('minimal', 'Deployment').map(containerOf);
    const probes = containers.flatMap((each) => [each.startupProbe, each.livenessProbe, each.readinessProbe]);
    const paths = new Set(probes.map((probe) => probe?.httpGet?.path ?? ''));
    expect([...paths].sort()).toEqual(['/health/live', '/health/ready']);
    const answers = await Promise.all([...paths].map((path) => fetch(`http://127.0.0.1:${port}${path}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await app.close();
  });

  it('of the API and the Web Sockets have a Service, at the ports at which they listen', () => {
    const { PNS_API_PORT, PNS_WEBSOCKET_PORT } = readEnvironment(['PNS_API_PORT', 'PNS_WEBSOCKET_PORT'], {});
    const containers = ofKind<IDeployment>('minimal', 'Deployment').map(containerOf);
    const listens = ofKind<IService>('minimal', 'Service').map(({ spec }) => {
      const [port] = spec?.ports ?? [];
      const named = containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === port?.targetPort);
      return [port?.port, named?.containerPort];
    });
    expect(listens).toEqual([
      [PNS_API_PORT, PNS_API_PORT],
      [PNS_WEBSOCKET_PORT, PNS_WEBSOCKET_PORT],
    ]);
  });

  it('may each lose one pod at a time, unless the budget is off', () => {
    expect(namesOf('minimal', 'PodDisruptionBudget').sort()).toEqual(appNames);
    expect(namesOf('production', 'PodDisruptionBudget')).not.toContain('worker-wns');
  });
});

it('the migration runs before an installation and an upgrade, with the URL of the database only', () => {
  const [job] = ofKind<IJob & Manifest>('minimal', 'Job');
  expect(job?.metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade');
  expect(containerOf(job as IJob).command).toEqual(['node', 'apps/api/dist/migrate.js']);
  expect(secretsOf(containerOf(job as IJob))).toEqual(['DATABASE_URL']);
  expect(ofKind('keda', 'Job')).toEqual([]);
});

it('every app and the migration have the further variables and the Secrets of the configuration folder', () => {
  const { extraEnv } = parse(read('deploy', 'helm', 'pns', 'ci', 'production-values.yaml')) as {
    readonly extraEnv: Readonly<Record<string, string>>;
  };
  const workloads = [...ofKind<IDeployment>('production', 'Deployment'), ...ofKind<IJob>('production', 'Job')];
  expect(workloads).toHaveLength(appNames.length + 1);
  for (const workload of workloads) {
    expect(secretsByFolder(workload)).toEqual({
      '/pns/config': ['pns-options'],
      '/pns/config/secrets': ['pns-key-files'],
      '/pns/secrets': ['pns'],
      '/tmp': [],
    });
    const container = containerOf(workload);
    const expected = container.name === 'api' ? { ...extraEnv, OTEL_TRACES_SAMPLER: 'always_on' } : extraEnv;
    expect(variables(container)).toMatchObject(expected);
  }
  const [job] = ofKind<IJob>('minimal', 'Job');
  expect(secretsByFolder(job as IJob)).toEqual({ '/pns/secrets': ['pns'], '/tmp': [] });
});

describe('autoscaling', () => {
  it('by CPU sets no number of replicas', () => {
    expect(namesOf('production', 'HorizontalPodAutoscaler').sort()).toEqual(['api', 'worker-websocket']);
    const scaled = ofKind<IDeployment>('production', 'Deployment').filter(({ spec }) => spec?.replicas === undefined);
    expect(scaled.map(({ metadata }) => metadata?.name)).toEqual(['pns-api', 'pns-worker-websocket']);
  });

  it('by queue asks Prometheus for the waiting jobs of the queue of the app', () => {
    const scaled = ofKind<Manifest & { spec: { triggers: { metadata: { query: string } }[] } }>('keda', 'ScaledObject');
    const queries = scaled.map(({ metadata, spec }) => [metadata.name, spec.triggers[0]?.metadata.query]);
    const expected = ['dispatcher', ...appNames.filter((name) => /worker-(?!wns)/.test(name))].map((name) => {
      const queue = name === 'dispatcher' ? 'aggregation' : name.replace('worker-', '');
      return [`pns-${name}`, `max(pns_queue_depth{queue="${queue}",state="waiting",namespace="pns"})`];
    });
    expect(queries).toEqual(expected);
    expect(namesOf('keda', 'Deployment')).not.toContain('worker-wns');
  });
});

it.each([
  ['no name of a Secret', ['secrets.name='], '/secrets/name'],
  ['an unknown value', ['image.tga=1'], 'tga'],
  ['an app that does not exist', ['apps.worker-sms.enabled=true'], 'worker-sms'],
  ['a secret as a variable', ['extraEnv.DATABASE_URL=postgres://a'], 'DATABASE_URL'],
  ['an API that scales by queue', ['apps.api.autoscaling.by=queue'], '/apps/api/autoscaling/by'],
  ['a queue without Prometheus', ['apps.dispatcher.autoscaling.by=queue'], 'keda.prometheusUrl'],
  ['a name server at no port', ['networkPolicy.egress.dnsPorts={0}'], '/networkPolicy/egress/dnsPorts/0'],
  ['an ingress without a host', ['ingress.enabled=true'], 'ingress.host'],
])('refuses %s', (_, settings, reason) => {
  const { status, stderr } = runHelm('template', 'minimal', ...settings.flatMap((each) => ['--set', each]));
  expect([status, stderr]).toEqual([1, expect.stringContaining(reason)]);
});

it('has the version of PNS as appVersion', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(parse(read('deploy', 'helm', 'pns', 'Chart.yaml'))).toMatchObject({ appVersion: version });
});
