import { InvalidArgumentError, type Command } from 'commander';
import { pnsClient, type PnsClient } from '@pns/client';
import { accessFrom } from './env';
import { Output } from './output';

/** The parts that a command uses. */
export interface Cli {
  readonly client: PnsClient;
  /** The URL of the API. */
  readonly url: string;
  readonly output: Output;
}

/**
 * A part of the request was not done, and the command has written its answer. Commands throw this error instead of setting an
 * exit code, because only `main.ts` turns errors into exit codes.
 */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  /** `sentence` says what was not done; omit it if the answer says so. */
  constructor(sentence = '') {
    super(sentence);
  }
}

/**
 * Runs a command with its arguments and options.
 *
 * @throws CommandFailed when a part of the request was not done
 */
export type Run<Options> = (cli: Cli, options: Options, ...args: string[]) => Promise<void>;

/** The options that every command has. */
interface GlobalOptions {
  readonly url?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** Turns `run` into an action of commander, which passes the arguments, the options and the command. */
export function action<Options>(run: Run<Options>): (this: Command, ...given: unknown[]) => Promise<void> {
  return async function (this: Command) {
    await run({ ...apiOf(this), output: outputOf(this) }, this.opts<Options & object>(), ...this.args);
  };
}

/**
 * Returns a client of the API that the options or the environment name.
 *
 * @throws UsageError when the URL is not valid or there is no key
 */
export function apiOf(command: Command): Pick<Cli, 'client' | 'url'> {
  const { url, key } = command.optsWithGlobals<GlobalOptions>();
  const access = accessFrom({ ...(url !== undefined && { url }), ...(key !== undefined && { key }) });
  return { client: pnsClient(access), url: access.url };
}

export function outputOf(command: Command): Output {
  return new Output(isJson(command), process.stdout);
}

export function isJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

/** Like `action`, for a command that needs no API. */
export function offlineAction<Options>(
  run: (cli: Pick<Cli, 'output'>, options: Options, ...args: string[]) => Promise<void>,
): (this: Command, ...given: unknown[]) => Promise<void> {
  return async function (this: Command) {
    await run({ output: outputOf(this) }, this.opts<Options & object>(), ...this.args);
  };
}

/** A user of a context. As in Dovecot and CloudEvents, `14@1` is user 14 of context 1. */
export interface UserOption {
  readonly context: number;
  readonly user: number;
}

/** Parses `user@context`. */
export function userOption(text: string): UserOption {
  const [, user, context] = /^(\d{1,10})@(\d{1,10})$/.exec(text) ?? [];
  if (user === undefined || context === undefined)
    throw new InvalidArgumentError('Give user@context, for example 14@1.');
  return { context: Number(context), user: Number(user) };
}

export function numberOption(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}
