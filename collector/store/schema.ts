// Tables as kysely sees them: one interface per table, columns named as the fields of the records in ./ports.ts.
// Types only; the SQL that makes the tables is in ./migrations.ts and what a row may hold is in each table's own file.
import type { Generated } from 'kysely';

export interface HostTable {
  /** Order of enrollment; text of instants does not sort (fractions are optional). */
  readonly serial: Generated<number>;
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly mode: string;
  readonly machineId: string;
  readonly enrolledAt: string;
  readonly revokedAt: string | null;
  readonly certificate: string;
  readonly certificateExpires: string;
  readonly runnerKey: string;
  readonly agentVersion: string | null;
  readonly lastSeen: string | null;
  readonly key: string | null;
  readonly authority: string | null;
  /** All five or none. */
  readonly nextCertificate: string | null;
  readonly nextExpires: string | null;
  readonly nextKey: string | null;
  readonly nextAuthority: string | null;
  readonly nextPem: string | null;
  /** JSON: a list of hashes. */
  readonly authorities: Generated<string>;
  /** JSON of the records of the same names. */
  readonly quarantine: string | null;
  readonly readmit: string | null;
  readonly settledAt: string | null;
  readonly knock: string | null;
  readonly lastAddress: string | null;
  readonly clockSkewMs: number | null;
  /** JSON: a list of words. */
  readonly understands: string | null;
  readonly acceptedAt: string | null;
  readonly retiredAt: string | null;
  readonly owner: string | null;
  /** JSON: name → values. */
  readonly labels: Generated<string>;
  readonly token: string | null;
  readonly replaces: string | null;
}

export interface TokenTable {
  readonly serial: Generated<number>;
  readonly id: string;
  readonly kind: string;
  readonly secretHash: string;
  readonly boundTo: string | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly usedAt: string | null;
  readonly usedByKey: string | null;
  readonly usedFor: string | null;
  readonly uses: Generated<number>;
  readonly cidr: string | null;
  /** JSON: name → values. */
  readonly labels: Generated<string>;
  readonly mode: string | null;
  /** 0 or 1. */
  readonly replaces: Generated<number>;
}

export interface TokenUseTable {
  readonly token: string;
  readonly key: string;
  readonly host: string;
  readonly at: string;
}

export interface AdminTable {
  readonly serial: Generated<number>;
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly certificate: string;
  readonly certificateExpires: string;
  readonly keyId: string | null;
  readonly addedAt: string;
  readonly revokedAt: string | null;
  readonly nextCertificate: string | null;
  readonly nextExpires: string | null;
}

export interface StreamTable {
  readonly host: string;
  readonly stream: string;
  /** 64-bit: written as bigint, read as text (a JavaScript number would round it). */
  readonly sequence: bigint;
}

export interface SectionTable {
  readonly host: string;
  readonly name: string;
  readonly sha256: string;
  readonly zstdJson: Uint8Array;
}

export interface ReportTable {
  readonly host: string;
  readonly takenAt: string;
}

export interface ReportSectionTable {
  readonly host: string;
  readonly name: string;
  readonly sha256: string | null;
  readonly problemCode: string | null;
  readonly problemReason: string | null;
}

export interface ResultTable {
  readonly serial: Generated<number>;
  readonly host: string;
  readonly number: number;
  readonly payloadSha256: string;
  readonly receivedAt: string;
  readonly approval: string;
  readonly result: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export interface PolicyFileTable {
  readonly serial: Generated<number>;
  readonly name: string;
  readonly sha256: string;
  readonly content: Uint8Array;
}

export interface AuditTable {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: string;
  readonly previous: string;
  readonly hash: string;
}

export interface MigrationTable {
  readonly version: number;
  readonly name: string;
  readonly appliedAt: string;
}

export interface Tables {
  readonly hosts: HostTable;
  readonly tokens: TokenTable;
  readonly tokenUses: TokenUseTable;
  readonly admins: AdminTable;
  readonly streams: StreamTable;
  readonly sections: SectionTable;
  readonly reports: ReportTable;
  readonly reportSections: ReportSectionTable;
  readonly results: ResultTable;
  readonly policyFiles: PolicyFileTable;
  readonly audit: AuditTable;
  readonly migrations: MigrationTable;
}
