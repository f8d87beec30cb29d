import type { Readable } from 'node:stream';
import { nextTurn } from '@pns/runtime';
import { errorCodes } from 'fastify';
import { CollectedBytes } from './collected-bytes';

/**
 * Bytes of one body that are read, or copied, before other requests are served. Without this limit, bodies of 16 MiB took 200 to
 * 400 ms on a busy machine. There are two reasons: Node reads up to 2 MiB from each connection in one turn of the event loop, and
 * the first use of memory takes far longer than the copy.
 */
const stepBytes = 256 * 1024;

/**
 * Reads a request's body of at most `limit` bytes. A large body is read and joined in several turns of the event loop; Fastify's
 * own reader joins it in one turn.
 *
 * @param announced the Content-Length; NaN if the request has none
 * @throws FastifyError `FST_ERR_CTP_BODY_TOO_LARGE`, or the error of `payload`
 */
export async function bodyBytes(payload: Readable, announced: number, limit: number): Promise<Buffer> {
  if (announced > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
  const collected = await collectedBytes(payload, limit);
  const { length } = collected;
  const chunks = collected.parts();
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  if (length <= stepBytes) return Buffer.concat(chunks, length);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  let pauseAt = stepBytes;
  for (const chunk of chunks) {
    at += chunk.copy(bytes, at);
    if (at < pauseAt) continue;
    await nextTurn();
    pauseAt = at + stepBytes;
  }
  return bytes;
}

function collectedBytes(payload: Readable, limit: number): Promise<CollectedBytes> {
  return new Promise((resolve, reject) => {
    const collected = new CollectedBytes();
    let pauseAt = stepBytes;
    const onData = (chunk: Buffer): void => {
      collected.add(chunk);
      const { length } = collected;
      if (length > limit) return fail(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
      if (length < pauseAt) return;
      pauseAt = length + stepBytes;
      payload.pause();
      void nextTurn().then(() => payload.resume());
    };
    const fail = (error: Error): void => {
      payload.off('data', onData);
      reject(error);
    };
    payload.on('data', onData);
    payload.once('end', () => resolve(collected));
    payload.once('error', fail);
  });
}
