// @ts-check
/**
 * What one does with a call: copy it, or hold it against another call.
 *
 * @typedef {import('./store.js').Run} Run
 * @typedef {import('./protocol.js').CodeForm} CodeForm
 */
import { Diff } from './diff.js';
import { Component, copy, html } from './dom.js';
import { visible } from './format.js';

const FORMS = /** @type {[CodeForm, string][]} */ ([
  ['python', 'as Python'],
  ['messages', 'messages as JSON'],
]);
const CALLS = ['model', 'embedding']; // the kinds of rows that are calls

/**
 * The buttons above what a call said; its children are shown while it is held against no other.
 * @extends {Component<{id: string, run: Run, children: any}, {form: CodeForm|null, said: string, box: string|null, compares: boolean}>}
 */
export class CallBar extends Component {
  /** @override */
  state = { form: null, said: '', box: null, compares: false };

  /** The kernel makes the text, which is copied once it is here. @param {CodeForm} form */
  want(form) {
    const { id, run } = this.props;
    run.askAnew({ k: 'code', id, form });
    this.setState({ form, said: run.missing, box: null });
  }

  /** @override */
  componentDidUpdate() {
    const { id, run } = this.props,
      { form } = this.state,
      answer = form && /** @type {any} */ (run.answered({ k: 'code', id, form }));
    if (!answer) return;
    this.setState({ form: null });
    this.deliver(answer);
  }

  /** @param {{text: string|null, missing: string}} answer */
  async deliver({ text, missing }) {
    const copied = text != null && (await copy(text));
    if (text == null || copied) this.setState({ said: copied ? 'copied' : visible(missing) });
    else this.setState({ said: 'not copied: take it from here', box: text });
  }

  /** What the page may not copy by itself is marked for the reader. @param {HTMLTextAreaElement|null} at */
  mark(at) {
    at?.focus({ preventScroll: true });
    at?.select();
  }

  /** @override */
  render() {
    const { id, run, children } = this.props,
      { said, box, compares } = this.state;
    if (!CALLS.includes(run.rows.get(id)?.kind ?? '')) return children;
    return html`
      <div class="call-bar">
        ${FORMS.map(([form, name]) => html`<button class="act" key=${form} onClick=${() => this.want(form)}>copy ${name}</button>`)}
        <button class="act" aria-pressed=${compares} onClick=${() => this.setState({ compares: !compares })}>compare</button>
        <span class="dim" role="status">${said}</span>
      </div>
      ${box != null && html`<textarea readonly rows="8" aria-label="text to copy" ref=${this.mark} value=${box} />`}
      ${compares ? html`<${Diff} id=${id} run=${run} />` : children}`;
  }
}
