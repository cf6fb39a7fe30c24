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
  /** Steps that failed by themselves; 0 until the end. */
  failed_steps: number;
  tokens: string;
  cached: string;
  cost: string;
  cost_note: string;
  /** What it may spend, as it follows its cost; "" where it has no budget. */
  budget: string;
  unpriced: number;
  destination: string;
  trace: string | null;
  error: string | null;
  notes: string[];
  faults: number;
  empty: string;
  incomplete: boolean;
  counting: boolean;
  /** How far the batch has come, then how fast it goes and what it is heading for; empty without one. */
  items: string[];
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
  item?: number | null,
  tokens?: string | null,
  hidden?: boolean | null,
  more?: [calls: number, errors: number] | null,
  remark?: string | null,
  advice?: string | null,
  outcome?: string | null,
  tries?: [request: number, attempt: number] | null,
];

/** A row of the user's batch; `repeat` counts from 2 where its key came before. */
export type PackedItem = [number: number, key: string, status: string, repeat?: number | null, error?: string | null, more?: PackedSums];

/** The sums of an item's calls that have no rows, for they are past the cap: `retried` were repaired, `took` is in seconds. */
export type PackedSums = [
  calls: number,
  retried: number,
  took: number | null,
  input: number | null,
  output: number | null,
  usd: number | null,
  /** Index into `WORDS` of sums.js. */
  doubtful: number,
];

/** An image, a sound or a file in a message: `size` bytes, to be asked for by `id`, unless it is said why they are `missing`. */
export interface Media {
  id: string;
  kind: 'image' | 'audio' | 'file';
  /** Its MIME type, as whoever sent it says: `image/png`. */
  type: string;
  size: number;
  name: string;
  /** How closely the model is to look at it, where that was said. */
  detail: string;
  missing: string;
}

/** One message of a conversation, or what went into a step or came out; `calls` are [tool, arguments as text]. */
export interface Turn {
  side: 'in' | 'out';
  role: string;
  text: string;
  calls: [string, string][];
  media: Media[];
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

/** A tool that was offered; `schema` is JSON text of what it takes, "" where none is told. */
export interface Tool {
  name: string;
  description: string;
  schema: string;
}

/**
 * A request and its answer as they crossed the wire, without keys. Headers are [name, value]; the answer is as it came,
 * decompressed; `notes` say what is left out of them.
 */
export interface Raw {
  method: string;
  url: string;
  sent: string[][];
  body: string;
  status: number | null;
  received: string[][];
  answer: string;
  notes: string[];
}

/** A call as a text to copy: Python that sends it again, or its messages as the API takes them. */
export type CodeForm = 'python' | 'messages';

/** A message of two calls; `pieces` are [mark, text]: in both, in the earlier, in the later one alone, or a note on what is left out. */
export interface MessageDiff {
  role: string;
  state: 'same' | 'changed' | 'added' | 'removed';
  pieces: ['=' | '-' | '+' | '…', string][];
}

/** A call against an earlier one; `facts` are [name, before, now, change], `parameters` [name, before, now]. */
export interface CallDiff {
  facts: string[][];
  parameters: string[][];
  prompt: MessageDiff[];
  answer: MessageDiff[];
  notes: string[];
}

/** All about one span; `messages`, `parameters` and `tools` are null where the page has them already. */
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
  /** All that the request set beside its messages: [name, value], a list or an object as JSON text. */
  parameters: string[][] | null;
  tools: Tool[] | null;
  /** Why there is no request and answer as they crossed the wire to ask for; null where there are. */
  raw: string | null;
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
  | {
      k: 'rows';
      header: Header;
      rows: PackedRow[];
      count?: number;
      cut?: number;
      whole?: number;
      previews?: Record<string, string[]>;
      new_items?: PackedItem[];
    }
  | { k: 'previews'; previews: Record<string, string[]> }
  | { k: 'details'; items: Record<string, Detail> }
  | { k: 'grown'; grown: Record<string, string> }
  | { k: 'snapshot'; snapshot: Snapshot }
  | { k: 'end'; total: number }
  | Answer
);

/**
 * What the kernel answers to a question about a span, with `missing` where it cannot. The bytes of media are beside the
 * message, or in `data` as base64 where a host hands on none; SVG and HTML are `text` alone.
 */
export type Answer =
  | { k: 'raw'; id: string; raw: Raw | null; missing: string }
  | { k: 'media'; id: string; media: string; type: string; text: string | null; data?: string; missing: string }
  | { k: 'code'; id: string; form: CodeForm; text: string | null; missing: string }
  | {
      k: 'diff';
      id: string;
      other: string | null;
      others: [id: string, label: string][];
      chosen: string | null;
      diff: CallDiff | null;
      missing: string;
    };

/** What a page asks of a span, once. `other`: the id of the call that it is held against; null: the one that the kernel chooses. */
export type Question =
  | { k: 'raw'; id: string }
  | { k: 'media'; id: string; media: string }
  | { k: 'code'; id: string; form: CodeForm }
  | { k: 'diff'; id: string; other: string | null };

/** What a page asks of a run: what is known of it, all rows, details by span id, or a question about a span. */
export type Ask = { k: 'ask' } | { k: 'hello' } | { k: 'want'; ids: string[] } | Question;
export type FromPage = { run_id: string } & Ask;

/** Between a run's own small script and the kernel, where the kernel's widget is not in the page. */
export type AskScript = { k: 'script' };
export type TellScript = { k: 'script'; esm: string; css: string; snapshot: Snapshot };
