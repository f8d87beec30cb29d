// `npm run bench`: prepares the clone and runs the benchmarks, or the soak or the curves if these are the first
// argument; the arguments go to them.
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

const program = ['soak', 'curves'].includes(process.argv[2]) ? process.argv[2] : 'main';
await runBuilt(`apps/bench/dist/${program}.js`, process.argv.slice(2));
