// System calls as operations on the model of the disk: paths become nodes, positions in files are followed.
// A call that changes the watched folder in a way the model does not know is an error, never left out.
import { dirname, join, relative, resolve } from 'node:path';
import type { DiskNode, NodeId, Operation } from './disk.ts';
import { TOP } from './disk.ts';
import { bytesOf, type Call, pathOf } from './strace-calls.ts';

/** The system calls that ./record.ts must trace. */
export const TRACED = [
  ...['open', 'openat', 'creat', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'truncate'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat', 'rmdir'],
  ...['mkdir', 'mkdirat', 'fsync', 'fdatasync', 'sync', 'syncfs', 'chmod', 'fchmod', 'fchmodat', 'mmap', 'lseek'],
  ...['dup', 'dup2', 'dup3', 'fcntl', 'fallocate', 'copy_file_range', 'sendfile', 'splice', 'clone', 'clone3'],
  ...['fork', 'vfork'],
] as const;

const UMASK = 0o022;
const ALL_MODES = 0o7777;

/** The arguments of a call as strace prints them; five are what the longest call needs, a shorter one leaves the rest empty. */
type Args = readonly [string, string, string, string, string];

interface Description {
  readonly append: boolean;
  at: number;
}

/** The files that were there, and every one made later: `nodes` grows while calls are read. */
export class Reader {
  readonly nodes: DiskNode[];
  readonly operations: Operation[] = [];
  readonly #top: string;
  readonly #ignored: (path: string) => boolean;
  readonly #names = new Map<NodeId, Map<string, NodeId>>();
  readonly #descriptions = new Map<string, Description>();
  readonly #parents = new Map<number, { readonly pid: number; readonly shared: boolean }>();
  /** Of the first process: what it prints is what becomes known outside. */
  #root = 0;
  #printed = '';
  #call: Call = { pid: 0, name: '', args: [], result: 0, began: 0, ended: 0 };
  /** A sync covers what had returned before it began. */
  readonly #ends: { readonly ended: number; readonly operations: number }[] = [];

  constructor(top: string, nodes: readonly DiskNode[], ignored: (path: string) => boolean) {
    this.#top = top;
    this.nodes = [...nodes];
    this.#ignored = ignored;
    for (const [id, node] of nodes.entries()) if (node.kind === 'folder') this.#names.set(id, new Map(node.entries));
  }

  read(calls: readonly Call[]): void {
    this.#root = calls[0]?.pid ?? 0;
    for (const call of calls) if (['clone', 'clone3', 'fork', 'vfork'].includes(call.name)) this.#born(call);
    for (const call of calls) {
      this.#call = call;
      this.#take(call);
      this.#ends.push({ ended: call.ended, operations: this.operations.length });
    }
  }

  #born({ pid, args, result }: Call): void {
    this.#parents.set(result, { pid, shared: args.some((arg) => arg.includes('CLONE_FILES')) });
  }

  #take(call: Call): void {
    const handle = this.#handlers[call.name];
    if (!handle) throw this.#unknown();
    const [a = '', b = '', c = '', d = '', e = ''] = call.args;
    handle([a, b, c, d, e]);
  }

  readonly #handlers: Readonly<Record<string, (args: Args) => void>> = {
    open: ([path, flags, mode]) => this.#opened(absolute(path), flags, mode),
    openat: ([base, path, flags, mode]) => this.#opened(below(base, path), flags, mode),
    creat: ([path, mode]) => this.#opened(absolute(path), 'O_WRONLY|O_CREAT|O_TRUNC', mode),
    write: ([file, bytes]) => this.#written(file, null, bytesOf(bytes)),
    writev: ([file, bytes]) => this.#written(file, null, vector(bytes)),
    pwrite64: ([file, bytes, , offset]) => this.#written(file, Number(offset), bytesOf(bytes)),
    pwritev: ([file, bytes, , offset]) => this.#written(file, Number(offset), vector(bytes)),
    pwritev2: ([file, bytes, , offset]) => this.#written(file, Number(offset), vector(bytes)),
    ftruncate: ([file, size]) => this.#sized(pathOf(file), Number(size)),
    truncate: ([path, size]) => this.#sized(absolute(path), Number(size)),
    rename: ([from, to]) => this.#moved(absolute(from), absolute(to)),
    renameat: ([from, name, to, other]) => this.#moved(below(from, name), below(to, other)),
    renameat2: ([from, name, to, other, flags]) => {
      if (flags.includes('EXCHANGE')) throw this.#unknown();
      this.#moved(below(from, name), below(to, other));
    },
    link: ([from, to]) => this.#linked(absolute(from), absolute(to)),
    linkat: ([from, name, to, other]) => this.#linked(below(from, name), below(to, other)),
    symlink: ([target, path]) => this.#made(absolute(path), link(target)),
    symlinkat: ([target, base, path]) => this.#made(below(base, path), link(target)),
    unlink: ([path]) => this.#left(absolute(path)),
    unlinkat: ([base, path]) => this.#left(below(base, path)),
    rmdir: ([path]) => this.#left(absolute(path)),
    mkdir: ([path, mode]) => this.#made(absolute(path), folder(mode)),
    mkdirat: ([base, path, mode]) => this.#made(below(base, path), folder(mode)),
    fsync: ([file]) => this.#synced(pathOf(file)),
    fdatasync: ([file]) => this.#synced(pathOf(file)),
    sync: () => this.#syncedAll(),
    syncfs: () => this.#syncedAll(),
    chmod: ([path, mode]) => this.#moded(absolute(path), mode),
    fchmod: ([file, mode]) => this.#moded(pathOf(file), mode),
    fchmodat: ([base, path, mode]) => this.#moded(below(base, path), mode),
    // Traced to keep count of positions and descriptors.
    lseek: ([file]) => this.#sought(file),
    dup: ([file]) => this.#doubled(file),
    dup2: ([file]) => this.#doubled(file),
    dup3: ([file]) => this.#doubled(file),
    fcntl: ([file, what]) => {
      if (what.startsWith('F_DUPFD')) this.#doubled(file);
    },
    clone: () => undefined,
    clone3: () => undefined,
    fork: () => undefined,
    vfork: () => undefined,
    // Traced to see that they do not happen to the folder.
    mmap: ([, , protection, flags, file]) => {
      if (protection.includes('PROT_WRITE') && flags.includes('MAP_SHARED')) this.#mustBeOutside([file]);
    },
    fallocate: (args) => this.#mustBeOutside(args),
    copy_file_range: (args) => this.#mustBeOutside(args),
    sendfile: (args) => this.#mustBeOutside(args),
    splice: (args) => this.#mustBeOutside(args),
  };

  #mustBeOutside(args: readonly string[]): void {
    if (args.some((arg) => this.#inside(pathOf(arg)) !== null)) throw this.#unknown();
  }

  #opened(path: string | null, flags: string, mode: string): void {
    const name = this.#inside(path);
    if (name === null) return;
    const writes = /O_WRONLY|O_RDWR/.test(flags);
    let node = this.#find(name);
    if (node === null && flags.includes('O_CREAT')) {
      this.#made(path, { kind: 'file', bytes: Buffer.alloc(0), mode: Number.parseInt(mode, 8) & ~UMASK });
    } else if (writes && flags.includes('O_TRUNC') && node !== null) {
      this.operations.push({ type: 'size', node, size: 0 });
    }
    node = this.#find(name);
    if (node === null && writes) throw this.#unknown();
    const key = `${this.#table(this.#call.pid)}:${this.#call.result}`;
    this.#descriptions.set(key, { append: flags.includes('O_APPEND'), at: 0 });
  }

  #written(descriptor: string, offset: number | null, bytes: Buffer): void {
    const done = bytes.subarray(0, this.#call.result);
    if (/^1</.test(descriptor) && this.#table(this.#call.pid) === this.#root) this.#says(done);
    const path = pathOf(descriptor);
    const name = this.#inside(path);
    if (name === null) return;
    const node = this.#find(name);
    const file = node === null ? undefined : this.nodes[node];
    if (node === null || file?.kind !== 'file') throw this.#unknown();

    let at = offset;
    if (at === null) {
      const description = this.#description(descriptor);
      if (!description) throw this.#unknown();
      at = description.append ? this.#sizeOf(node) : description.at;
      description.at = at + done.length;
    }
    this.operations.push({ type: 'write', node, offset: at, bytes: Buffer.from(done) });
  }

  #sized(path: string | null, size: number): void {
    const node = this.#nodeAt(path);
    if (node !== null) this.operations.push({ type: 'size', node, size });
  }

  #made(path: string | null, made: DiskNode): void {
    const name = this.#inside(path);
    if (name === null) return;
    const node = this.nodes.push(made) - 1;
    if (made.kind === 'folder') this.#names.set(node, new Map());
    this.#enter(name, node);
  }

  #linked(from: string | null, to: string | null): void {
    const node = this.#nodeAt(from);
    const name = this.#inside(to);
    if (name === null) return;
    if (node === null) throw this.#unknown();
    this.#enter(name, node);
  }

  #moved(from: string | null, to: string | null): void {
    const [source, target] = [this.#inside(from), this.#inside(to)];
    if (source === null && target === null) return;
    const node = source === null ? null : this.#find(source);
    if (source === null || target === null || node === null) throw this.#unknown();
    const [fromFolder, toFolder] = [this.#folderOf(source), this.#folderOf(target)];
    this.#names.get(fromFolder)?.delete(baseOf(source));
    this.#names.get(toFolder)?.set(baseOf(target), node);
    const at = { folder: toFolder, name: baseOf(target) };
    this.operations.push({ type: 'move', from: { folder: fromFolder, name: baseOf(source) }, ...at, node });
  }

  #left(path: string | null): void {
    const name = this.#inside(path);
    if (name === null) return;
    if (this.#find(name) === null) throw this.#unknown();
    const folderId = this.#folderOf(name);
    this.#names.get(folderId)?.delete(baseOf(name));
    this.operations.push({ type: 'leave', folder: folderId, name: baseOf(name) });
  }

  #synced(path: string | null): void {
    const node = this.#nodeAt(path);
    if (node !== null) this.operations.push({ type: 'sync', node, began: this.#known() });
  }

  #syncedAll(): void {
    this.operations.push({ type: 'sync', node: null, began: this.#known() });
  }

  /** Modes are taken as durable at once: what they protect is no question of power cuts. */
  #moded(path: string | null, mode: string): void {
    const node = this.#nodeAt(path);
    const made = node === null ? undefined : this.nodes[node];
    if (made && made.kind !== 'link') made.mode = Number.parseInt(mode, 8) & ALL_MODES;
  }

  #sought(descriptor: string): void {
    const description = this.#description(descriptor);
    if (description) description.at = this.#call.result;
  }

  #doubled(descriptor: string): void {
    const description = this.#description(descriptor);
    const key = `${this.#table(this.#call.pid)}:${this.#call.result}`;
    if (description) this.#descriptions.set(key, description);
  }

  #says(bytes: Buffer): void {
    const lines = (this.#printed + bytes.toString('utf8')).split('\n');
    this.#printed = lines.pop() ?? '';
    for (const text of lines) this.operations.push({ type: 'line', text });
  }

  #enter(name: string, node: NodeId): void {
    const folderId = this.#folderOf(name);
    this.#names.get(folderId)?.set(baseOf(name), node);
    this.operations.push({ type: 'enter', folder: folderId, name: baseOf(name), node });
  }

  /** Operations that had returned before the present call began. */
  #known(): number {
    return this.#ends.findLast(({ ended }) => ended < this.#call.began)?.operations ?? 0;
  }

  #sizeOf(node: NodeId): number {
    const file = this.nodes[node];
    let size = file?.kind === 'file' ? file.bytes.length : 0;
    for (const operation of this.operations) {
      if (operation.type === 'size' && operation.node === node) size = operation.size;
      if (operation.type === 'write' && operation.node === node) {
        size = Math.max(size, operation.offset + operation.bytes.length);
      }
    }

    return size;
  }

  /** Threads share the descriptors of their process; a child has its parent's from before it was born. */
  #table(pid: number): number {
    const parent = this.#parents.get(pid);

    return parent?.shared ? this.#table(parent.pid) : pid;
  }

  #description(descriptor: string): Description | undefined {
    const number = /^\d+/.exec(descriptor)?.[0];
    for (let pid: number | undefined = this.#table(this.#call.pid); pid !== undefined; ) {
      const found = this.#descriptions.get(`${pid}:${number}`);
      if (found) return found;
      const parent = this.#parents.get(pid);
      pid = parent && this.#table(parent.pid);
    }

    return undefined;
  }

  #inside(path: string | null): string | null {
    if (path === null) return null;
    const name = relative(this.#top, path);

    return name === '..' || name.startsWith('../') || this.#ignored(name) ? null : name;
  }

  #nodeAt(path: string | null): NodeId | null {
    const name = this.#inside(path);

    return name === null ? null : this.#find(name);
  }

  #find(name: string): NodeId | null {
    let node: NodeId | undefined = TOP;
    for (const part of name === '' ? [] : name.split('/')) {
      node = node === undefined ? undefined : this.#names.get(node)?.get(part);
    }

    return node ?? null;
  }

  #folderOf(name: string): NodeId {
    const found = this.#find(dirname(name) === '.' ? '' : dirname(name));
    if (found === null) throw this.#unknown();

    return found;
  }

  #unknown(): Error {
    const { name, args } = this.#call;

    return new Error(`the model of the disk does not know ${name}(${args.map(shown).join(', ').slice(0, 300)})`);
  }
}

function absolute(name: string): string | null {
  return below(null, name);
}

/** The path of a name that counts from an open folder. */
function below(base: string | null, name: string): string | null {
  const path = bytesOf(name).toString('utf8');
  if (path.startsWith('/')) return resolve(path);
  const from = base === null ? null : pathOf(base);

  return from === null ? null : join(from, path);
}

function link(target: string): DiskNode {
  return { kind: 'link', target: bytesOf(target).toString('utf8') };
}

function vector(arg: string): Buffer {
  return Buffer.concat([...arg.matchAll(/iov_base=("[^"]*")/g)].map(([, text = '""']) => bytesOf(text)));
}

function folder(mode: string): DiskNode {
  return { kind: 'folder', entries: new Map(), mode: Number.parseInt(mode, 8) & ~UMASK };
}

function baseOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function shown(arg: string): string {
  return arg.replace(/(?:\\x[0-9a-f]{2})+/g, (hex) => Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString('latin1'));
}
