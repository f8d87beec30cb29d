import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { measuredNode } from './instructions';

/** A program of this folder that runs as a separate process and answers one question after the other. */
export class Child {
  private readonly exited: Promise<unknown>;
  private readonly ended: Promise<never>;

  private constructor(
    private readonly process: ChildProcess,
    name: string,
  ) {
    this.exited = once(process, 'exit');
    this.ended = this.exited.then((): never => {
      throw new Error(`The program ${name} ended with code ${process.exitCode}.`);
    });
    this.ended.catch(() => undefined);
  }

  /** Starts a program with `nodeArgs` as arguments of Node. Only a baseline is started as a measured process. */
  static start(name: string, nodeArgs: readonly string[] = []): Child {
    const isMeasured = name.startsWith('baselines/');
    const { file: execPath, args } = isMeasured ? measuredNode(nodeArgs) : { file: process.execPath, args: nodeArgs };
    return new Child(fork(join(__dirname, `${name}.js`), { execPath, execArgv: [...args] }), name);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Sends a question and resolves with its answer. Only one question may be open. Rejects if the program ends before. */
  async ask<Answer>(question: object): Promise<Answer> {
    const answered = once(this.process, 'message');
    this.process.send(question);
    const [answer] = (await Promise.race([answered, this.ended])) as [Answer];
    return answer;
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}

/** Answers each question with the result of `answer`. The started program calls this function. */
export function answerQuestions<Question extends object>(answer: (question: Question) => Promise<object>): void {
  process.on('message', (question) => {
    void answer(question as Question).then((answered) => process.send?.(answered)); // a rejection ends the process
  });
  process.on('disconnect', () => process.exit());
}
