import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { measuredNode } from './instructions';

/** A program of `baselines/` that is running. */
interface Baseline<Answer> {
  /** The first message of the program. */
  readonly answer: Answer;
  readonly pid: number;
}

/** Runs a program of `baselines/` as a separate process and resolves with its first message. */
export function runBaseline<Answer>(name: string, input: object): Promise<Answer> {
  return withBaseline<Answer, Answer>(name, input, ({ answer }) => Promise.resolve(answer));
}

/** Runs a program of `baselines/` in a separate process during `work`, which begins when the program sends its first message. */
export async function withBaseline<Answer, Result>(
  name: string,
  input: object,
  work: (baseline: Baseline<Answer>) => Promise<Result>,
): Promise<Result> {
  const { file: execPath, args } = measuredNode(process.execArgv);
  const program = join(__dirname, 'baselines', `${name}.js`);
  const child = fork(program, [JSON.stringify(input)], { execPath, execArgv: [...args] });
  const exited = once(child, 'exit');
  const ended = exited.then(([code]) => {
    throw new Error(`The baseline ${name} ended with code ${String(code)}.`);
  });
  try {
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
    return await Promise.race([work({ answer, pid: child.pid ?? 0 }), ended]);
  } finally {
    ended.catch(() => undefined);
    child.kill();
    await exited;
  }
}
