import { parsedUrl } from './parsed-url';

/** Whether a connection can be opened to the port of a URI. Port 0 stands for any free port and never accepts one. */
export function hasUsablePort(uri: string): boolean {
  return parsedUrl(uri)?.port !== '0';
}
