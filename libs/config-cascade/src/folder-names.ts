import { closest, distance } from 'fastest-levenshtein';
import { originalFileAdvice } from './original-names';

/** The option files. Other `*.yml` at the top of the folder belong to other software. */
const optionFiles = [
  'pns-apns-options.yml',
  'pns-gcm-options.yml',
  'pns-wns-options.yml',
  'pns-webpush-options.yml',
  'webhooks.yml',
  'webhook-producers.yml',
  'websocket-clients.yml',
] as const;

export const contextSetsFolder = 'contextSets';

/** Whether a name at the top of the folder is a properties file. Hidden files and backup files of editors are not. */
export function isPropertiesFile(name: string): boolean {
  return name.endsWith('.properties') && isVisible(name);
}

/** Whether a name in the folder of context sets is a file with context sets. */
export function isContextSetFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && isVisible(name);
}

/** A name that differs by at most this many characters from the name of an option file counts as a typing error. */
const mostTypingErrors = 2;

/** The fault of a file that is not read although it seems to be meant for PNS. A folder's name ends with a slash. */
export function misplacedFileReason(name: string): string | undefined {
  const advice = originalFileAdvice(name);
  if (advice !== undefined) return advice;
  const plain = name.toLowerCase().replace(/\.yaml$/, '.yml');
  const isOptionFile = (optionFiles as readonly string[]).includes(name);
  if (isOptionFile || !/^[a-z].*\.yml$/.test(plain)) return undefined;
  const meant = closest(plain, optionFiles);
  return distance(meant, plain) <= mostTypingErrors ? `is not read: its name must be ${meant}` : undefined;
}

/** Whether a file is neither hidden (`.x.yml.swp`, `.#x.yml`, `..data`) nor a copy of an editor (`#x.yml#`). */
function isVisible(name: string): boolean {
  return !/^[.#~]/.test(name);
}
