// @ts-check
/** The line above the tree: what the run is, its sums, and the tools. */
import { Component, Copy, html } from './dom.js';
import { clock, commas, seconds, visible } from './format.js';
import { BAD, STOPPED } from './rows.js';

/** @type {Record<string, string>} */
export const MARKS = { ok: '✓', error: '✕', interrupted: '◼', cancelled: '◼', abandoned: '◌', lost: '?', over_budget: '◼', killed: '✕' };
const PATIENCE = 3000; // ms after which a Stop that the cell has survived may be pressed again

/** @typedef {import('./protocol.js').Header} Header */

const many = (/** @type {number} */ n, one = '', all = one) => (n ? `${commas(n)} ${n === 1 ? one : all}` : '');

/** Whether it ended, and nothing in it failed. @param {Header} header */
export const wentWell = ({ status, errors, failed_steps }) => status === 'ok' && !errors && !failed_steps;

/** What the head says of a run, as texts: [text, dim text after it]. @param {Header} header @param {boolean} running */
export function sumsOf(header, running) {
  const known = !running && !header.counting;
  return {
    'items-total': [visible(header.items?.[0] ?? ''), ''],
    calls: [
      many(header.calls, 'call', 'calls'),
      [many(header.errors, 'failed'), many(header.retries, 'retried'), many(header.failed_steps, 'step failed', 'steps failed')]
        .filter(Boolean)
        .join(' · '),
    ],
    'tokens-total': [header.tokens ? `${header.tokens} tokens` : '', header.cached],
    cost: [header.cost, [header.budget, known || running ? header.cost_note : '…'].filter(Boolean).join(' · ')],
  };
}

/** @param {any} props `view`: what the reader has chosen, `run`: what is known */
export const Head = ({ run, folded, empty, finds, side, onFind, onSide }) => {
  const { header, running } = run,
    name = visible(header.name),
    known = !running && !header.counting,
    hideClock = known && empty;
  const reason = visible((!running && header.error) || (empty ? header.empty : ''));
  const isLocal = !header.trace && header.destination !== '',
    trace = header.trace ?? '';
  const sums = Object.entries(sumsOf(header, running));
  return html`
    <span class="tools">
      <span class=${`where dim ${isLocal ? 'local' : ''}`} hidden=${hideClock || (folded && !running)}>${trace ? `${header.destination} ${trace.slice(0, 8)}` : header.destination}</span>
      <${Copy} text=${() => trace} what="the trace id" hidden=${!trace || folded} />
      <${Tool} name="act find" hidden=${folded || empty} pressed=${finds} onClick=${onFind}>find<//>
      <${Tool} name="act" hidden=${folded || empty} pressed=${side === 'models'} onClick=${() => onSide('models')}>models<//>
      <${Tool} name="act" hidden=${folded || !run.items.size} pressed=${side === 'items'} onClick=${() => onSide('items')}>items<//>
      <${Stop} run=${run} hidden=${!(running && run.interrupt)} />
      <button class="fold" hidden=${empty} aria-expanded=${String(!folded)} aria-label=${`${name}: ${folded ? 'open' : 'fold'}`}>${folded ? '▸' : '▾'}</button>
    </span>
    <${Mark} header=${header} running=${running} known=${known} />
    <span class="title" dir="auto" title=${name}>${name}</span>
    <span class="clock dim" hidden=${hideClock}>${running ? clock(run.now) : seconds(run.now)}</span>
    <span class="sums">
      ${sums.map(([part, [text, dim]]) => html`<span key=${part} class=${part} hidden=${!text && !dim}>${text}${dim && html`${text && ' '}<span class="dim">${dim}</span>`}</span>`)}
      <span class=${`reason dim ${!running && header.error ? 'failed' : ''}`} hidden=${!reason}>${reason}</span>
    </span>`;
};

/** @param {{header: Header, running: boolean, known: boolean}} props */
const Mark = ({ header, running, known }) => {
  const { status } = header,
    state = BAD.includes(status) ? 'failed' : STOPPED.includes(status) ? 'stopped' : '';
  if (running) return html`<span class="mark running"><span class="dot"></span><span class="said">running</span></span>`;
  const nothing = status === 'ok' && !header.calls && header.empty && known;
  return html`<span class=${`mark ${state}`}>${nothing ? '○' : status === 'ok' ? '✓' : `${MARKS[status] ?? '?'} ${status.replace('_', ' ')}`}</span>`;
};

/** A button that is pressed while what it shows is there. @param {any} props */
export const Tool = ({ name, hidden, pressed, onClick, children }) => {
  const act = (/** @type {Event} */ event) => {
    event.stopPropagation();
    onClick();
  };
  return html`<button class=${name} hidden=${!!hidden} aria-pressed=${String(!!pressed)} onClick=${act}>${children}</button>`;
};

/**
 * The button that interrupts the cell.
 * @extends {Component<{run: any, hidden: boolean}, {stopping: boolean}>}
 */
class Stop extends Component {
  /** @override */
  state = { stopping: false };

  onClick = (/** @type {Event} */ event) => {
    event.stopPropagation();
    if (this.state.stopping) return;
    const ready = () => this.setState({ stopping: false });
    this.setState({ stopping: true });
    setTimeout(ready, PATIENCE);
    Promise.resolve(this.props.run.interrupt?.()).catch(ready);
  };

  /** @override */
  render() {
    const { stopping } = this.state;
    // A disabled one would lose the keyboard.
    return html`<button class="stop" hidden=${this.props.hidden} aria-disabled=${String(stopping)} onClick=${this.onClick}>${stopping ? 'stopping…' : 'Stop'}</button>`;
  }
}
