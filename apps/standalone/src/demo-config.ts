import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const shippedSandbox = 'http://127.0.0.1:3002';

/** Options of a webhook as `webhooks.yml` has them. */
export interface WebhookEntry {
  readonly uri?: string;
}

/**
 * The sandbox's entry of `webhooks.yml` with the sandbox's port; undefined if the file already has this port. The
 * caller sets the entry over the API, because no variable can change a webhook's URI. Otherwise a variable could
 * redirect the webhook's secrets.
 */
export function movedWebhook(configDir: string, sandboxUrl: string): WebhookEntry | undefined {
  const file = join(configDir, 'webhooks.yml');
  if (sandboxUrl === shippedSandbox || !existsSync(file)) return undefined;
  const sandbox = sandboxEntry(file);
  if (sandbox?.uri?.startsWith(`${shippedSandbox}/`) !== true) return undefined;
  return { ...sandbox, uri: sandbox.uri.replace(shippedSandbox, sandboxUrl) };
}

/** The sandbox's entry in `file`; undefined for a file that cannot be read, which `GET /v1/config/faults` lists. */
function sandboxEntry(file: string): WebhookEntry | undefined {
  try {
    return ((parse(readFileSync(file, 'utf8')) ?? {}) as { readonly sandbox?: WebhookEntry }).sandbox;
  } catch {
    return undefined;
  }
}
