import { exampleCommand, type ApiAccess } from './demo';

interface Running {
  readonly api: ApiAccess;
  readonly websocketUrl: string;
  /** Undefined without the demo. */
  readonly sandboxUrl: string | undefined;
  readonly postgres: string;
  readonly redis: string;
}

/** The text for new users after a successful start. */
export function banner({ api, websocketUrl, sandboxUrl, postgres, redis }: Running): string {
  return `
PNS is running.

  API           ${api.url}
  API reference ${api.url}/docs
  Web Socket    ${websocketUrl}/socket.io/appsuite/
${sandboxUrl === undefined ? '' : sandboxLine(sandboxUrl)}  Postgres      ${postgres}
  Redis         ${redis}
  API key       ${api.key}
${sandboxUrl === undefined ? '' : exampleLines(sandboxUrl, api)}
Ctrl-C stops everything that was started here.

`;
}

const sandboxLine = (url: string): string =>
  `  Sandbox       ${url}   simulates Apple, Google, Microsoft and a webhook, and shows what arrives\n`;

const exampleLines = (sandboxUrl: string, api: ApiAccess): string => `
Send a notification, and see it arrive at ${sandboxUrl} about a second later:

  ${exampleCommand(api)}
`;
