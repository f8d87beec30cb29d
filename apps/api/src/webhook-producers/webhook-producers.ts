import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { OptionEntries, OptionFiles } from '@pns/config-folder';
import { RequestError } from '../http/request-error';
import { isRecent, isSigned, readSignatureHeader, signatureToleranceMs, type SignatureHeader } from './ox-signature';
import { producersFileFor, type ProducerOptions } from './producer.options';

/** The webhook producer that a request names, before the body is read. */
interface AnnouncedProducer {
  readonly id: string;
  readonly options: ProducerOptions;
  /** Absent where the entry has no secret for signatures. */
  readonly signature?: SignatureHeader;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route takes requests of webhook producers instead of API keys; the handler reads `request.producer`. */
    readonly takesProducers?: boolean;
  }
  interface FastifyRequest {
    /** The webhook producer of the request. Its signature is not checked yet, because the check needs the body. */
    producer?: AnnouncedProducer;
  }
}

/** The webhooks of App Suite in `webhook-producers.yml`. A change of the file takes effect without a restart. */
export class WebhookProducers {
  private readonly entries: OptionEntries<ProducerOptions>;

  constructor(files: OptionFiles, nodeEnv: string) {
    this.entries = files.entries('webhook-producers.yml', producersFileFor(nodeEnv));
  }

  /**
   * Checks everything that needs no body, so that a sender without credentials cannot make the server read a body.
   *
   * App Suite deletes the subscription of a user when a webhook answers 403, 404 or 405, so every refusal has status 401.
   *
   * @throws RequestError `PRODUCER_REFUSED`
   */
  announced(id: string, headers: IncomingHttpHeaders, now: number): AnnouncedProducer {
    const options = this.entries.of(id);
    if (options === undefined || !isAuthorized(options, headers.authorization)) {
      throw refusedProducer('The webhook or its Authorization is not known; compare webhook-producers.yml.', 'Basic');
    }
    if (options.signatureSecret === undefined) return { id, options };
    const { signatureHeaderName: name, version } = options;
    const header = headers[name.toLowerCase()];
    if (header === undefined) throw refusedProducer(`The header ${name} is missing.`);
    const signature = readSignatureHeader(String(header), version);
    if (signature === undefined) throw refusedProducer(`${name} must be t=<ms>, v${version}=<HMAC-SHA256 in hex>.`);
    if (!isRecent(signature, now)) {
      const minutes = signatureToleranceMs / 60_000;
      throw refusedProducer(
        `The time in ${name} differs by more than ${minutes} minutes from the clock of this server.`,
      );
    }
    return { id, options, signature };
  }
}

/** @throws RequestError `PRODUCER_REFUSED` unless the signature of the request is valid for its exact body. */
export function assertSigned({ options, signature }: AnnouncedProducer, body: Buffer): void {
  if (signature === undefined) return;
  const { signatureSecret, previousSignatureSecret, version, signatureHeaderName } = options;
  const secrets = [signatureSecret, previousSignatureSecret].filter((secret) => secret !== undefined);
  if (isSigned(signature, body, secrets, version)) return;
  throw refusedProducer(`No signature in ${signatureHeaderName} is valid for this body and a configured secret.`);
}

/** The error for a request that no webhook producer sent, or that is for a context its producer may not use. */
export function refusedProducer(sentence: string, scheme: 'Basic' | 'X-OX-Signature' = 'X-OX-Signature'): RequestError {
  return new RequestError('PRODUCER_REFUSED', sentence, [], { 'www-authenticate': `${scheme} realm="pns"` });
}

/**
 * Whether the Basic credentials or the fixed header are right, in constant time. Two encodings are accepted, because App Suite
 * encodes Basic as ISO-8859-1, and other clients as UTF-8.
 */
function isAuthorized({ webhookSecret, login, password }: ProducerOptions, authorization = ''): boolean {
  if (webhookSecret !== undefined)
    return isEqual(Buffer.from(authorization, 'latin1'), Buffer.from(webhookSecret, 'latin1'));
  if (login === undefined) return true;
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim()) ?? [];
  const presented = Buffer.from(encoded, 'base64');
  const credentials = `${login}:${password ?? ''}`;
  const isLatin1 = isEqual(presented, Buffer.from(credentials, 'latin1'));
  return isEqual(presented, Buffer.from(credentials)) || isLatin1;
}

/** Whether both are equal. Digests are compared, because the time must not depend on the length of a secret either. */
function isEqual(presented: Buffer, expected: Buffer): boolean {
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}
