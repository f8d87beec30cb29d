import { parsedUrl } from '@pns/transport-contract';
import { isPlainLetter, isPlainPath, isPlainQuery } from './webhook-path';

/** How the URI of a webhook subscription is compared with the configured URI. */
export const uriValidationModes = ['none', 'prefix', 'exact'] as const;
export type UriValidationMode = (typeof uriValidationModes)[number];

/**
 * Why `candidate` may not be registered for a webhook that is configured with `configured`, in one sentence; undefined when it may.
 * All modes require a plain absolute http(s) URI.
 */
export function webhookUriFault(mode: UriValidationMode, configured: string, candidate: string): string | undefined {
  if (plainUri(candidate) === undefined) {
    return 'The URI must be an absolute http or https URI without credentials, fragment, spaces or dot segments.';
  }
  if (mode === 'exact' && !isSameUri(configured, candidate)) return 'The URI must be exactly the configured one.';
  return mode === 'prefix' ? faultBelow(configured, candidate) : undefined;
}

/**
 * Whether `candidate` is equal to `configured` or below it, for every way in which servers read its path. Configured secrets are sent
 * only to such URIs.
 */
export function isUriWithin(configured: string, candidate: string): boolean {
  return faultBelow(configured, candidate) === undefined;
}

/** Why `candidate` is neither equal to `configured` nor below it: same scheme, host, port and query, and a path that continues after a `/`. */
function faultBelow(configured: string, candidate: string): string | undefined {
  const base = plainUri(configured);
  const uri = plainUri(candidate);
  const elsewhere =
    'The URI must have the scheme, host and port of the configured one, and a path equal to or below its path.';
  if (base === undefined || uri === undefined || base.origin !== uri.origin) return elsewhere;
  const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  const isEqualPath = uri.pathname === base.pathname;
  if (!isEqualPath && !uri.pathname.startsWith(folder)) return elsewhere;
  if (!isEqualPath && !isPlainPath(uri.pathname.slice(folder.length))) {
    return (
      "What follows the configured path may hold letters, digits and -._~!$&'()*+,=:@ in segments that are not empty, " +
      'and percent-encoded UTF-8 of letters, digits and inner spaces; no dot, slash, backslash, semicolon, percent sign or control ' +
      'character may be encoded.'
    );
  }
  // A configured query may select the application, and of two equal parameters some servers read the first and others the last.
  if (base.search !== '') {
    return uri.search === base.search ? undefined : 'The URI must have the same query as the configured URI.';
  }
  return isPlainQuery(uri.search) ? undefined : 'The query must be percent-encoded UTF-8 without control characters.';
}

function isSameUri(configured: string, candidate: string): boolean {
  const uri = plainUri(candidate);
  return uri !== undefined && plainUri(configured)?.href === uri.href;
}

/** The parsed URI; undefined when servers and proxies could read another target in it than we do. */
function plainUri(text: string): URL | undefined {
  if (!/^https?:\/\/[^/\\]/i.test(text) || /[\s\\#]|\p{Cc}|\p{Cs}/u.test(text)) return undefined;
  const uri = parsedUrl(text);
  if (uri === undefined) return undefined;
  // The parser has resolved dot segments already, so the path in the text is checked.
  const path = text.replace(/\?.*$/s, '').replace(/^https?:\/\/[^/]*/i, '');
  const [authority = ''] = text.replace(/^https?:\/\//i, '').split(/[/?]/, 1);
  return isPlainAuthority(authority) && !hasHiddenSegments(path) ? uri : undefined;
}

/** Whether an authority has no credentials and its host has no encoded or full-width characters. */
function isPlainAuthority(authority: string): boolean {
  return [...authority].every((character) => {
    if (/^[A-Za-z0-9._:[\]-]$/.test(character)) return true;
    return isPlainLetter(character) && character.normalize('NFKC') === character;
  });
}

/** Whether a path contains a dot segment or an encoded separator, as written or after any number of percent-decodings. */
function hasHiddenSegments(path: string): boolean {
  // %25 is the percent sign itself, so %25252e is a dot after three decodings.
  const decoded = path.replace(/%(?:25)*(2e|2f|5c)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const segments = decoded.split(/[/\\]/);
  if (segments.length !== path.split('/').length) return true;
  return segments.some((segment) => segment === '.' || segment === '..');
}
