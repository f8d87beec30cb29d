import { bundleSentence, hasUsablePort, isCertificateBundle, pemText, textFault } from '@pns/transport-contract';
import { z } from 'zod';
import { CredentialError, type PushCertificate, pushCertificate, signingKey } from './apns.credentials';

const text = z.string({ error: textFault });

/** A PKCS #12 file in base64, with line ends as mail programs and `base64` write them. */
const base64File = text
  .max(200_000)
  .transform((base64) => base64.replace(/\s+/g, ''))
  .pipe(z.base64('must be a PKCS #12 file in base64').max(100_000));

/** Apple's ids of keys and teams. */
const tenCharacters = text.regex(/^[A-Z0-9]{10}$/, 'must be 10 capital letters and digits');

/** A field that only an option file may contain, because it names another file. */
const inOptionFile = (field: string) =>
  z.never({ error: `is for the option file, where it names another file; give the content as ${field}` }).optional();

const fields = z.strictObject(
  {
    enabled: z.boolean().default(true),
    authtype: text
      .transform((type) => type.toLowerCase())
      .pipe(z.enum(['certificate', 'jwt'], { error: 'must be certificate or jwt' }))
      .default('certificate'),
    keystore: base64File.optional(),
    password: text.max(1024).optional(),
    privatekey: text.max(10_000).transform(pemText).optional(),
    keyid: tenCharacters.optional(),
    teamid: tenCharacters.optional(),
    production: z.boolean().default(true),
    topic: text.regex(/^[A-Za-z0-9.-]{1,255}$/, 'must be the bundle id of the app, such as com.example.app').optional(),
    endpoint: text
      .refine(isOrigin, { error: 'must be https://, a host and perhaps a port, and nothing else' })
      .refine(hasUsablePort, { error: 'has port 0, to which nothing connects' })
      .optional(),
    caFile: text.max(1_000_000).transform(pemText).refine(isCertificateBundle, { error: bundleSentence }).optional(),
    keystoreId: inOptionFile('keystore'),
    privatekeyId: inOptionFile('privatekey'),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : undefined) },
);

/** The options of one client with all defaults. */
export type ApnsOptions = Readonly<z.infer<typeof fields>>;

/**
 * The options of one client as the API accepts them: `keystore` is the PKCS #12 file in base64, `privatekey` and `caFile` are PEM
 * texts. Parsing also opens the credentials, unless `enabled` is false. Parsing the result again returns the same result.
 */
export const apnsOptions: z.ZodType<ApnsOptions> = fields.check((context) => {
  if (!context.value.enabled) return;
  const faults = context.value.authtype === 'jwt' ? keyFaults(context.value) : certificateFaults(context.value);
  const known = new Set(context.issues.map(({ path }) => path?.[0]));
  for (const [field, message] of faults) {
    if (known.has(field)) continue; // one fault of a field is enough: its other faults follow from it
    context.issues.push({ code: 'custom', message, path: [field], input: context.value });
  }
});

/** The fields that the API never returns. */
export const apnsSecretFields: readonly string[] = ['keystore', 'password', 'privatekey'];

/** The folder of the files that `keystoreId` and `privatekeyId` name. It is in the folder of the configuration. */
const secretsFolder = 'secrets';

/** The fields that name another file, by a path or by an id in `secretsFolder`; the file's content replaces the name. */
const fileFields: readonly { field: string; encoding: BufferEncoding; idField?: string }[] = [
  { field: 'keystore', encoding: 'base64', idField: 'keystoreId' },
  { field: 'privatekey', encoding: 'utf8', idField: 'privatekeyId' },
  { field: 'caFile', encoding: 'utf8' },
];

/**
 * The schema of `pns-apns-options.yml`: clients and their options. `keystore`, `privatekey` and `caFile` are paths, which
 * `readFile` reads; `keystoreId` and `privatekeyId` take precedence over `keystore` and `privatekey`. An entry that is not
 * enabled may name missing files, because copied examples name such files.
 */
export function apnsOptionsFileFor(
  _nodeEnv: string,
  readFile: (path: string) => Buffer,
): z.ZodType<Record<string, ApnsOptions>> {
  const entry = z.unknown().transform((given, context) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
    return withContents({ ...given }, readFile, (field, message) => {
      context.issues.push({ code: 'custom', message, path: [field], input: given });
    });
  });
  return z.record(clientId, entry.pipe(apnsOptions));
}

