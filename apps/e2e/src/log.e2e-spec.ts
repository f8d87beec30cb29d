import { spawn } from 'node:child_process';
import { once } from 'node:events';

const turns = 50;
const linesPerTurn = 5000;

// Each turn has more than a pipe holds. What is kept in memory then is told in the end.
const program = `
  const { log } = require('@pns/runtime');
  let turn = 0;
  function next() {
    for (let line = 0; line < ${linesPerTurn}; line++) log.info({ event: 'test', number: turn * ${linesPerTurn} + line });
    if (++turn < ${turns}) return setImmediate(next);
    setImmediate(() => process.send(process.stdout.writableLength, () => process.disconnect()));
  }
  next();
`;

it('writes more lines than the pipe holds without keeping any in memory, and loses none', async () => {
  const child = spawn(process.execPath, ['-e', program], {
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const told = once(child, 'message') as Promise<[number]>;
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
  const numbers = lines.map((line) => (JSON.parse(line) as { number: number }).number);
  expect(numbers).toEqual(Array.from({ length: turns * linesPerTurn }, (_, number) => number));
  expect((await told)[0]).toBe(0);
});
