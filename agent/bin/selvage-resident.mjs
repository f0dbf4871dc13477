#!/usr/bin/env node
// Entry point of the resident connector, which `selvage-agent connect` becomes. Plain ES2020, so that an older Node can say
// that it is too old; no top-level await, because it is shipped as CommonJS.
if (Number(process.versions.node.split('.')[0]) < 26) {
  process.stderr.write(
    `error NODE_TOO_OLD: this is Node ${process.versions.node}; selvage-agent needs Node 26. next: run "npx selvage-agent connect" in the checkout, which brings it\n`,
  );
  process.exit(2);
}
// A reader that has gone (`| head`) ends the output, never the work behind it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
import('../resident.ts').then(async ({ stay }) => {
  process.exitCode = await stay({
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  });
});