function withContents(
  entry: Record<string, unknown>,
  readFile: (path: string) => Buffer,
  fault: (field: string, message: string) => void,
): Record<string, unknown> {
  for (const { field, encoding, idField = '' } of fileFields) {
    const id = entry[idField];
    delete entry[idField];
    if (entry['enabled'] === false) {
      delete entry[field];
      continue;
    }
    const [asked, what] =
      id === undefined ? [field, 'the path of a file'] : [idField, `the name of a file in ${secretsFolder}/`];
    if (id !== undefined && !isFileName(id)) {
      fault(asked, `must be ${what}`);
      continue;
    }
    const path = id === undefined ? entry[field] : `${secretsFolder}/${id}`;
    if (typeof path !== 'string') continue;
    try {
      entry[field] = readFile(path).toString(encoding);
    } catch (error) {
      // The message omits the path, because the operator may have written the content of the file, a secret, into the field.
      fault(asked, `cannot be read (${codeOf(error)}); it must be ${what}`);
    }
  }
  return entry;
}

function isFileName(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9_.-]{1,255}$/.test(id) && id !== '.' && id !== '..';
}

const clientId = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, {
  error: 'A client is 1 to 64 letters, digits, underscores, dots and dashes',
});

/** Cache of opened certificates: each scrape of the metrics reads the expiry, and opening takes a thousand rounds of hashing. */
const opened = new WeakMap<ApnsOptions, PushCertificate>();

/** The certificate in the options, which is opened once. @throws CredentialError if it cannot be opened */
export function certificateOf(options: ApnsOptions): PushCertificate {
  const { keystore = '', password = '' } = options;
  const certificate = opened.get(options) ?? pushCertificate(Buffer.from(keystore, 'base64'), password);
  opened.set(options, certificate);
  return certificate;
}

type Fault = readonly [field: keyof ApnsOptions, message: string];

function keyFaults({ privatekey, keyid, teamid, topic, keystore, password }: ApnsOptions): Fault[] {
  return [
    ...missing({ privatekey, keyid, teamid, topic }, 'is missing; authtype jwt needs it'),
    ...present({ keystore, password }, 'belongs to authtype certificate'),
    ...(privatekey === undefined ? [] : faultOf('privatekey', () => signingKey(privatekey))),
  ];
}

function certificateFaults(options: ApnsOptions): Fault[] {
  const { keystore, privatekey, keyid, teamid } = options;
  return [
    ...missing({ keystore }, 'is missing; authtype certificate, the default, needs it'),
    ...present({ privatekey, keyid, teamid }, 'belongs to authtype jwt'),
    ...(keystore === undefined ? [] : faultOf('keystore', () => checkUse(options, certificateOf(options)))),
  ];
}

/**
 * Throws if the certificate is for another environment or topic. An expired certificate is no fault of the options, because it
 * was valid when they were set.
 */
function checkUse({ production, topic, endpoint }: ApnsOptions, { environments, topics }: PushCertificate): void {
  const side = production ? 'production' : 'development';
  if (endpoint === undefined && environments.length > 0 && !environments.includes(side)) {
    throw new CredentialError(`is a certificate for ${environments.join()}, and production is ${production}`);
  }
  if (topic !== undefined && topics.length > 0 && !topics.includes(topic)) {
    throw new CredentialError(`is a certificate for ${topics.join(', ')}, and not for the topic ${topic}`);
  }
}

function faultOf(field: keyof ApnsOptions, check: () => unknown): Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof CredentialError) return [[field, error.message]];
    throw error;
  }
}

function missing(given: Partial<ApnsOptions>, message: string): Fault[] {
  return namesOf(given).flatMap((field) => (given[field] === undefined ? [[field, message] as const] : []));
}

function present(given: Partial<ApnsOptions>, message: string): Fault[] {
  return namesOf(given).flatMap((field) => (given[field] === undefined ? [] : [[field, message] as const]));
}

function namesOf(given: Partial<ApnsOptions>): (keyof ApnsOptions)[] {
  return Object.keys(given) as (keyof ApnsOptions)[];
}

function unknownFields(names: readonly string[]): string {
  return `${names.join(', ')} is not a field of an APNs client; the known ones are ${Object.keys(fields.shape).join(', ')}`;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && text.startsWith('https://') && new URL(text).origin === text.replace(/\/$/, '');
}

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
