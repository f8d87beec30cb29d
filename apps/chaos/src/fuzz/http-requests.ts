import { Agent, request as httpRequest } from 'node:http';

interface HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** An answer may take this long, in ms. An erasure may take 30 s. */
const longestAnswerMs = 60_000;

/** Sends requests with any target over connections that stay open. */
export class HttpRequests {
  private readonly agent: Agent;

  constructor(
    private readonly port: number,
    atOnce: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  }

  /**
   * Resolves with the answer, or the code of the error with which the connection ended. The server may close an idle connection
   * while the next request is sent on it. This request is sent again.
   */
  async send(request: HttpRequest): Promise<HttpAnswer | string> {
    const { answer, isReused } = await this.sendOnce(request);
    return answer === 'ECONNRESET' && isReused ? (await this.sendOnce(request)).answer : answer;
  }

  private sendOnce({
    method,
    target,
    headers,
    body,
  }: HttpRequest): Promise<{ answer: HttpAnswer | string; isReused: boolean }> {
    const { agent, port } = this;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    return new Promise((done) => {
      const resolve = (answer: HttpAnswer | string): void => done({ answer, isReused: sent.reusedSocket });
      const sent = httpRequest(
        { agent, host: '127.0.0.1', port, method, path: target, headers: { ...headers, ...length } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', (error) => resolve(codeOf(error)));
          response.on('end', () => {
            clearTimeout(timer);
            const answered = response.headers as Record<string, string | undefined>;
            resolve({ status: response.statusCode ?? 0, headers: answered, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      const timer = setTimeout(() => {
        resolve('NO_ANSWER');
        sent.destroy();
      }, longestAnswerMs);
      sent.on('error', (error) => {
        clearTimeout(timer);
        resolve(codeOf(error));
      });
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function codeOf(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
