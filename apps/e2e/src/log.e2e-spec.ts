import { spawn } from 'node:child_process';
import { once } from 'node:events';

const turns = 50;
const linesPerTurn = 5000;

// Each turn writes more than a pipe holds. The last line reports the bytes that were kept in memory.
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
  const bytesInMemory = once(child, 'message') as Promise<[number]>;
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
  const numbers = lines.map((line) => (JSON.parse(line) as { number: number }).number);
  expect(numbers).toEqual(Array.from({ length: turns * linesPerTurn }, (_, number) => number));
  expect((await bytesInMemory)[0]).toBe(0);
});

it.each([
  ['an error that nobody catches', 'setImmediate(() => { throw error; });'],
  ['a rejection that nobody hears of', 'void Promise.reject(error);'],
])('logs %s in a line without the fields of the error, and ends the process', async (_, happens) => {
  const failing = `
    const { runProcess } = require('@pns/runtime/app');
    const error = Object.assign(new Error('refused'), { parameters: ['a secret'] });
    runProcess('test', async () => { ${happens} return []; });
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ['-e', failing], { cwd: __dirname, env: { PATH: process.env['PATH'] } });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  const output = Buffer.concat(chunks).toString();
  expect(code).toBe(1);
  expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    ...{ level: 'fatal', event: 'app.crashed', app: 'test' },
    err: { type: 'Error', message: 'refused', stack: expect.stringContaining('at ') as string },
  });
  expect(output).not.toContain('secret');
});
