/**
 * What the kernel and the page tell each other: custom messages of a widget, each with the id of its run.
 * Python's side is in messages.py, kernel_widget.py and views/present; tests/views/protocol.ts holds both to this.
 */

/** What stands above the tree; `started` is in epoch milliseconds, `elapsed` and `dur` in seconds. */
export interface Header {
  run_id: string;
  name: string;
  status: string;
  started: number;
  elapsed: number;
  dur: number | null;
  calls: number;
  errors: number;
  retries: number;
  tokens: string;
  cached: string;
  cost: string;
  cost_note: string;
  unpriced: number;
  destination: string;
  trace: string | null;
  error: string | null;
  notes: string[];
  faults: number;
  empty: string;
  incomplete: boolean;
  counting: boolean;
  progress: number | null;
}

/** A row's values in the order of `FIELDS` in rows.py; what is null at the end is left off. */
export type PackedRow = [
  id: string,
  parent: string | null,
  kind: string,
  name: string,
  label: string,
  status: string,
  start: number | null,
  dur: number | null,
  counts?: boolean | null,
  cost?: string | null,
  streaming?: boolean | null,
  input?: number | null,
  output?: number | null,
  usd?: number | null,
  cost_state?: string | null,
  model?: string | null,
  error?: string | null,
  retried?: boolean | null,
  ttft?: number | null,
  heard?: number | null,
  item?: string | null,
  tokens?: string | null,
  hidden?: boolean | null,
  more?: [calls: number, errors: number] | null,
  remark?: string | null,
  advice?: string | null,
  outcome?: string | null,
  tries?: [request: number, attempt: number] | null,
];

/** One message of a conversation, or what went into a step or came out; `calls` are [tool, arguments as text]. */
export interface Turn {
  side: 'in' | 'out';
  role: string;
  text: string;
  calls: [string, string][];
  /** The page's own: its text comes bit by bit. */
  grows?: boolean;
}

/** One frame of a traceback; `code` is its source line. */
export interface Frame {
  place: string;
  code: string;
  library: boolean;
}

/** The arithmetic of one call's cost; `parts` are [kind, tokens, rate, dollars]. */
export interface CostDetail {
  state: string;
  parts: string[][];
  model: string;
  total: string;
  reason: string | null;
  source: string | null;
  assumptions: string[];
}

/** All about one span; `messages` are null where the page has them already. */
export interface Detail {
  id: string;
  op: string;
  messages: Turn[] | null;
  nothing: string;
  usage: string[][];
  cost: CostDetail | null;
  error: string | null;
  frames: Frame[];
  ending: string;
  facts: string[][];
  more: string[][];
  parameters: string[][];
  tools: string[];
  attributes: string[][];
}

/** A run as far as it fits, and how many messages of rows there were; an empty one says nothing. */
export interface Snapshot {
  header: Header;
  rows: PackedRow[];
  cut: number;
  count: number;
}

/** What the kernel tells of a run. `count`: the number of this message of rows; `whole`: how many there were when all were told. */
export type ToPage = { run_id: string } & (
  | { k: 'rows'; header: Header; rows: PackedRow[]; count?: number; cut?: number; whole?: number }
  | { k: 'details'; items: Record<string, Detail> }
  | { k: 'grown'; grown: Record<string, string> }
  | { k: 'snapshot'; snapshot: Snapshot }
  | { k: 'end'; total: number }
);

/** What a page asks of a run: what is known of it, all rows, details by span id. */
export type Ask = { k: 'ask' } | { k: 'hello' } | { k: 'want'; ids: string[] };
export type FromPage = { run_id: string } & Ask;

/** Between a run's own small script and the kernel, where the kernel's widget is not in the page. */
export type AskScript = { k: 'script' };
export type TellScript = { k: 'script'; esm: string; css: string; snapshot: Snapshot };
