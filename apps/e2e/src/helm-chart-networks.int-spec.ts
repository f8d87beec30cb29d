import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { appNames, chart, containerOf, namesOf, ofKind, read, variables } from './testing/helm-chart';
import { rendered, type Manifest } from './testing/kubernetes-manifests';

jest.setTimeout(300_000);

/** The ports to which an app may connect by its network policy in the chart. */
function portsTo(manifests: readonly Manifest[], app: string): (string | number)[] {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy') as (Manifest & INetworkPolicy)[];
  const rules = policies.find(({ metadata }) => metadata.name === `pns-${app}`)?.spec?.egress ?? [];
  return rules.flatMap(({ ports = [] }) => ports.map(({ protocol, port }) => `${protocol} ${port}`));
}

it('a policy admits clients to the two public ports only, and metrics from the monitoring only', () => {
  const ingress = (app: string) =>
    ofKind<INetworkPolicy>('production', 'NetworkPolicy')
      .find(({ metadata }) => metadata?.name === `pns-${app}`)
      ?.spec?.ingress?.map(({ ports, from }) => [
        ports?.map(({ port }) => port),
        from?.map((peer) => peer.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name']),
      ]);
  expect(ingress('api')).toEqual([[[3000], ['ingress', 'monitoring']]]);
  expect(ingress('worker-websocket')).toEqual([
    [[3001], ['ingress']],
    [[3003], ['monitoring']],
  ]);
  expect(ingress('worker-apns')).toEqual([[[3003], ['monitoring']]]);
});

describe('with restricted destinations', () => {
  it('every app and the migration reach the name servers, also those of OpenShift', () => {
    const policies = namesOf('production', 'NetworkPolicy');
    expect(policies.sort()).toEqual([...appNames, 'migrate'].sort());
    const other = rendered('production', '--set', 'networkPolicy.egress.dnsPorts={9053}');
    for (const name of policies) {
      const ports = portsTo(chart('production'), name);
      expect(ports).toEqual(expect.arrayContaining(['UDP 53', 'TCP 53', 'UDP 5353', 'TCP 5353']));
      expect(portsTo(other, name)).toEqual(expect.arrayContaining(['UDP 9053', 'TCP 9053']));
      expect(portsTo(other, name)).not.toContain('UDP 53');
    }
  });

  it('every app reaches the servers that its variables name', () => {
    for (const deployment of ofKind<IDeployment>('production', 'Deployment')) {
      const { name } = containerOf(deployment);
      const urls = Object.values(variables(containerOf(deployment))).filter((value) => value.startsWith('http://'));
      const ports = urls.map((url) => `TCP ${new URL(url).port}`);
      expect(ports).not.toEqual([]);
      expect([name, portsTo(chart('production'), name)]).toEqual([name, expect.arrayContaining(ports)]);
    }
  });
});

it('the ingress accepts every body that the API accepts', () => {
  const annotation = 'nginx.ingress.kubernetes.io/proxy-body-size';
  const [, mebibytes = ''] =
    /^\| body of `POST \/v1\/notifications` +\| (\d+) MiB /m.exec(read('docs', 'limits.md')) ?? [];
  const [ingress] = ofKind<Manifest>('production', 'Ingress');
  expect(ingress?.metadata.annotations).toMatchObject({ [annotation]: `${mebibytes}m` });
  const page = read('deploy', 'helm', 'pns', 'README.md').replace(/\s+/g, ' ');
  expect(page).toContain(`\`${annotation}\` is \`${mebibytes}m\``);
});
