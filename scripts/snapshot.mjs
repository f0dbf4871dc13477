// Entry point of `npm run snapshot`. Plain ES2020, so that an older Node can say that it is too old.
if (Number(process.versions.node.split('.')[0]) < 26) {
  process.stderr.write(
    `error NODE_TOO_OLD: this is Node ${process.versions.node}; Selvage needs Node 26. next: run it as "npm run snapshot", which brings it\n`,
  );
  process.exit(2);
}
const { main } = await import('./snapshot/main.ts');
process.exitCode = await main(process.argv.slice(2));
