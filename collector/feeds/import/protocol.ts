// What the thread that reads a feed and its starter tell each other. The thread works only when it is asked: what is not written yet is
// not read yet. Types only.
import type { ErrorDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { FeedRows } from '../../store/feed-ports.ts';
import type { FeedProblem } from '../feed.ts';
import type { FeedBounds } from './bounds.ts';
import type { FeedFile } from './open.ts';

export type ToThread =
  | {
      readonly type: 'open';
      readonly files: readonly FeedFile[];
      /** Null: what it is, its content says. */
      readonly feed: string | null;
      readonly bounds: FeedBounds;
    }
  /** The next rows, of about that weight; see ./pace.ts. */
  | { readonly type: 'pull'; readonly weight: number };

export type FromThread =
  | { readonly type: 'opened'; readonly feed: string; readonly sha256: Sha256 }
  | {
      readonly type: 'rows';
      readonly rows: FeedRows;
      readonly count: number;
      readonly weight: number;
      readonly bytesRead: number;
    }
  | { readonly type: 'end'; readonly summary: ReadSummary }
  | { readonly type: 'failed'; readonly error: ErrorDocument };

export interface ReadSummary {
  readonly asOf: Timestamp | null;
  readonly records: number;
  readonly skipped: number;
  readonly duplicates: number;
  readonly problems: readonly FeedProblem[];
  readonly ecosystems: readonly { readonly ecosystem: string; readonly packages: number }[];
}
