import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisClient } from '@pns/redis';

type Script = (...keysAndArguments: (string | number)[]) => Promise<unknown[]>;

function source(name: string): string {
  return readFileSync(join(__dirname, '..', 'src', `${name}.lua`), 'utf8');
}

/**
 * The script `name` as a function of its keys and arguments; of how many keys there are first, where that is not said.
 * `prelude` names what is put in front of it.
 */
export function script(redis: RedisClient, name: string, numberOfKeys?: number, prelude?: string): Script {
  const command = `pnsPresence_${name}`;
  const lua = `${prelude === undefined ? '' : source(prelude)}${source(name)}`;
  redis.defineCommand(command, { lua, ...(numberOfKeys === undefined ? {} : { numberOfKeys }) });
  return (redis as unknown as Record<string, Script>)[command]!.bind(redis);
}
