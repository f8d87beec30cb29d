// Prepares a fresh clone: installs the packages, then builds. It uses only Node, because no package may be installed
// yet. It returns quickly if all is up to date.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** An error message for users, shown without a stack. */
export class Sentence extends Error {}

export function say(line) {
  process.stdout.write(`${line}\n`);
}

/**
 * Installs and builds missing parts; throws a `Sentence` if this fails. `beforeBuild` runs after the packages are
 * installed.
 */
export async function prepare(beforeBuild = () => Promise.resolve()) {
  requireNode();
  if (!isInstalled()) await install();
  await beforeBuild();
  await build();
}

/** Runs a TypeScript program from its source; returns whether it succeeded. */
export function runSource(file) {
  const conditions = ['--conditions=@pns/source', '--require', 'ts-node/register/transpile-only'];
  const project = { TS_NODE_PROJECT: join(root, 'tsconfig.base.json') };
  return run([process.execPath, ...conditions, join(root, file)], 'still checking', project);
}

function requireNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Sentence(
    `PNS needs Node ${wanted} or newer, this is ${process.versions.node}: install it from nodejs.org.`,
  );
}

/** Whether node_modules contains the packages of the lock file, by the record that npm keeps in node_modules. */
function isInstalled() {
  try {
    const wanted = packagesOf('package-lock.json');
    const present = packagesOf('node_modules/.package-lock.json');
    return Object.entries(wanted).every(
      ([path, { version, link, optional }]) =>
        path === '' ||
        !path.includes('node_modules/') ||
        link ||
        (present[path] ? present[path].version === version : optional),
    );
  } catch {
    return false;
  }
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
}

async function install() {
  say('Installing packages; this takes about a minute.');
  // npm passes its own path to its scripts; outside of a script, npm is searched on the PATH.
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  if (await run([...npm, ...args], 'still installing')) return;
  throw new Sentence('The packages could not be installed; npm says why above. Run `npm ci` to try again.');
}

async function build() {
  const startedAt = Date.now();
  say('Building what has changed.');
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!(await run([process.execPath, tsc, '--build'], 'still building'))) {
    throw new Sentence('The build failed; the compiler says why above.');
  }
  say(`Built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

/** Runs a command in the project's folder, with output to our terminal. Prints every ten seconds that the command still runs. */
function run([file, ...args], meanwhile, moreEnv = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, ...moreEnv },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const timer = setInterval(() => say(`... ${meanwhile} (${Math.round((Date.now() - startedAt) / 1000)} s)`), 10_000);
    const end = (isGood) => {
      clearInterval(timer);
      resolve(isGood);
    };
    child.on('error', (error) => {
      say(`${file} cannot be run: ${error.message}`);
      end(false);
    });
    child.on('exit', (code) => end(code === 0));
  });
}

/** Prints the reason and ends the process. */
export function giveUp(error) {
  process.stderr.write(`${error instanceof Sentence ? error.message : error.stack}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare().catch(giveUp);
