// `npm run bench`: prepares the clone and runs the benchmarks, or the program that the first argument names; the arguments go to
// it.
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

const program = ['soak', 'curves', 'history-plans'].includes(process.argv[2]) ? process.argv[2] : 'main';
await runBuilt(`apps/bench/dist/${program}.js`, process.argv.slice(2));
