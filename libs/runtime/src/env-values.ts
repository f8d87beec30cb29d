import { isIP } from 'node:net';
import { z } from 'zod';
import './validation-sentences';

/** A schema that accepts only decimal digits, because `Number` also reads other texts, for example a blank as 0. */
export function wholeNumber(min: number, max: number) {
  const sentence = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, sentence)
    .transform(Number)
    .refine((number) => number >= min && number <= max, sentence);
}

export function oneOf<const Word extends string>(...words: readonly [Word, ...Word[]]) {
  return z.enum(words, `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
}

export const port = wholeNumber(0, 65_535);
export const listenHost = z
  .string()
  .refine((host) => isIP(host) !== 0 || host === 'localhost', 'must be an IP address, for example :: or 127.0.0.1');

const encryptionKeyBytes = 32;

/** Keys of 32 bytes in base64, base64url or hex, separated by commas. */
export const encryptionKeys = z.string().transform((text, context) => {
  const keys = text.split(',').map((key) => {
    const trimmed = key.trim();
    return Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64');
  });
  if (keys.some(({ length }) => length !== encryptionKeyBytes)) {
    const message =
      'must be one or more keys of 32 bytes, separated by commas, each made with: openssl rand -base64 32';
    context.addIssue({ code: 'custom', message });
  }
  return keys;
});

/** Addresses and networks, separated by commas. */
export const networks = z.string().transform((text, context) => {
  const entries = text.split(',').map((entry) => entry.trim());
  const isNetwork = (entry: string): boolean => {
    const [address = '', prefix = '0', ...more] = entry.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    return isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && more.length === 0;
  };
  if (entries.every(isNetwork)) return entries;
  context.addIssue({ code: 'custom', message: 'must be addresses or networks (10.0.0.0/8), separated by commas' });
  return z.NEVER;
});

export const apiKey = z.string().min(16, 'must be at least 16 characters long');

/** RFC 7518, 3.2: a key for HS256 must be at least as long as its digest, which has 32 bytes. */
export const sessionSecret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes long');

/** Whether none of the hosts in `url` has port 0, to which nothing can connect. */
export function hasUsablePorts(url: string): boolean {
  const [, hosts = ''] = /^[^:]*:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url) ?? [];
  return hosts.split(',').every((host) => !/:0+$/.test(host));
}

export const postgresSentence =
  'must be a postgres:// URL of one host, with special characters of the password percent-encoded';
export const portSentence = 'must be a URL without port 0, to which nothing connects';

/** The server of the keys decides about access, so HTTP without TLS is valid only for a server on this machine. */
export const jwksUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isTrusted = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url !== undefined && isTrusted && url.username === '' && url.password === '' && hasUsablePorts(text)) return url;
  const message =
    isTrusted && !hasUsablePorts(text)
      ? portSentence
      : 'must be an https:// URL without an account, or http:// on this machine';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

export const otlpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an http:// or https:// URL',
  )
  .refine(hasUsablePorts, portSentence);
export const otlpProtocol = z.literal('http/json', 'must be http/json, the only protocol in which PNS sends traces');

const samplers = ['always_on', 'always_off', 'traceidratio'] as const;
export const sampler = oneOf(...samplers, ...samplers.map((name) => `parentbased_${name}` as const));
export const ratio = z.string().regex(/^(0(\.\d{1,9})?|\.\d{1,9}|1(\.0{1,9})?)$/, 'must be a number from 0 to 1');
