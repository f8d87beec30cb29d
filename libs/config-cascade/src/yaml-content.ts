import { PnsError } from '@pns/runtime';
import { parseDocument } from 'yaml';

/**
 * What a YAML text holds. A fault is told by the library's code and the place, and without the library's error as its
 * cause: that one quotes the line, and lines of option files hold secrets.
 *
 * @throws PnsError `CONFIG_INVALID` that names `file`.
 */
export function yamlContent(file: string, text: string): unknown {
  const document = parseDocument(text);
  // A warning says that something else is read than was written, such as of a password that begins with `!`.
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const at = fault.linePos?.[0];
    throw notYaml(file, `${fault.code}${at === undefined ? '' : ` in line ${at.line}, column ${at.col}`}`);
  }
  try {
    return document.toJS() as unknown;
  } catch {
    throw notYaml(file, 'an alias, which begins with *, names nothing; quote a text that begins so');
  }
}

function notYaml(file: string, what: string): PnsError {
  return new PnsError('CONFIG_INVALID', `${file} is not YAML: ${what}.`);
}
