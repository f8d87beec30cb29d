// `npm run bench`: prepares the clone and runs the benchmarks, or the program that the first argument names; the arguments go to
// it. `--node MAJOR` runs all Node processes of both sides with that version, which is downloaded from npm if necessary.
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

const args = process.argv.slice(2);
const program = ['soak', 'curves', 'history-plans'].includes(args[0]) ? args[0] : 'main';
const at = args.indexOf('--node');
const [, major] = at < 0 ? [] : args.splice(at, 2);
await runBuilt(`apps/bench/dist/${program}.js`, args, async () => {
  if (at < 0) return process.execPath;
  const { nodeProgram } = await import('../../../libs/local-servers/dist/index.js');
  return nodeProgram(Number(major), (line) => process.stdout.write(`${line}\n`));
});
