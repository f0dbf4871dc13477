// A stand-in for a runner at work in a bare root: it holds a ticket as the real one does, and when it is told to stop it brings its work to
// an end, which takes it a moment. It says what happens to it.
const NODE = '/usr/lib/selvage-agent/bin/node';
const LOCK = '/var/lib/selvage-runner/lock';

/** `then`: JavaScript that it does once it holds its ticket; `child(program, args)` and `say(line)` are there. */
function program(then: string): string {
  return `
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
const say = (line) => writeSync(1, line + '\\n');
const child = (program, args) => spawnSync(program, args, { stdio: 'inherit' });
const stat = readFileSync('/proc/self/stat', 'utf8');
const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const ticket = '${LOCK}/' + process.pid + '-' + started + '-' + boot + '-0123456789ab';
process.on('SIGTERM', () => {
  say('told to stop');
  setTimeout(() => {
    say('at a safe boundary');
    unlinkSync(ticket);
    process.exit();
  }, 1500);
});
// Last: whoever sees the ticket may tell it to stop.
mkdirSync('${LOCK}', { recursive: true });
writeFileSync(ticket, '');
${then}
`;
}

/** A script of sh that does something beside a runner at work. */
export function besideRunner(command: string): string {
  return `cat >/tmp/runner.mjs <<'END'
${program('setInterval(() => undefined, 1000);')}END
[ -x ${NODE} ] || exit 1
${NODE} /tmp/runner.mjs & runner=$!
while kill -0 $runner && [ -z "$(ls ${LOCK} 2>/dev/null)" ]; do sleep 0.05; done
${command}
status=$?
kill -KILL $runner 2>/dev/null
rm -rf ${LOCK}
exit $status`;
}

/** A script of sh that is a runner which does something itself. */
export function withinRunner(then: string): string {
  return `cat >/tmp/runner.mjs <<'END'
${program(`${then}\nunlinkSync(ticket);`)}END
${NODE} /tmp/runner.mjs`;
}
