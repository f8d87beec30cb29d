import { readEnvironment, withFiles } from '@pns/runtime/env';

/** The variables that `npm start` reads itself; the apps in its process read the others. */
export const standaloneEnv = () =>
  readEnvironment(['PNS_DATA_DIR', 'PNS_API_PORT', 'PNS_WEBSOCKET_PORT', 'PNS_SANDBOX_PORT', 'PNS_CONFIG_DIR']);

/** Sets the variables whose values are in files, once for all apps of this process. */
export function takeFiles(): void {
  const given = Object.entries(process.env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  for (const [name, value] of Object.entries(withFiles(Object.fromEntries(given)))) {
    if (process.env[name] === value) continue;
    process.env[name] = value;
    delete process.env[`${name}_FILE`];
  }
}

/** Whether a variable has a value. */
export function isSet(name: 'DATABASE_URL' | 'REDIS_URL' | 'PNS_SESSION_JWKS_URL'): boolean {
  return Boolean(process.env[name]);
}

/** Sets variables for the apps of this process unless they have a value; returns the resulting values. */
export function provideDefaults<Name extends string>(values: Readonly<Record<Name, string>>): Record<Name, string> {
  for (const name of Object.keys(values) as Name[]) process.env[name] ||= values[name];
  return Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]])) as Record<Name, string>;
}

/** Sets a variable for the apps of this process and replaces its value. */
export function provide(name: `PNS_${'API' | 'WEBSOCKET' | 'SANDBOX'}_PORT`, value: string): void {
  process.env[name] = value;
}
