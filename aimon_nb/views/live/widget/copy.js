// @ts-check
/**
 * What one does with a call: copy it, or hold it against another call.
 *
 * @typedef {import('./store.js').Run} Run
 * @typedef {import('./protocol.js').CodeForm} CodeForm
 */
import { copy, html } from './dom.js';
import { visible } from './format.js';

const FORMS = /** @type {[CodeForm, string][]} */ ([
  ['python', 'as Python'],
  ['messages', 'messages as JSON'],
]);
const CALLS = ['model', 'embedding']; // the kinds of rows that are calls

/** What is done with the selected call: forgotten when another row is selected. */
export class Acts {
  /** @param {() => void} changed draws it anew */
  constructor(changed) {
    this.changed = changed;
    /** @type {Run|null} */ this.run = null;
    this.show(null, null);
  }

  /** The row that is selected now; a text that the kernel has made is copied once it is here. @param {Run|null} run @param {string|null} id */
  show(run, id) {
    if (run !== this.run || id !== this.id) {
      /** @type {CodeForm|null} */ this.form = null;
      /** @type {string|null} */ this.box = null;
      this.said = '';
      this.compares = false;
    }
    this.run = run;
    this.id = id;
    const answer = run && id && this.form && /** @type {any} */ (run.answered({ k: 'code', id, form: this.form }));
    if (!answer) return;
    this.form = null;
    this.deliver(answer, id);
  }

  /** Whether it is a call: of what is none nothing can be done. */
  get any() {
    return CALLS.includes(this.run?.rows.get(this.id ?? '')?.kind ?? '');
  }

  /** The kernel makes the text. @param {CodeForm} form */
  want(form) {
    const { run, id } = this;
    if (!run || !id) return;
    this.form = form;
    this.box = null;
    run.askAnew({ k: 'code', id, form });
    this.said = run.missing;
    this.changed();
  }

  /** @param {{text: string|null, missing: string}} answer @param {string} id */
  async deliver({ text, missing }, id) {
    const copied = text != null && (await copy(text));
    if (id !== this.id) return;
    this.box = copied ? null : text;
    this.said = copied ? 'copied' : text == null ? visible(missing) : 'not copied: take it from here';
    this.changed();
  }

  compare() {
    this.compares = !this.compares;
    this.changed();
  }
}

/** Its buttons, and what came of them. @param {{acts: Acts}} props */
export const ActButtons = ({ acts }) => html`<span class="acts">
  ${FORMS.map(([form, name]) => html`<button class="act" key=${form} onClick=${() => acts.want(form)}>copy ${name}</button>`)}
  <button class="act" aria-pressed=${acts.compares} onClick=${() => acts.compare()}>compare</button>
  <span class="dim" role="status">${acts.said}</span>
</span>`;

/** What the page may not copy by itself is marked for the reader. @param {HTMLTextAreaElement|null} at */
const mark = (at) => {
  at?.focus({ preventScroll: true });
  at?.select();
};

/** The text that could not be copied. @param {{acts: Acts}} props */
export const CopyBox = ({ acts: { box } }) => box != null && html`<textarea readonly rows="8" aria-label="text to copy" ref=${mark} value=${box} />`;
