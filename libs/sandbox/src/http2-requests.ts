import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';

/** A request over HTTP/1.1 or HTTP/2, on a server that accepts both. */
export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

const maxBodyBytes = 1024 * 1024;

/** The whole body; undefined if it has more than 1 MiB. */
export async function wholeBody(request: Request): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

/** The HTTP/2 connection of a request; undefined over HTTP/1.1. */
export function http2SessionOf(request: Request): ServerHttp2Session | undefined {
  return 'stream' in request ? (request.stream.session as ServerHttp2Session | undefined) : undefined;
}

/** An object that stands for the connection of a request, as the key of the connection's state. */
export function connectionOf(request: Request): object {
  return http2SessionOf(request) ?? request.socket;
}

/** The headers as a flat list of names and values, with each value replaced by the result of `shown`. */
export function rawHeadersOf({ rawHeaders }: Request, shown: (value: string, name: string) => string): string[] {
  return rawHeaders.map((text, index) =>
    index % 2 === 0 ? text : shown(text, rawHeaders[index - 1]?.toLowerCase() ?? ''),
  );
}

/**
 * Closes the connection of a request without an answer, in the next turn of the event loop, because a session must not be
 * destroyed while Node is reading from it (nodejs/node#64850).
 */
export function resetConnection(request: Request): void {
  const connection = http2SessionOf(request) ?? request.socket;
  setImmediate(() => connection.destroy());
}
