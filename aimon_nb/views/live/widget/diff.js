// @ts-check
/** A call held against another one of its caller: numbers, parameters, prompt and answer. */
import { Component, html, Table } from './dom.js';
import { visible } from './format.js';

const STATES = { same: 'the same', changed: 'changed', added: 'only in this call', removed: 'only in the other call' };

/** @extends {Component<{id: string, run: import('./store.js').Run}, {other: string|null}>} */
export class Diff extends Component {
  /** @override */
  state = { other: null };

  /** @override */
  componentDidMount() {
    this.ask(null);
  }

  /** @param {string|null} other */
  ask(other) {
    const { id, run } = this.props;
    run.askAnew({ k: 'diff', id, other });
    this.setState({ other });
  }

  /** @override */
  render() {
    const { id, run } = this.props,
      answer = /** @type {any} */ (run.answered({ k: 'diff', id, other: this.state.other }));
    if (!answer?.diff) return html`<div class="dim">${answer ? visible(answer.missing) : run.missing}</div>`;
    const options = answer.others.map(
      (/** @type {[string, string]} */ [one, label]) =>
        html`<option key=${one} value=${one} selected=${one === answer.chosen}>${visible(label)}</option>`,
    );
    return html`<div class="diff">
      <label>with <select onChange=${(/** @type {any} */ event) => this.ask(event.currentTarget.value)}>${options}</select></label>
      <${Differences} diff=${answer.diff} />
    </div>`;
  }
}

/** @param {{diff: import('./protocol.js').CallDiff}} props */
const Differences = ({ diff: { facts, parameters, prompt, answer, notes } }) => {
  const same = facts.filter(([, before, now]) => before === now),
    lines = [...facts.filter((one) => !same.includes(one)).map(line('unknown')), ...parameters.map(line('not set'))];
  return html`
  ${lines.length > 0 && html`<${Table} name="sides" label="numbers and parameters that differ" lines=${[HEADS, ...lines]} />`}
  ${same.length > 0 && html`<div class="small">the same: ${visible(same.map(([name, value]) => `${name} ${value}`).join(' · '))}</div>`}
  ${prompt.map((one) => html`<${Message} message=${one} side="in" />`)}
  ${answer.map((one) => html`<${Message} message=${one} side="out" />`)}
  ${notes.map((note) => html`<div class="small">${visible(note)}</div>`)}`;
};

const HEADS = ['what', 'other call', 'this call', 'change'];

/** Both values where they differ, and by how much. @param {string} none what is said where there is none */
const line =
  (none) =>
  (/** @type {string[]} */ [name, before, now, change = '']) => {
    const [a, b, by] = [before, now, change].map(visible);
    return [visible(name), a ? html`<del>${a}</del>` : none, b ? html`<ins>${b}</ins>` : none, by];
  };

/** @param {{message: import('./protocol.js').MessageDiff, side: string}} props */
const Message = ({ message: { role, state, pieces }, side }) => html`<div class=${`turn ${side}`}>
  ${role && html`<div class="who">${visible(role)} · ${STATES[state]}</div>`}
  <div class=${`text ${state}`} dir="auto">${pieces.map(([mark, text]) => html`<${TAGS[mark]} class=${mark === '…' ? 'dim' : ''}>${visible(text)}<//>`)}</div>
</div>`;

// What only one of them has is marked by a sign and a line, not by its colour alone.
const TAGS = { '=': 'span', '-': 'del', '+': 'ins', '…': 'div' };
