import { parsedUrl } from './parsed-url';

/** Whether a text can be the subject of a VAPID token: a `mailto:` or `https:` URI. Source: RFC 8292, 2.1. */
export function isContactUri(value: string): boolean {
  if (value.length > 255) return false;
  if (/^mailto:/.test(value)) return /^mailto:[^\s@<>]+@[^\s@<>]+$/.test(value);
  return /^https:\/\/[^\s]+$/.test(value) && parsedUrl(value) !== undefined;
}
