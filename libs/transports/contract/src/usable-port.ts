import { parsedUrl } from './parsed-url';

/**
 * Whether a connection can be opened to the port of a URI. Port 0 means any free port and never accepts a connection.
 */
export function hasUsablePort(uri: string): boolean {
  return parsedUrl(uri)?.port !== '0';
}
