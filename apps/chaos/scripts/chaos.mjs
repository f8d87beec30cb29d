// `npm run test:chaos`: prepares the clone, and kills processes and servers under load; the arguments choose a plan.
import { runBuilt } from '../../standalone/scripts/run-built.mjs';

await runBuilt('apps/chaos/dist/main.js', process.argv.slice(2));
