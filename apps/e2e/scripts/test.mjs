// `npm test`: prepares the clone, runs all tests (or those that further arguments choose) and prints one line of
// totals. A process that a test leaves running is a failure too.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sentence, prepare, root, say } from '../../standalone/scripts/prepare.mjs';

/** A variable that only processes of the tests have. */
const runMark = `JEST_RUN_MARK=${randomUUID()}`;
const graceMs = 15_000;
/** Two workers for each core, because tests often wait; at most eight, because Postgres has connections for eight. */
const workers = Math.min(2 * availableParallelism(), 8);
/** The memory above which Jest replaces a worker after a file. V8 keeps modules of earlier files while memory is free. */
const workerMemory = '1.5GB';
const jestArgs = [`--maxWorkers=${workers}`, `--workerIdleMemoryLimit=${workerMemory}`];

const folder = mkdtempSync(join(tmpdir(), 'pns-test-run-'));
const totals = { passed: 0, failed: 0 };
try {
  await prepare();
  const reportFile = join(folder, 'report.json');
  const code = await runJest(reportFile);
  Object.assign(totals, totalsOf(reportFile));
  if (totals.passed + totals.failed === 0) fail('No test was run.');
  else if (code !== 0 && totals.failed === 0) fail(`Jest ended with exit code ${code}.`);
  if (process.argv.length === 2 && totals.failed === 0) await checkRatios();
  await checkNothingIsLeft();
} catch (error) {
  fail(error instanceof Sentence ? error.message : error.stack);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
say(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

function fail(reason) {
  totals.failed += 1;
  say(reason);
}

function runJest(reportFile) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  return run([jest, ...jestArgs, '--json', `--outputFile=${reportFile}`, ...process.argv.slice(2)]);
}

/** Runs a Node program to its end; resolves with its exit code. */
function run(args) {
  const [name, value] = runMark.split('=');
  const env = { ...process.env, [name]: value };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
}

/** Checks the benchmarks' ratios to their baselines. The tests must have ended, because they would make benchmarks slower. */
async function checkRatios() {
  say('Measuring whether a scenario has become much slower than its baseline ...');
  const code = await run([join(root, 'apps', 'bench', 'dist', 'main.js'), '--guard']);
  if (code !== 0) fail('`npm run bench -- --guard` found a fault; see above.');
}

function totalsOf(reportFile) {
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 }; // Jest was interrupted, or its settings are wrong; the reason is in the output above
  }
}

/** Waits until processes of the tests have ended. After `graceMs`, it reports and kills the processes that still run. */
async function checkNothingIsLeft() {
  for (const endsAt = Date.now() + graceMs; leftProcesses().length > 0 && Date.now() < endsAt;) await sleep(100);
  for (const { pid, command } of leftProcesses()) {
    fail(`Left running after the tests: process ${pid}, ${command}`);
    process.kill(pid, 'SIGKILL');
  }
}

/** The processes of the tests that still run. Empty unless on Linux: other systems do not show the environment of a process. */
function leftProcesses() {
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids
    .filter((pid) => read(pid, 'environ').includes(runMark))
    .map((pid) => ({ pid: Number(pid), command: read(pid, 'cmdline').join(' ') }));
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return []; // the process has ended, or belongs to another user
  }
}
