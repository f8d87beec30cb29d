// `npm run bench`: prepares the clone and runs the benchmarks, or the program that the first argument names, with the arguments.
// `--node MAJOR` runs all Node processes of both sides with this version of Node, which is downloaded from npm if necessary.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../../standalone/scripts/prepare.mjs';
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

const args = process.argv.slice(2);
const program = ['soak', 'curves', 'history-plans', 'flame-graph'].includes(args[0]) ? args[0] : 'main';
const at = args.indexOf('--node');
const [, major] = at < 0 ? [] : args.splice(at, 2);
await runBuilt(`apps/bench/dist/${program}.js`, args, () => (at < 0 ? process.execPath : nodeOf(Number(major))));

/** Returns the path of Node in this major version. The library is loaded here, because it may not exist before the build. */
function nodeOf(wanted) {
  const { nodeProgram } = createRequire(import.meta.url)(join(root, 'libs', 'local-servers', 'dist', 'index.js'));
  return nodeProgram(wanted, (line) => process.stdout.write(`${line}\n`));
}
