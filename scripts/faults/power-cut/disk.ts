// A small model of a disk: what was there, what a program did to it, and what may be left of that after a power cut.
// Nothing is durable but what a sync has covered: data by a sync of its file, names by a sync of their folder.

export type NodeId = number;

export type Operation =
  /** `node` changes from `offset` on. */
  | { readonly type: 'write'; readonly node: NodeId; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: 'size'; readonly node: NodeId; readonly size: number }
  /** What may be left of a write behind the end: the file is as long, but its data never came. */
  | { readonly type: 'grow'; readonly node: NodeId; readonly size: number }
  | { readonly type: 'enter'; readonly folder: NodeId; readonly name: string; readonly node: NodeId }
  | { readonly type: 'leave'; readonly folder: NodeId; readonly name: string }
  | {
      readonly type: 'move';
      readonly from: { readonly folder: NodeId; readonly name: string };
      readonly folder: NodeId;
      readonly name: string;
      readonly node: NodeId;
    }
  /** Covers what had returned for `node` (null: for everything) before operation `began`. */
  | { readonly type: 'sync'; readonly node: NodeId | null; readonly began: number }
  /** The program printed a line: what it says is known outside from here on. */
  | { readonly type: 'line'; readonly text: string };

export type DiskNode =
  | { readonly kind: 'file'; readonly bytes: Buffer; mode: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'folder'; readonly entries: ReadonlyMap<string, NodeId>; mode: number };

/** Files, links and folders by their number; 0 is the folder that was watched. What a program makes later starts empty. */
export type Nodes = readonly DiskNode[];

export const TOP: NodeId = 0;

/** What is left of one operation; `null`: nothing of it. */
export type Left = Operation | null;

/** Path below the top to content. */
export type Tree = ReadonlyMap<string, DiskNode>;

/** The tree after `left`, from what was there in the beginning. Nodes that no name leads to are not in it. */
export function treeOf(nodes: Nodes, left: readonly Left[]): Tree {
  const contents = nodes.map((node) => (node.kind === 'file' ? node.bytes : null));
  const entries = nodes.map((node) => (node.kind === 'folder' ? new Map(node.entries) : null));

  for (const operation of left) {
    if (operation) apply(operation, contents, entries);
  }

  const tree = new Map<string, DiskNode>();
  const walk = (id: NodeId, path: string) => {
    const node = nodes[id];
    if (!node) throw new Error(`there is no node ${id}`);
    if (node.kind === 'file') tree.set(path, { ...node, bytes: contents[id] ?? node.bytes });
    else tree.set(path, node);
    for (const [name, child] of entries[id] ?? []) walk(child, path === '' ? name : `${path}/${name}`);
  };
  walk(TOP, '');

  return tree;
}

function apply(operation: Operation, contents: (Buffer | null)[], entries: (Map<string, NodeId> | null)[]): void {
  switch (operation.type) {
    case 'write': {
      const before = contents[operation.node] ?? Buffer.alloc(0);
      const end = operation.offset + operation.bytes.length;
      // A hole that a lost write leaves reads as zeros.
      const after = Buffer.alloc(Math.max(before.length, end));
      before.copy(after);
      operation.bytes.copy(after, operation.offset);
      contents[operation.node] = after;
      break;
    }
    case 'size':
      contents[operation.node] = resized(contents[operation.node], operation.size);
      break;
    case 'grow': {
      const before = contents[operation.node];
      contents[operation.node] = resized(before, Math.max(operation.size, before?.length ?? 0));
      break;
    }
    case 'enter':
      entries[operation.folder]?.set(operation.name, operation.node);
      break;
    case 'leave':
      entries[operation.folder]?.delete(operation.name);
      break;
    case 'move':
      entries[operation.from.folder]?.delete(operation.from.name);
      entries[operation.folder]?.set(operation.name, operation.node);
      break;
    case 'sync':
    case 'line':
      break;
  }
}

function resized(before: Buffer | null | undefined, size: number): Buffer {
  const after = Buffer.alloc(size);
  before?.copy(after);

  return after;
}

/** Positions before `end` of changes that no sync has made durable. */
export function unsynced(operations: readonly Operation[], end: number): ReadonlySet<number> {
  const open = new Set<number>();

  for (const [at, operation] of operations.slice(0, end).entries()) {
    if (operation.type === 'line') continue;
    if (operation.type !== 'sync') {
      open.add(at);
      continue;
    }
    for (const earlier of open) {
      if (earlier < operation.began && covers(operation.node, operations[earlier])) open.delete(earlier);
    }
  }

  return open;
}

/** A name that moved to another folder is durable with the folder it moved to. */
function covers(synced: NodeId | null, operation: Operation | undefined): boolean {
  if (synced === null) return true;
  if (!operation || operation.type === 'sync' || operation.type === 'line') return false;

  return 'folder' in operation ? operation.folder === synced : operation.node === synced;
}
