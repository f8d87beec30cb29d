/** How the URI that a client registers for a webhook is compared with the configured one. */
export const uriValidationModes = ['none', 'prefix', 'exact'] as const;
export type UriValidationMode = (typeof uriValidationModes)[number];

/**
 * One sentence that says why `candidate` may not be registered for a webhook configured with `configured`, or undefined
 * when it may. No mode takes anything but a plain absolute http(s) URI.
 */
export function webhookUriFault(mode: UriValidationMode, configured: string, candidate: string): string | undefined {
  if (plainUri(candidate) === undefined) {
    return 'The URI must be an absolute http or https URI without credentials, fragment, spaces or dot segments.';
  }
  if (mode === 'exact' && !isSameUri(configured, candidate)) return 'The URI must be exactly the configured one.';
  if (mode === 'prefix' && !isUriWithin(configured, candidate)) {
    return 'The URI must have the scheme, host and port of the configured one, and a path equal to or below its path.';
  }
  return undefined;
}

/**
 * Whether `candidate` is `configured` or lies below it: same scheme, host and port, and the same path or a longer one
 * that goes on after a `/`. Configured secrets are sent to such URIs only.
 */
export function isUriWithin(configured: string, candidate: string): boolean {
  const base = plainUri(configured);
  const uri = plainUri(candidate);
  if (base === undefined || uri === undefined || base.origin !== uri.origin) return false;
  const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  return uri.pathname === base.pathname || uri.pathname.startsWith(folder);
}

function isSameUri(configured: string, candidate: string): boolean {
  const uri = plainUri(candidate);
  return uri !== undefined && plainUri(configured)?.href === uri.href;
}

/** The parsed URI, or undefined where servers and proxies could read another target out of it than we do. */
function plainUri(text: string): URL | undefined {
  if (!/^https?:\/\/[^/\\]/i.test(text) || /[\s\\#]|\p{Cc}|\p{Cs}/u.test(text) || !URL.canParse(text)) return undefined;
  const uri = new URL(text);
  // The parser has resolved dot segments already, so the text itself is asked, before its query.
  const path = text.replace(/\?.*$/s, '').replace(/^https?:\/\/[^/]*/i, '');
  const hasCredentials = /^https?:\/\/[^/?]*@/i.test(text);
  return hasCredentials || hasHiddenSegments(path) ? undefined : uri;
}

/** Whether a path holds, or after any number of percent-decodings would hold, a dot segment or another separator. */
function hasHiddenSegments(path: string): boolean {
  // %25 is the percent sign itself, so %25252e is a dot after three decodings.
  const decoded = path.replace(/%(?:25)*(2e|2f|5c)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const segments = decoded.split(/[/\\]/);
  if (segments.length !== path.split('/').length) return true;
  return segments.some((segment) => segment === '.' || segment === '..');
}
