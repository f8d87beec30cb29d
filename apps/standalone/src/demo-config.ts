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
 * caller sets it over the API, because a variable cannot change a webhook's URI: the URI is part of the configuration
 * so that its secrets cannot be redirected.
 */
export function movedWebhook(configDir: string, sandboxUrl: string): WebhookEntry | undefined {
  const file = join(configDir, 'webhooks.yml');
  if (sandboxUrl === shippedSandbox || !existsSync(file)) return undefined;
  const sandbox = sandboxEntry(file);
  if (sandbox?.uri?.startsWith(`${shippedSandbox}/`) !== true) return undefined;
  return { ...sandbox, uri: sandbox.uri.replace(shippedSandbox, sandboxUrl) };
}

/** A file that cannot be read has no entry; `GET /v1/config/faults` lists it. */
function sandboxEntry(file: string): WebhookEntry | undefined {
  try {
    return ((parse(readFileSync(file, 'utf8')) ?? {}) as { readonly sandbox?: WebhookEntry }).sandbox;
  } catch {
    return undefined;
  }
}
