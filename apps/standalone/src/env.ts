import { readEnvironment } from '@pns/runtime/env';

/** What `npm start` reads itself; the rest is read by the apps that it starts in its process. */
export const standaloneEnv = () =>
  readEnvironment(['PNS_DATA_DIR', 'PNS_API_PORT', 'PNS_WEBSOCKET_PORT', 'PNS_SANDBOX_PORT', 'PNS_CONFIG_DIR']);

/** Whether a variable has a value, from whomever. */
export function isSet(name: 'DATABASE_URL' | 'REDIS_URL' | 'PNS_SESSION_JWKS_URL'): boolean {
  return Boolean(process.env[name]);
}

/** Gives variables a value for the apps of this process; answers the values that hold now, others' own ones included. */
export function provideDefaults<Name extends string>(values: Readonly<Record<Name, string>>): Record<Name, string> {
  for (const name of Object.keys(values) as Name[]) process.env[name] ||= values[name];
  return Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]])) as Record<Name, string>;
}

/** Sets a variable for the apps of this process, whatever it was. */
export function provide(name: `PNS_${'API' | 'WEBSOCKET' | 'SANDBOX'}_PORT`, value: string): void {
  process.env[name] = value;
}
