// What strace printed, as system calls in the order in which they returned. It understands exactly the options that
// ./record.ts gives (`-f -yy -xx`): every string is hexadecimal, so that no byte of a name or of data can look like syntax.
//
// strace 6.1, verbatim:
//   19516 openat(AT_FDCWD<\x2f\x74>, "\x2f\x74\x6d", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 21<\x2f\x74\x6d>
//   19506 write(1<\x70\x69\x70\x65>, "\x68\x65\x6c\x6c\x6f\x0a", 6 <unfinished ...>
//   19506 <... write resumed>)              = 6
//   19513 mkdir("\x2f\x74\x6d\x70", 0777) = -1 ENOENT (No such file or directory)

export interface Call {
  readonly pid: number;
  readonly name: string;
  /** As printed, without spaces around. */
  readonly args: readonly string[];
  /** What it returned; calls that failed are left out. */
  readonly result: number;
  /** Position of its begin among all begins and ends; calls of several threads overlap. */
  readonly began: number;
  readonly ended: number;
}

const LINE = /^(\d+) +(.*)$/;
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/;
const UNFINISHED = ' <unfinished ...>';
const WHOLE = /^(\w+)\((.*)\)\s+= (-?\d+)/s;

/** Throws an Error for a line that is not understood: a write that is not seen would be a cut that is not tried. */
export function parseCalls(text: string): readonly Call[] {
  const open = new Map<number, { readonly text: string; readonly began: number }>();
  const calls: Call[] = [];

  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const [, digits, body] = LINE.exec(line) ?? [];
    if (digits === undefined || body === undefined) throw notUnderstood(line);
    const pid = Number(digits);
    // A signal, or the end of a process.
    if (body.startsWith('+++ ') || body.startsWith('--- ')) continue;

    if (body.endsWith(UNFINISHED)) {
      open.set(pid, { text: body.slice(0, -UNFINISHED.length), began: at });
      continue;
    }
    const rest = RESUMED.exec(body)?.[1];
    const begun = rest === undefined ? undefined : open.get(pid);
    if (rest !== undefined && !begun) throw notUnderstood(line);
    open.delete(pid);
    const whole = begun ? begun.text + rest : body;
    // The process ended inside it: whether it had an effect is unknown, and nobody was told that it had.
    if (/ = \?( |$)/.test(whole)) continue;

    const [, name, args, result] = WHOLE.exec(whole) ?? [];
    if (name === undefined || args === undefined) throw notUnderstood(whole);
    if (Number(result) < 0) continue;
    calls.push({ pid, name, args: split(args), result: Number(result), began: begun?.began ?? at, ended: at });
  }

  return calls;
}

/** The bytes of `"\x68\x65"`. */
export function bytesOf(arg: string): Buffer {
  const text = /^"((?:\\x[0-9a-f]{2})*)"$/.exec(arg)?.[1];
  if (text === undefined) throw notUnderstood(arg);

  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

/** The path that `-yy` shows for a descriptor: `21<\x2f\x74>`; null for none, a pipe, a socket or a file that is gone. */
export function pathOf(arg: string): string | null {
  const [, shown, after] = /^(?:-?\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>(.*)$/.exec(arg) ?? [];
  if (shown === undefined || after?.includes('deleted')) return null;
  const path = Buffer.from(shown.replaceAll('\\x', ''), 'hex').toString('utf8');

  return path.startsWith('/') && !path.endsWith(' (deleted)') ? path : null;
}

/** Arguments at the outermost commas. */
function split(args: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;

  for (let at = 0; at < args.length; at++) {
    const character = args[at];
    if (character === '{' || character === '[' || character === '(') depth++;
    if (character === '}' || character === ']' || character === ')') depth--;
    if (character !== ',' || depth > 0) continue;
    parts.push(args.slice(start, at).trim());
    start = at + 1;
  }

  return [...parts, args.slice(start).trim()];
}

function notUnderstood(text: string): Error {
  return new Error(`a line of strace is not understood: ${text.slice(0, 300)}`);
}
