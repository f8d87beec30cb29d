import { CascadeFiles } from '@pns/config-cascade';
import { ConfigDirectory, OptionFiles, type OptionEntries } from '@pns/config-folder';
import { webhookAddressFault, webhookOptionsFileFor, type WebhookOptions } from '@pns/transport-webhook';
import { webpushOptionsFileFor } from '@pns/transport-webpush';
import { credentialFindings } from './credentials';
import { modeFindings } from './file-modes';
import { fileFinding, type Finding } from './finding';

/**
 * Finds the faults of the configuration folder: its files and entries, the addresses of its webhooks, credentials that a provider
 * refuses, and files that every account may change.
 *
 * @throws PnsError `CONFIG_INVALID` when `path` is not a readable folder
 */
export async function folderFindings(path: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const directory = new ConfigDirectory(path, () => new CascadeFiles());
  try {
    const files = new OptionFiles(directory);
    const readFile = (file: string) => files.readFile(file);
    const nodeEnv = env['NODE_ENV'] ?? 'development';
    const webhooks = files.entries('webhooks.yml', webhookOptionsFileFor(nodeEnv, readFile));
    files.entries('pns-webpush-options.yml', webpushOptionsFileFor(nodeEnv, readFile));
    const found = await Promise.all([credentialFindings(files, env), webhookFindings(webhooks)]);
    return [...directory.faults.map(fileFinding), ...found.flat(), ...modeFindings(path)];
  } finally {
    directory.close();
  }
}

async function webhookFindings({ all }: OptionEntries<WebhookOptions>): Promise<Finding[]> {
  const findings = [...all].map(async ([name, options]): Promise<Finding[]> => {
    const fault = await webhookAddressFault(options);
    const cure = 'Correct uri, the name servers of this machine, or allowedNetworks of this webhook.';
    return fault === undefined ? [] : [{ where: `${name} (webhook)`, problem: `Nothing can be sent: ${fault}`, cure }];
  });
  return (await Promise.all(findings)).flat();
}
