// Installs what the lockfile names, when it changed, and then runs an entry point on the Node that came with it.
// Plain ES2020, started by whatever Node the machine has (20 or newer); it never installs anything outside this folder.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const WANTED_NODE = 26;
/** npm's own defaults wait for minutes per package before they say that there is no network. */
const RETRIES = ['--fetch-retries=3', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
/** Milliseconds until the next try, where nobody waits at the screen: a name that is not found is none that npm asks for again. */
const PAUSES_MS = process.env.SELVAGE_REQUIRE_ALL === '1' ? [5000, 15000, 30000, 60000] : [];
/** It starts eight short commands from source: most of their time was to strip types and compile the same modules again. */
const COMPILED_ONCE = ['scripts/start.mjs'];
const TESTS = 'scripts/test.mjs';
const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.selvage-setup');

function stop(code, line) {
  process.stderr.write(`${line}\n`);
  // Whoever reads the counts of the tests from the last line finds one in any case.
  if (process.argv[2] === TESTS) process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exit(code);
}

function lockfileHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function npmInstall() {
  const windows = process.platform === 'win32';
  // --ignore-scripts: no package runs a program of its own here; the database binding would try to compile itself although
  // it ships its binary.
  // Not `npm ci`: it refuses a lockfile that does not list the optional packages of every platform there is. What the
  // lockfile lists is still checked against its integrity, and --no-save leaves the lockfile as it is.
  return spawnSync(
    windows ? 'npm.cmd' : 'npm',
    ['install', '--no-save', '--ignore-scripts', ...RETRIES, '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      // npm's own chatter belongs on stderr: stdout is for the answer of the command.
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      shell: windows,
    },
  );
}

function install() {
  const hash = lockfileHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;

  process.stderr.write('installing the locked dependencies (npm install) ...\n');
  let npm = npmInstall();
  for (const pause of PAUSES_MS) {
    if (npm.status === 0 || npm.error) break;
    process.stderr.write(`${npm.stderr || ''}npm install failed; the next try is in ${pause / 1000} s\n`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    npm = npmInstall();
  }
  const output = `${npm.stdout || ''}${npm.stderr || ''}`;

  if (npm.error)
    stop(1, `error TOOL_MISSING: npm could not be started (${npm.error.message}). next: install npm 11 or 12`);
  if (npm.status !== 0) {
    process.stderr.write(output);
    if (/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/.test(output)) {
      stop(
        4,
        'error UNREACHABLE: the package registry cannot be reached. next: check the network or proxy and run it again',
      );
    }
    stop(1, 'error PROCESS_FAILED: npm install failed, see above. next: mend what npm names and run it again');
  }
  writeFileSync(stamp, hash);
}

/** The Node 26 of the platform package, or this one when it is new enough (a platform without a package). */
function wantedNode() {
  const bundled = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= WANTED_NODE) return process.execPath;

  return stop(
    2,
    `error NODE_TOO_OLD: no Node ${WANTED_NODE} package for ${process.platform}-${process.arch}; this is Node ${process.versions.node}. next: install Node ${WANTED_NODE} or newer`,
  );
}

/** Compiled code beside the modules it is made of, for whoever installed them: nobody else may write there. */
function compileCache(entry) {
  if (!COMPILED_ONCE.includes(entry) || process.env.NODE_COMPILE_CACHE) return {};
  if (process.getuid && statSync(modules).uid !== process.getuid()) return {};

  return { NODE_COMPILE_CACHE: join(modules, '.cache/selvage') };
}

function run(entry, args) {
  const child = spawn(wantedNode(), [join(root, entry), ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...compileCache(entry),
      PATH: `${join(modules, '.bin')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH || ''}`,
    },
    shell: process.platform === 'win32',
  });
  // Ctrl-C reaches the child itself (same terminal group); this process only waits for it to finish its work.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => stop(1, `error PROCESS_FAILED: ${entry} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : code));
}

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  stop(
    2,
    `error NODE_TOO_OLD: this is Node ${process.versions.node}; setup needs Node ${OLDEST_NODE} or newer. next: install a newer Node`,
  );
}
install();
const [entry, ...args] = process.argv.slice(2);
if (entry) run(entry, args);
