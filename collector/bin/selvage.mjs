#!/usr/bin/env node
// Entry point of the command line of the collector. Plain ES2020, so that an older Node can say that it is too old.
if (Number(process.versions.node.split('.')[0]) < 26) {
  process.stderr.write(
    `error NODE_TOO_OLD: this is Node ${process.versions.node}; selvage needs Node 26. next: run it as "npx selvage" in the checkout, which brings it\n`,
  );
  process.exit(2);
}
// Certificates hold memory that is given back when the young generation is collected: with one of 8 MiB a connection costs
// 9 KiB less. V8 takes the size only at the start, so the process starts itself anew: same process id, same streams.
const SERVE_FLAG = '--max-semi-space-size=8';
const isPlain = !process.execArgv.some((flag) => flag.startsWith('--max-semi-space-size'));
if (process.argv[2] === 'serve' && isPlain && process.execve !== undefined && process.platform !== 'win32') {
  const { execPath, execArgv, argv, env } = process;
  process.execve(execPath, [execPath, SERVE_FLAG, ...execArgv, ...argv.slice(1)], env);
}
// A reader that has gone (`| head`) ends the output, never the work behind it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
const { main } = await import('../main.ts');
process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  // Looked at only by commands that read it.
  get stdin() {
    return process.stdin;
  },
});
