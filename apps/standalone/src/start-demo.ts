import { startSandbox, type Sandbox } from '@pns/sandbox';
import { prepareDemo, type ApiAccess } from './demo';
import { movedWebhook } from './demo-config';
import type { Ports } from './ports';

interface DemoParts {
  readonly ports: Pick<Ports, 'sandbox' | 'sandboxFault'>;
  readonly api: ApiAccess;
  readonly websocketUrl: string;
  readonly say: (line: string) => void;
}

/** The sandbox and the example user. If their start fails, one line reports it and the start of PNS continues without them. */
export class Demo {
  constructor(
    private readonly sandbox: Sandbox,
    private readonly api: ApiAccess,
    private readonly say: DemoParts['say'],
  ) {}

  /**
   * Creates the user of the example after the apps have started. Returns the sandbox's URL, or undefined without the
   * demo.
   */
  async complete(configDir: string): Promise<string | undefined> {
    const { sandbox, api } = this;
    try {
      await prepareDemo(api, sandbox.url, movedWebhook(configDir, sandbox.url));
      await sandbox.prepareDemo({ apiUrl: api.url, apiKey: api.key });
      return sandbox.url;
    } catch (error) {
      const needs = 'It needs the webhook sandbox of config/webhooks.yml, in com.openexchange.webhooks.enabledIds.';
      this.say(`${leftOut(error)} ${needs}`);
      await this.close();
      return undefined;
    }
  }

  /** May be called more than once. */
  async close(): Promise<void> {
    await this.sandbox.close();
  }
}

/** Starts the sandbox; undefined if this fails. */
export async function startDemo({ ports, api, websocketUrl, say }: DemoParts): Promise<Demo | undefined> {
  try {
    if (ports.sandbox === undefined) throw new Error(ports.sandboxFault);
    const access = { apiUrl: api.url, apiKey: api.key, websocketUrl };
    return new Demo(await startSandbox({ port: ports.sandbox, demo: access }), api, say);
  } catch (error) {
    say(leftOut(error));
    return undefined;
  }
}

/** One line for the user, with the reason why the demo is left out. */
function leftOut(error: unknown): string {
  const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').replace(/\.?$/, '.');
  return `The demo (sandbox, example user) is left out: ${reason}`;
}
