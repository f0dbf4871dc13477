// Runs a program under strace and records, in order, everything it does to one folder and every line it prints.
// The recording is checked against the folder itself: played from the start it must give exactly what lies there now.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { type DiskNode, type NodeId, type Nodes, type Operation, type Tree, treeOf } from './disk.ts';
import { Reader, TRACED } from './operations.ts';
import { parseCalls } from './strace-calls.ts';

export interface RecordOptions {
  /** The folder whose power is cut; what is in it before the start counts as durable. */
  readonly folder: string;
  /** Absolute; the program must end by itself (`process.kill(process.pid, 'SIGKILL')` ends it without tidying up). */
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Paths below the folder that no crash can keep, such as SQLite's `-shm`. */
  readonly ignore?: (path: string) => boolean;
  readonly deadlineMs?: number;
}

export interface Recording {
  readonly nodes: Nodes;
  readonly operations: readonly Operation[];
}

const DEADLINE_MS = 60_000;
const KILLED = 128 + 9;
const ALL_BYTES = 100_000_000;

/** Throws an Error when the program fails, prints to stderr, or does something that the model does not know. */
export async function recordWrites(options: RecordOptions): Promise<Recording> {
  const top = realpathSync(options.folder);
  const ignore = options.ignore ?? (() => false);
  const before = nodesOf(top, ignore);
  const trace = join(tmpdir(), `selvage-trace-${process.pid}-${performance.now()}`);
  mkdirSync(trace);

  try {
    const output = join(trace, 'calls');
    const { exitCode, stderr } = await createRun(process.env)({
      file: 'strace',
      args: [
        ...['-f', '-yy', '-xx', '-qq', '--seccomp-bpf', '-s', `${ALL_BYTES}`, '-e', 'signal=none'],
        ...['-e', `trace=${TRACED.join(',')}`, '-o', output, '--', options.file, ...options.args],
      ],
      // File work through io_uring would not be seen (what is left to it then is polling).
      env: { ...options.env, UV_USE_IO_URING: '0' },
      deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    });
    if ((exitCode !== 0 && exitCode !== KILLED) || stderr !== '') {
      throw new Error(`the program ended with ${exitCode}: ${stderr}`);
    }
    const reader = new Reader(top, before, ignore);
    reader.read(parseCalls(readFileSync(output, 'latin1')));
    const { nodes, operations } = reader;
    compare(treeOf(nodes, operations), treeOf(nodesOf(top, ignore), []));

    return { nodes, operations };
  } finally {
    rmSync(trace, { recursive: true, force: true });
  }
}

function nodesOf(top: string, ignore: (path: string) => boolean): DiskNode[] {
  const nodes: DiskNode[] = [];
  const add = (path: string, name: string): NodeId => {
    const id = nodes.length;
    const facts = statSync(path);
    const mode = facts.mode & 0o7777;
    const entries = new Map<string, NodeId>();
    nodes.push(
      facts.isDirectory() ? { kind: 'folder', entries, mode } : { kind: 'file', bytes: readFileSync(path), mode },
    );
    if (!facts.isDirectory()) return id;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = name === '' ? entry.name : `${name}/${entry.name}`;
      if (ignore(below)) continue;
      if (entry.isSymbolicLink()) {
        entries.set(entry.name, nodes.push({ kind: 'link', target: readlinkSync(join(path, entry.name)) }) - 1);
      } else entries.set(entry.name, add(join(path, entry.name), below));
    }

    return id;
  };
  add(top, '');

  return nodes;
}

/** A file that was linked twice is two nodes on disk and one in the model; content is what is compared. */
function compare(played: Tree, there: Tree): void {
  for (const path of new Set([...played.keys(), ...there.keys()])) {
    const [mine, real] = [played.get(path), there.get(path)];
    const same =
      mine?.kind === real?.kind &&
      (mine?.kind !== 'file' || real?.kind !== 'file' || Buffer.compare(mine.bytes, real.bytes) === 0);
    if (!same) throw new Error(`the recording does not give what lies at ${path}: something was not seen`);
  }
}
