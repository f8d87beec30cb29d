// `npm run bench -- flame-graph FILE.cpuprofile FILE.svg TITLE`: draws a CPU profile that `--profile` has written.
import { readFileSync, writeFileSync } from 'node:fs';
import { type CpuProfile, flameGraphOf } from './flame-graph-picture';

const [from, to, title] = process.argv.slice(3);
if (from === undefined || to === undefined || title === undefined) {
  process.stderr.write('npm run bench -- flame-graph FILE.cpuprofile FILE.svg TITLE\n');
  process.exitCode = 1;
} else {
  writeFileSync(to, flameGraphOf(JSON.parse(readFileSync(from, 'utf8')) as CpuProfile, title));
}
