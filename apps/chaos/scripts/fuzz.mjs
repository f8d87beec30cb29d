// `npm run test:fuzz`: prepares the clone, and sends hostile input to the built apps and to the parsers; see `--help`.
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

await runBuilt('apps/chaos/dist/fuzz/main.js', process.argv.slice(2));
