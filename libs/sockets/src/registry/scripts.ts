import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RedisClient } from '@pns/queue';

type Script = (...keysAndArguments: (string | number)[]) => Promise<unknown[]>;

/** The sources are read from `src` by the built code too. */
const sources = join(__dirname, '..', '..', 'src');

function source(path: string): string {
  return readFileSync(join(sources, `${path}.lua`), 'utf8');
}

/**
 * The script at `path`, `<folder>/<name>`, as a function of its keys and arguments; of how many keys there are first, where that is not said.
 * `prelude` names what is put in front of it.
 */
export function script(redis: RedisClient, path: string, numberOfKeys?: number, prelude?: string): Script {
  const command = `pnsPresence_${basename(path)}`;
  const lua = `${prelude === undefined ? '' : source(prelude)}${source(path)}`;
  redis.defineCommand(command, { lua, ...(numberOfKeys === undefined ? {} : { numberOfKeys }) });
  return (redis as unknown as Record<string, Script>)[command]!.bind(redis);
}
