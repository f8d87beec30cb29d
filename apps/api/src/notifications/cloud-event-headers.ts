import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Fault } from '../http/faults';

/** Every CloudEvent has these headers in binary mode. One of them is enough to treat a request as a CloudEvent. */
const required = ['ce-specversion', 'ce-id', 'ce-source', 'ce-type'];

/** Whether the request is a CloudEvent whose attributes are headers, unless its Content-Type names another mode. */
export function hasEventHeaders(headers: IncomingHttpHeaders): boolean {
  return required.some((name) => headers[name] !== undefined);
}

/** The attributes of a CloudEvent in headers, or their faults. */
type EventHeaders =
  | { readonly ok: true; readonly attributes: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly faults: readonly [Fault, ...Fault[]] };

/**
 * Reads the attributes in the `ce-` headers. The media type of the data is the request's Content-Type.
 *
 * Source: HTTP Protocol Binding for CloudEvents 1.0.2, section 3.1.
 */
export function eventAttributes(headers: IncomingHttpHeaders): EventHeaders {
  const attributes: Record<string, string> = {};
  const faults: Fault[] = [];
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith('ce-')) continue;
    const name = header.slice('ce-'.length);
    if (notHeaders.has(name)) {
      faults.push({
        field: header,
        message: 'must not be a header; send the data as the body and its type as Content-Type',
      });
      continue;
    }
    const decoded = decodedValue(String(value));
    if (decoded === undefined)
      faults.push({ field: header, message: 'must be printable ASCII; percent-encode other characters as UTF-8' });
    else Object.defineProperty(attributes, name, { value: decoded, enumerable: true });
  }
  const [first, ...others] = faults;
  if (first !== undefined) return { ok: false, faults: [first, ...others] };
  const type = headers['content-type'];
  return { ok: true, attributes: type === undefined ? attributes : { ...attributes, datacontenttype: type } };
}

const notHeaders: ReadonlySet<string> = new Set(['data', 'data_base64', 'datacontenttype']);

/** Removes the quotes of earlier versions of the binding and decodes percent-encoding once; undefined for an invalid value. */
function decodedValue(value: string): string | undefined {
  if (!/^[ -~\t]*$/.test(value)) return undefined;
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  const text = quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1');
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const bytes = Buffer.from(
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
    'latin1',
  );
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
