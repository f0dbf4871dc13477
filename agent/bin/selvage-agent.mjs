#!/usr/bin/env node
// Entry point of the agent. Plain ES2020, so that an older Node can say that it is too old.
if (Number(process.versions.node.split('.')[0]) < 26) {
  process.stderr.write(
    `error NODE_TOO_OLD: this is Node ${process.versions.node}; selvage-agent needs Node 26. next: run it as "npx selvage-agent" in the checkout, which brings it\n`,
  );
  process.exit(2);
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
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  entry: import.meta.filename,
});
// All is done and said. What still hangs (a dead mount, a stuck program of an inventory) does not keep the process, or whoever waits
// for it would take a whole answer for none.
setTimeout(() => process.exit(), 2000).unref();
