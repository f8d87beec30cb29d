import { parsedUrl } from '@pns/transport-contract';
import { isPlainLetter, isPlainPath, isPlainQuery } from './webhook-path';

/** The ways to compare a registered webhook URI with the configured one. */
export const uriValidationModes = ['none', 'prefix', 'exact'] as const;
type UriValidationMode = (typeof uriValidationModes)[number];

/**
 * The reason why `candidate` must not be registered for a webhook with the URI `configured`, as a sentence; undefined when it is
 * allowed. Every mode allows only a plain absolute http(s) URI.
 */
export function webhookUriFault(mode: UriValidationMode, configured: string, candidate: string): string | undefined {
  if (plainUri(candidate) === undefined) {
    return 'The URI must be an absolute http or https URI without credentials, fragment, spaces or dot segments.';
  }
  if (mode === 'exact' && !isSameUri(configured, candidate)) return 'The URI must be exactly the configured one.';
  return mode === 'prefix' ? faultBelow(configured, candidate) : undefined;
}

/**
 * Whether `candidate` is `configured` or below it, in every interpretation of its path by servers. Configured secrets are sent
 * only to such URIs.
 */
export function isUriWithin(configured: string, candidate: string): boolean {
  return faultBelow(configured, candidate) === undefined;
}

/**
 * The reason why `candidate` is not `configured` or below it; undefined if it is. `candidate` needs the same scheme, host and
 * port, the query of `configured` if there is one, and the same path or that path with more after a `/`.
 */
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
      "The path after the configured one may contain letters, digits and -._~!$&'()*+,=:@ in segments that are not empty, " +
      'and percent-encoded UTF-8 of letters, digits and inner spaces; no dot, slash, backslash, semicolon, percent sign or control ' +
      'character may be encoded.'
    );
  }
  // A configured query can select the application. No parameter may be added to it: of two parameters with the same name, some
  // servers read the first, and some the last.
  if (base.search !== '') {
    return uri.search === base.search ? undefined : 'The URI must have the query of the configured one.';
  }
  return isPlainQuery(uri.search) ? undefined : 'The query must be percent-encoded UTF-8 without control characters.';
}

function isSameUri(configured: string, candidate: string): boolean {
  const uri = plainUri(candidate);
  return uri !== undefined && plainUri(configured)?.href === uri.href;
}

/** The parsed URI; undefined if servers and proxies could interpret it as another target. */
function plainUri(text: string): URL | undefined {
  if (!/^https?:\/\/[^/\\]/i.test(text) || /[\s\\#]|\p{Cc}|\p{Cs}/u.test(text)) return undefined;
  const uri = parsedUrl(text);
  if (uri === undefined) return undefined;
  // The parser has resolved the dot segments of `uri`, so the check uses `text`, without the query.
  const path = text.replace(/\?.*$/s, '').replace(/^https?:\/\/[^/]*/i, '');
  const [authority = ''] = text.replace(/^https?:\/\//i, '').split(/[/?]/, 1);
  return isPlainAuthority(authority) && !hasHiddenSegments(path) ? uri : undefined;
}

/** Whether a host has no encoded or full-width characters and no credentials before it. */
function isPlainAuthority(authority: string): boolean {
  return [...authority].every((character) => {
    if (/^[A-Za-z0-9._:[\]-]$/.test(character)) return true;
    return isPlainLetter(character) && character.normalize('NFKC') === character;
  });
}

/** Whether a path contains a dot segment, a backslash or an encoded separator, also after any number of percent-decodings. */
function hasHiddenSegments(path: string): boolean {
  // %25 is the percent sign itself, so %25252e is a dot after three decodings.
  const decoded = path.replace(/%(?:25)*(2e|2f|5c)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const segments = decoded.split(/[/\\]/);
  if (segments.length !== path.split('/').length) return true;
  return segments.some((segment) => segment === '.' || segment === '..');
}
