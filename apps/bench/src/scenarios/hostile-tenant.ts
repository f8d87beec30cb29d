import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, signatureSecret, Standalone } from '@pns/e2e';
import type { Sandbox } from '@pns/sandbox';
import type { AttackQuestion } from '../attackers/hostile-tenant';
import { Child } from '../child';
import { box, evenLoad, users } from '../even-load';
import { userOf } from '../notifications';
import type { Measured, Scenario, Size } from '../scenario';
import type { HealthAnswer, HealthQuestion } from '../clients/health-probe';
import { withSandbox } from '../servers';

/** The longest that `/health/live` may take while the attack runs, in ms. */
const slowestHealthMs = 250;

/** The context of the tenant that attacks. No other tenant has users in it. */
const context = 711;
const silentDomain = 'silent.test';

const side =
  (isAttacked: boolean) =>
  (size: Size): Promise<Measured> =>
    withSandbox({ signatureSecret, keep: 100_000, hasProviders: false }, (sandbox) =>
      withStandalone(sandbox, async (standalone) => {
        const attacker = isAttacked ? await startAttack(standalone) : undefined;
        const probe = Child.start('clients/health-probe');
        const question: HealthQuestion = { url: `${standalone.apiUrl}/health/live` };
        try {
          await probe.ask<HealthAnswer>(question);
          const measured = await evenLoad(size, standalone.apiUrl, sandbox, standalone.apiKey);
          const { slowestMs } = await probe.ask<HealthAnswer>(question);
          if (slowestMs > slowestHealthMs) {
            process.stdout.write(`/health/live took ${Math.round(slowestMs)} ms, more than ${slowestHealthMs}.\n`);
            process.exitCode = 1;
          }
          return { ...measured, details: { ...measured.details, 'slowest health ms': slowestMs } };
        } finally {
          await probe.stop();
          await attacker?.stop();
        }
      }),
    );

/** Runs all of PNS in one process. It has the webhook of the other tenants, at `sandbox`, and a webhook whose URIs users choose. */
async function withStandalone<Answer>(
  sandbox: Sandbox,
  work: (standalone: Standalone) => Promise<Answer>,
): Promise<Answer> {
  const folder = mkdtempSync(join(tmpdir(), 'pns-hostile-'));
  chmodSync(folder, 0o755); // Postgres runs under another account
  const config = join(folder, 'config');
  cpSync(join(__dirname, '../../../../config'), config, { recursive: true });
  appendFileSync(join(config, 'webhooks.yml'), webhooksYaml(sandbox));
  writeFileSync(join(config, 'pns.properties'), 'com.openexchange.webhooks.enabledIds=sandbox,others,hostile\n');
  const nameServer = createSocket('udp4').bind(0, '127.0.0.1');
  await once(nameServer, 'listening');
  const standalone = new Standalone(join(folder, 'data'), {
    ...freePorts,
    PNS_CONFIG_DIR: config,
    SILENT_NAME_SERVER: `127.0.0.1:${nameServer.address().port}`,
    // The options with which `npm start` and the images start Node.
    NODE_OPTIONS: `--max-semi-space-size=64 --require=${join(__dirname, '../attackers/silent-names.js')}`,
  });
  try {
    await standalone.isRunning();
    for (let user = 0; user < users; user++) {
      const token = `${sandbox.url}/webhooks/${box}`;
      const subscription = { ...userOf(user), client: 'others', transport: 'webhook', token, topics: ['*'] };
      await standalone.call('POST', '/v1/subscriptions', subscription);
    }
    return await work(standalone);
  } finally {
    await standalone.end('SIGTERM');
    nameServer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The entries that are appended to the shipped webhooks.yml. JSON is valid YAML. */
function webhooksYaml({ url }: Sandbox): string {
  const rest = { httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] };
  const entries = {
    others: { uri: `${url}/webhooks/${box}`, signatureSecret, ...rest },
    hostile: { uriValidationMode: 'none', ...rest },
  };
  return Object.entries(entries)
    .map(([id, entry]) => `\n${id}: ${JSON.stringify(entry)}\n`)
    .join('');
}

async function startAttack(standalone: Standalone): Promise<Child> {
  const { key } = await standalone.call<{ key: string }>('POST', '/v1/api-keys', {
    name: 'hostile',
    scopes: ['admin', 'ingest', 'client'],
    contexts: [context],
  });
  const attacker = Child.start('attackers/hostile-tenant');
  const question: AttackQuestion = {
    apiUrl: standalone.apiUrl,
    websocketUrl: standalone.websocketUrl,
    apiKey: key,
    context,
    webhook: 'hostile',
    apnsClient: 'demo-ios',
    apnsSwitch: 'com.openexchange.pns.transport.apn.ios.enabled',
    silentDomain,
  };
  await attacker.ask(question);
  return attacker;
}

/** The latency for other tenants during an attack, compared with their latency without it. */
export const hostileTenant: Scenario = {
  name: 'hostile-tenant',
  unit: 'ms p99',
  ours: side(true),
  baseline: side(false),
  goals: [{ atMost: 1.5 }],
};
