import { apiKey } from '@pns/e2e';
import { Pool } from 'undici';

/** Posts notifications like a producer, over kept connections. */
export class Producer {
  private readonly pool: Pool;

  constructor(
    url: string,
    /** Requests in flight at once, each over a separate connection. */
    readonly connections: number,
    private readonly key = apiKey,
  ) {
    this.pool = new Pool(url, { connections });
  }

  /** Posts a body of JSON. Rejects unless it is accepted. */
  async post(body: string): Promise<void> {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' };
    const answer = await this.pool.request({ method: 'POST', path: '/v1/notifications', headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 202) throw new Error(`POST /v1/notifications answered ${answer.statusCode}: ${text}`);
  }

  /** Posts all bodies, over all connections at once. */
  async postAll(bodies: readonly string[]): Promise<void> {
    let next = 0;
    const send = async (): Promise<void> => {
      for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) await this.post(body);
    };
    await Promise.all(Array.from({ length: this.connections }, send));
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
