import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { RedisClient } from './redis';

/** The location of a script and its number of keys. */
interface LuaScriptOptions {
  /** `__dirname` of the module that calls the script. The script is beside the source of that module. */
  readonly folder: string;
  /** The name of the file, without `.lua`. */
  readonly name: string;
  /** Absent when the first argument of each call is the number of keys. */
  readonly numberOfKeys?: number;
  /** Files with functions that the script uses, in this order, relative to the folder and without `.lua`. */
  readonly preludes?: readonly string[];
}

type Arguments = readonly (string | number)[];

/** The commands that are defined on each connection, so that none is defined twice. */
const defined = new WeakMap<RedisClient, Set<string>>();

/**
 * A Lua script from a file. The function `clock` and the preludes are prepended. Redis gets the text once, and later only its digest.
 */
export class LuaScript<Answer = unknown> {
  /** The text, for transactions, in which ioredis cannot repeat a call of a script that Redis does not have. */
  readonly source: string;
  private readonly numberOfKeys: number | undefined;
  private readonly command: string;

  constructor({ folder, name, numberOfKeys, preludes = [] }: LuaScriptOptions) {
    this.source = [clockSource, ...[...preludes, name].map((part) => sourceOf(folder, part))].join('');
    this.numberOfKeys = numberOfKeys;
    this.command = `pns_${name}_${createHash('sha1').update(this.source).digest('hex')}`;
  }

  /** Runs the script with these keys and arguments. */
  run(redis: RedisClient, ...keysAndArguments: Arguments): Promise<Answer> {
    const known = defined.get(redis) ?? new Set();
    defined.set(redis, known);
    if (!known.has(this.command)) {
      const { source: lua, numberOfKeys } = this;
      redis.defineCommand(this.command, { lua, ...(numberOfKeys === undefined ? {} : { numberOfKeys }) });
      known.add(this.command);
    }
    const commands = redis as unknown as Record<string, (...args: Arguments) => Promise<Answer>>;
    return commands[this.command]!(...keysAndArguments);
  }
}

const clockSource = sourceOf(__dirname, 'clock');

/** Reads a script from `src`, also for a compiled module in `dist`, because the compiler does not copy scripts. */
function sourceOf(folder: string, name: string): string {
  const parts = folder.split(sep);
  const at = Math.max(parts.lastIndexOf('src'), parts.lastIndexOf('dist'));
  return readFileSync(join(parts.with(at, 'src').join(sep), `${name}.lua`), 'utf8');
}
