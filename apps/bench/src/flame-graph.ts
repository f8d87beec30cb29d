// `npm run bench -- flame-graph FILE.cpuprofile FILE.svg TITLE`: draws a CPU profile that `--profile` has written, and prints the shares of
// the packages.
import { readFileSync, writeFileSync } from 'node:fs';
import { type CpuProfile, flameGraphOf, partsOf } from './flame-graph-picture';

/** Smaller parts are not printed, as a share of the whole time. */
const leastShare = 0.01;

const [from, to, title] = process.argv.slice(3);
if (from === undefined || to === undefined || title === undefined) {
  process.stderr.write('npm run bench -- flame-graph FILE.cpuprofile FILE.svg TITLE\n');
  process.exitCode = 1;
} else {
  const profile = JSON.parse(readFileSync(from, 'utf8')) as CpuProfile;
  writeFileSync(to, flameGraphOf(profile, title));
  const parts = partsOf(profile).filter(([, share]) => share >= leastShare);
  process.stdout.write(parts.map(([part, share]) => `${(share * 100).toFixed(1)} % ${part}\n`).join(''));
}
