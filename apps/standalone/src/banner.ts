import { exampleCommand, type ApiAccess } from './demo';

export interface Running {
  readonly api: ApiAccess;
  readonly websocketUrl: string;
  readonly sandboxUrl: string;
  readonly postgres: string;
  readonly redis: string;
}

/** What a newcomer needs to know once everything runs. */
export function banner({ api, websocketUrl, sandboxUrl, postgres, redis }: Running): string {
  return `
PNS is running.

  API           ${api.url}
  API reference ${api.url}/docs
  Web Socket    ${websocketUrl}/socket.io/appsuite/
  Sandbox       ${sandboxUrl}   plays Apple, Google, Microsoft and a webhook, and shows what arrives
  Postgres      ${postgres}
  Redis         ${redis}
  API key       ${api.key}

Send a notification, and see it arrive at ${sandboxUrl} about a second later:

  ${exampleCommand(api)}

Ctrl-C stops everything that was started here.

`;
}
