import { answerOf, pages, ProblemError, type PnsClient } from '@pns/client';
import { fileFinding, type Finding } from './finding';

const where = 'API';

/** Finds the faults that the API at `url` reports. */
export async function apiFindings(client: PnsClient, url: string): Promise<Finding[]> {
  let health: { data?: { parts?: unknown; warnings?: readonly string[] } | undefined; response: Response };
  try {
    health = await client.GET('/health/ready');
  } catch (error) {
    if (error instanceof SyntaxError) return [notTheApi(url, 'no JSON')];
    const code = ((error as Error).cause as { code?: string } | undefined)?.code ?? (error as Error).message;
    const problem = `${url} cannot be reached (${code}).`;
    return [{ where, problem, cure: 'Start it, or set PNS_API_URL.' }];
  }
  const { ok, status } = health.response;
  if (!ok && status !== 503) return [notTheApi(url, `HTTP ${status}`)];
  const findings = ok ? [] : [notReady(await partsOf(client))];
  try {
    return [
      ...findings,
      ...(await configFindings(client)),
      ...(await endpointFindings(client)),
      ...(await failedFindings(client)),
    ];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { status, code } = error.problem;
    if (status === 404) return [notTheApi(url, `HTTP ${status}`)]; // the URL is that of a worker, whose health has the same path
    const cure =
      status === 401
        ? 'Set PNS_API_KEY to a valid key.'
        : status === 403
          ? 'Use a key with the scope admin and without contexts.'
          : 'See the log of the API.';
    return [...findings, { where, problem: `${error.message} (${code})`, cure }];
  }
}

async function partsOf(client: PnsClient): Promise<string> {
  const { error } = await client.GET('/health/ready');
  const { parts = {} } = (error ?? {}) as { parts?: Readonly<Record<string, string>> };
  const faults = Object.entries(parts).filter(([, answer]) => answer !== 'ok');
  return faults.map(([part, answer]) => `${part}: ${answer}`).join('; ') || 'it is stopping';
}

function notTheApi(url: string, answer: string): Finding {
  const problem = `${url} answers ${answer}, so it is not the API of PNS.`;
  return { where, problem, cure: 'Set PNS_API_URL to the address of the API, without a path.' };
}

function notReady(reason: string): Finding {
  return {
    where,
    problem: `It is not ready: ${reason}.`,
    cure: 'See the findings of that server, and the log of the API.',
  };
}

async function configFindings(client: PnsClient): Promise<Finding[]> {
  const { items } = await answerOf(client.GET('/v1/config/faults'));
  const ofFiles = items.map(fileFinding);
  const { paused, faults } = await answerOf(client.GET('/v1/clients', { params: { query: {} } }));
  const ofEntries = faults
    .filter((fault) => !ofFiles.some(({ where: place }) => place === fileFinding(fault).where))
    .map(({ client: name = 'all clients', transport, file, reason }) => ({
      where: `${name} (${transport})`,
      problem: `${file}: ${reason}`,
      cure: 'Correct the entry; its deliveries are held until then.',
    }));
  const ofClients = paused.map(({ client: name, transport, reason, deliveries }) => ({
    where: `${name} (${transport})`,
    problem: `Its deliveries are held (${deliveries}): ${reason}`,
    cure: 'Correct its credentials; then its held deliveries are sent.',
  }));
  return [...ofFiles, ...ofEntries, ...ofClients, ...(await secretFindings(client))];
}

/** Finds options that were set over the API and are encrypted with a key that the API does not have. */
async function secretFindings(client: PnsClient): Promise<Finding[]> {
  const findings: Finding[] = [];
  const list = (cursor?: string) =>
    client.GET('/v1/clients', { params: { query: cursor === undefined ? {} : { cursor } } });
  for await (const { client: name, transport, fault } of pages(list)) {
    if (fault === undefined) continue;
    const cure =
      'Add the earlier key to PNS_ENCRYPTION_KEY, behind the first one, and restart; or set the options again.';
    findings.push({ where: `${name} (${transport})`, problem: `Its options cannot be used: ${fault}`, cure });
  }
  return findings;
}

async function endpointFindings(client: PnsClient): Promise<Finding[]> {
  const findings: Finding[] = [];
  const list = (cursor?: string) =>
    client.GET('/v1/endpoints', { params: { query: { state: 'off', ...(cursor !== undefined && { cursor }) } } });
  for await (const { client: name, transport, origin, since, reason } of pages(list)) {
    findings.push({
      where: `${name} (${transport})`,
      problem: `${origin} is switched off; it has failed since ${since}: ${reason}`,
      cure: 'When it works again: POST /v1/endpoints/enable, or a successful test push.',
    });
  }
  return findings;
}

async function failedFindings(client: PnsClient): Promise<Finding[]> {
  const query = { outcome: 'misconfigured' as const, limit: 1 };
  const { items } = await answerOf(client.GET('/v1/deliveries', { params: { query } }));
  const [failed] = items;
  if (failed === undefined || failed.isHeld) return [];
  const problem = `Deliveries ended as misconfigured, the first of them: ${failed.reason}`;
  return [
    { where: `${failed.client} (${failed.transport})`, problem, cure: 'pns failed list, then pns failed retry.' },
  ];
}
