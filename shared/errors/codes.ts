// The closed list of error codes. Each says what a program may do about it (retry, stop, page a person),
// which exit code a command ends with, and the default next step for a person. It never holds text about one case.

/** What a program does on its own: try again later, stop this piece of work, or also call a person. */
export type Rule = 'retry' | 'stop' | 'page';

/** Exit codes of both commands (design: 0 ok, 1 failed, 2 usage, 3 refused by policy, 4 unreachable). */
export type ExitCode = 1 | 2 | 3 | 4;

interface CodeFacts {
  readonly rule: Rule;
  readonly exit: ExitCode;
  readonly next: string;
}

export const CODES = {
  // use of the commands
  USAGE: { rule: 'stop', exit: 2, next: 'run the command with --help' },
  SETTINGS_INVALID: { rule: 'stop', exit: 2, next: 'correct the settings file at the paths named' },
  NODE_TOO_OLD: { rule: 'stop', exit: 2, next: 'run it through npm, which brings the right Node' },
  NOT_FOUND: { rule: 'stop', exit: 1, next: 'list what exists with the matching list command' },
  ALREADY_EXISTS: { rule: 'stop', exit: 1, next: 'choose another name' },
  NOT_BUILT: { rule: 'stop', exit: 2, next: 'see the limits in the README' },
  INTERNAL: { rule: 'page', exit: 1, next: 'report it with the log lines around it' },

  // requests to the HTTP API
  REQUEST_INVALID: { rule: 'stop', exit: 2, next: 'correct the request at the paths named; see /v1/openapi.json' },
  REQUEST_TOO_LARGE: { rule: 'stop', exit: 2, next: 'send less at once' },
  SELECT_INVALID: { rule: 'stop', exit: 2, next: 'correct the text at the column shown; see: selvage help select' },

  // files, processes, time
  FILE_UNSAFE: { rule: 'page', exit: 1, next: 'look at who wrote the file named; it was not read' },
  FILE_TOO_LARGE: { rule: 'stop', exit: 1, next: 'look at what wrote the file named' },
  FILE_UNREADABLE: { rule: 'stop', exit: 1, next: 'let the user of the agent read the file named' },
  FILE_CORRUPT: { rule: 'stop', exit: 1, next: 'restore the file named from a backup or remove it' },
  FILE_UNWRITABLE: {
    rule: 'retry',
    exit: 1,
    next: 'look at the disk of the file named: a file system that became read-only has usually failed',
  },
  DISK_FULL: { rule: 'retry', exit: 1, next: 'free space on the file system named' },
  PROCESS_FAILED: { rule: 'stop', exit: 1, next: 'read the output shown and run the command by hand' },
  PROCESS_DEADLINE: { rule: 'retry', exit: 1, next: 'find out why the command named hangs' },
  PROCESS_OUTPUT_LIMIT: { rule: 'stop', exit: 1, next: 'run the command named by hand' },
  SERVICE_OFF: { rule: 'page', exit: 1, next: 'systemctl enable --now selvage-agent.target' },
  TOOL_MISSING: { rule: 'stop', exit: 1, next: 'install the program named' },
  HOST_UNSUPPORTED: {
    rule: 'stop',
    exit: 3,
    next: 'keep this machine without an agent: collect.sh there, then selvage host import FILE --name NAME',
  },

  // network
  UNREACHABLE: { rule: 'retry', exit: 4, next: 'check the address, the network and that the collector runs' },
  PROXY_REFUSED: { rule: 'retry', exit: 4, next: 'check HTTPS_PROXY, its credentials and what the proxy lets through' },
  ADDRESS_IN_USE: { rule: 'stop', exit: 1, next: 'stop the other program or choose another port' },

  // identity and enrollment
  PIN_MISMATCH: {
    rule: 'page',
    exit: 3,
    next: 'compare the pin with the one `selvage token create` printed; nothing was stored',
  },
  TOKEN_UNKNOWN: { rule: 'stop', exit: 3, next: 'ask for a new token: selvage token create --host NAME' },
  TOKEN_EXPIRED: { rule: 'stop', exit: 3, next: 'ask for a new token: selvage token create --host NAME' },
  TOKEN_USED: { rule: 'stop', exit: 3, next: 'ask for a new token: selvage token create --host NAME' },
  TOKEN_REVOKED: { rule: 'stop', exit: 3, next: 'ask for a new token: selvage token create --host NAME' },
  TOKEN_WRONG_HOST: { rule: 'page', exit: 3, next: 'use the token made for this host name' },
  TOKEN_WRONG_ADDRESS: {
    rule: 'page',
    exit: 3,
    next: 'enroll from a network that the token is for, or ask for a token for this one: selvage token create --cidr',
  },
  TOKEN_WRONG_MODE: {
    rule: 'stop',
    exit: 3,
    next: "narrow the mode in the host's own settings, or ask for a token with a wider one: selvage token create --mode",
  },
  CSR_INVALID: { rule: 'stop', exit: 1, next: 'enroll again with an unmodified agent' },
  CERTIFICATE_INVALID: { rule: 'stop', exit: 3, next: 'enroll this host again' },
  CERTIFICATE_EXPIRED: { rule: 'page', exit: 3, next: 'enroll this host again' },
  CERTIFICATE_SUPERSEDED: {
    rule: 'page',
    exit: 3,
    next: 'find out which machine renewed this identity; then an admin runs: selvage host readmit NAME',
  },
  HOST_AWAY_TOO_LONG: { rule: 'page', exit: 3, next: 'let an admin look and run: selvage host readmit NAME' },
  HOST_QUARANTINED: {
    rule: 'page',
    exit: 3,
    next: 'find out which machine is the true one (selvage host show NAME); then: selvage host readmit NAME, or revoke',
  },
  AUTHORITY_UNKNOWN: { rule: 'page', exit: 3, next: 'look at the collector: it named an authority nobody endorsed' },
  CLOCK_WRONG: { rule: 'page', exit: 1, next: 'set the clock of the machine named' },
  HOST_REVOKED: { rule: 'stop', exit: 3, next: 'ask an admin; a revoked host enrolls again with a new token' },
  HOST_PENDING: {
    rule: 'retry',
    exit: 3,
    next: 'let an admin look at this host and accept it: selvage host accept NAME',
  },
  HOST_RETIRED: {
    rule: 'stop',
    exit: 3,
    next: 'ask an admin; a machine that is still in use enrolls again with a new token',
  },
  HOST_NAME_TAKEN: {
    rule: 'page',
    exit: 3,
    next: 'another machine: enroll it with --name OTHER; the same one, installed anew: selvage token create --host NAME --replace',
  },
  NOT_ENROLLED: {
    rule: 'stop',
    exit: 1,
    next: 'enroll first: selvage-agent enroll --collector URL --pin PIN --token TOKEN',
  },
  ALREADY_ENROLLED: {
    rule: 'stop',
    exit: 1,
    next: 'remove the identity folder first if this host must be enrolled anew',
  },
  UNAUTHENTICATED: { rule: 'stop', exit: 3, next: 'log in: selvage login' },
  ADMIN_REVOKED: { rule: 'stop', exit: 3, next: 'ask another admin for a new token: selvage admin add NAME' },
  FORBIDDEN: { rule: 'stop', exit: 3, next: 'ask an admin whose role allows it' },

  // frames
  FRAME_TOO_LARGE: { rule: 'stop', exit: 1, next: 'report it; the sender does not follow the protocol' },
  FRAME_INVALID: { rule: 'stop', exit: 1, next: 'report it; the sender does not follow the protocol' },
  FRAME_UNEXPECTED: { rule: 'stop', exit: 1, next: 'report it; the sender does not follow the protocol' },
  FRAME_WRONG_HOST: { rule: 'page', exit: 3, next: 'look at the host named: it spoke for another' },
  PROTOCOL_VERSION: { rule: 'stop', exit: 1, next: 'upgrade the older side' },
  RATE_LIMITED: { rule: 'retry', exit: 4, next: 'wait for the time given' },

  // inventory and package managers
  PARSE: { rule: 'stop', exit: 1, next: 'report the line shown; the inventory is refused, not shortened' },
  PACKAGE_DATABASE_INVALID: { rule: 'page', exit: 1, next: 'repair the package database named' },
  PACKAGE_DATABASE_INTERRUPTED: { rule: 'page', exit: 1, next: 'run: dpkg --configure -a' },
  PACKAGE_MANAGER_LOCKED: { rule: 'retry', exit: 1, next: 'wait for the other package manager' },
  PACKAGE_MANAGER_FAILED: { rule: 'page', exit: 1, next: 'read the log of the run' },
  REPOSITORY_NEVER_FETCHED: { rule: 'retry', exit: 1, next: 'let the agent refresh its lists' },
  REPOSITORY_UNREACHABLE: { rule: 'retry', exit: 1, next: 'check the network, proxy or address of the repository' },
  REPOSITORY_UNSIGNED: { rule: 'page', exit: 1, next: 'remove the repository or ask its owner to sign it' },
  REPOSITORY_BAD_SIGNATURE: { rule: 'page', exit: 1, next: 'check the keyring named by Signed-By' },
  REPOSITORY_EXPIRED: {
    rule: 'page',
    exit: 1,
    next: 'ask why the mirror no longer follows the archive, or check the clock',
  },
  REPOSITORY_NOT_ENTITLED: { rule: 'page', exit: 1, next: 'check the subscription or credentials of the repository' },
  REPOSITORY_GONE: { rule: 'page', exit: 1, next: 'remove the repository: the archive no longer serves it' },
  REPOSITORY_OLD: { rule: 'retry', exit: 1, next: 'let the agent refresh its lists' },
  REPOSITORY_ROLLED_BACK: { rule: 'page', exit: 3, next: 'look at who serves an older index than was seen before' },
  BYTE_BUDGET: { rule: 'retry', exit: 1, next: 'raise lists.byteBudget in the settings' },

  // signed policy
  DOCUMENT_INVALID: { rule: 'stop', exit: 2, next: 'correct the document at the paths named' },
  DOCUMENT_REFERENCE: { rule: 'stop', exit: 2, next: 'push the document it refers to first, or in the same file' },
  DOCUMENT_NOT_SUPPORTED: { rule: 'stop', exit: 2, next: 'leave the field out; see the limits in the README' },
  POLICY_SIGNATURES: { rule: 'page', exit: 3, next: 'let enough admins with distinct keys sign' },
  POLICY_EXPIRED: { rule: 'page', exit: 3, next: 'sign again: selvage policy renew' },
  POLICY_ROLLED_BACK: {
    rule: 'page',
    exit: 3,
    next: 'look at the collector: it serves older policy than was seen; after a restore: selvage policy recover',
  },
  POLICY_INVALID: { rule: 'page', exit: 3, next: 'look at the collector: it serves policy that does not verify' },
  POLICY_CONFLICT: { rule: 'stop', exit: 1, next: 'fetch the current policy and push again' },
  POLICY_NONE: { rule: 'stop', exit: 3, next: 'push a policy that selects this host: selvage policy push FILE' },
  POLICY_FORBIDS: {
    rule: 'stop',
    exit: 3,
    next: 'change what the policy lets in (allow.from), or decide it for another policy',
  },
  AGENTS_TOO_OLD: {
    rule: 'stop',
    exit: 3,
    next: "upgrade their agents first (selvage host list --select 'cannot-read=*'), or leave them behind with --accept-unread",
  },
  KEY_UNUSABLE: { rule: 'stop', exit: 2, next: 'check the key file and its permissions' },

  // planning and running
  MODE_FORBIDS: { rule: 'stop', exit: 3, next: "change the mode in the host's own settings if it may install" },
  WINDOW_CLOSED: { rule: 'retry', exit: 3, next: 'wait for the window named' },
  NOT_YET_DUE: { rule: 'retry', exit: 3, next: 'wait for the time named' },
  APPROVAL_EXPIRED: { rule: 'stop', exit: 3, next: 'approve the fix again: selvage fix approve' },
  ACT_UNTIL_PASSED: { rule: 'retry', exit: 3, next: 'let the host reach its collector; it needs fresh policy' },
  OTHER_UPDATER_ACTIVE: { rule: 'stop', exit: 3, next: 'on the host, as root: selvage-agent takeover' },
  HELD: { rule: 'stop', exit: 3, next: 'remove the hold or leave the package out of the approval' },
  PLAN_CHANGED: {
    rule: 'page',
    exit: 3,
    next: 'approve the transaction shown, or wait until the archive agrees with the approval',
  },
  NOT_FETCHED: { rule: 'retry', exit: 1, next: 'let the fetcher bring the packages named' },
  MIRROR_REFUSED: { rule: 'page', exit: 3, next: 'look at who changed the mirror folder; nothing was installed' },
  NO_CANDIDATE: { rule: 'stop', exit: 1, next: 'check that the archive still serves the approved version' },
  NO_SPACE: { rule: 'stop', exit: 1, next: 'free space on the file system named' },
  STATE: { rule: 'page', exit: 1, next: 'report it; the state machine was asked for a step it does not allow' },
  JOURNAL_INVALID: { rule: 'page', exit: 1, next: 'look at the journal named and at the package database' },
  VERIFY_FAILED: { rule: 'page', exit: 1, next: 'look at the host: the approved version is not what is installed' },
  RESULT_SIGNATURE: { rule: 'page', exit: 3, next: 'look at the host named: a result was not signed by its runner' },

  // files that admins bring to the collector
  IMPORT_INVALID: { rule: 'stop', exit: 2, next: 'run collect.sh on the machine again and import the file it wrote' },
  VEX_INVALID: { rule: 'stop', exit: 2, next: 'correct the document at the paths named, or ask its author' },
  SCAN_REPORT_INVALID: {
    rule: 'stop',
    exit: 2,
    next: 'export the report again from the scanner, as one of the formats of: selvage finding compare --help',
  },
  ASSETS_INVALID: { rule: 'stop', exit: 2, next: 'correct the list at the lines named; nothing was imported' },
  SCAN_INVALID: { rule: 'stop', exit: 2, next: 'see what can be scanned: selvage scan --help' },
  SCAN_REACHED: { rule: 'stop', exit: 1, next: 'install the fixed versions shown, or ask for less with --fail-on' },
  VERSION_INVALID: { rule: 'stop', exit: 1, next: 'correct the line named; the lines before it were answered' },

  // what others publish about vulnerabilities
  FEED_INVALID: { rule: 'stop', exit: 1, next: 'look at where the data comes from; the copy from before still counts' },
  FEED_SHRUNK: {
    rule: 'page',
    exit: 3,
    next: 'look at the source; if it is right, take it: selvage feed update NAME --accept-shrunk (or import)',
  },
  FEED_UNAVAILABLE: {
    rule: 'retry',
    exit: 4,
    next: 'try later, set another address (feeds.sources in the settings), or bring a file: selvage feed import FILE',
  },

  // collector
  STORE_FAILED: { rule: 'page', exit: 1, next: 'look at the database and its disk' },
  STORE_BUSY: { rule: 'retry', exit: 1, next: 'end the other program that holds the database' },
  STORE_CORRUPT: { rule: 'page', exit: 1, next: 'restore the last backup: selvage restore FOLDER' },
  BACKUP_INVALID: { rule: 'stop', exit: 1, next: 'choose another backup; nothing was changed' },
  STORE_NEWER: {
    rule: 'stop',
    exit: 1,
    next: 'run the newer collector, or restore what it kept in before-upgrade beside the settings: selvage restore FOLDER',
  },
  AUDIT_BROKEN: {
    rule: 'page',
    exit: 1,
    next: 'compare with the last exported ledger; someone changed or lost entries',
  },
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof CODES;

/** True when `value` is one of the closed codes (for codes that came from outside). */
export function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(CODES, value);
}
