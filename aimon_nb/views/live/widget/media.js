// @ts-check
/** Images, sounds and files of a message, from bytes that the kernel sends when they are to be seen. What may hold a script is shown as its source. */
import { Component, html } from './dom.js';
import { size, visible } from './format.js';
import { questionOf } from './store.js';
import { TextBlock } from './text_block.js';

/** @typedef {{run: import('./store.js').Run, id: string, one: import('./protocol.js').Media, news: number}} Props */

const UNASKED = 1_000_000; // bytes of an image that is shown without a click
const SEEN = /^image\/(png|jpe?g|gif|webp|avif|bmp)$/;
const HEARD = /^audio\/[\w.+-]+$/;
const LINES = 10; // of a source shown at first

/** The bytes of an answer. @param {any} answer */
const bytesOf = ({ bytes, data, text }) => text ?? bytes ?? Uint8Array.from(atob(data ?? ''), (c) => c.charCodeAt(0));

/** A name that a file can have. @param {import('./protocol.js').Media} one */
const fileName = ({ name, kind }) => name.replace(/[^\w.-]+/g, '_').replace(/^[._]+/, '').slice(-80) || kind; // biome-ignore format: one line

/** @extends {Component<Props, {asked: boolean, large: boolean, broken: boolean}>} */
export class MediaBox extends Component {
  /** @override */
  state = { asked: this.props.one.kind === 'image' && this.props.one.size <= UNASKED, large: false, broken: false };
  url = '';

  get question() {
    return /** @type {import('./protocol.js').Question} */ ({ k: 'media', id: this.props.id, media: this.props.one.id });
  }

  /** @override */
  componentWillUnmount() {
    if (!this.url) return;
    URL.revokeObjectURL(this.url);
    this.props.run.answers.delete(questionOf(this.question)); // the page keeps no bytes that nobody looks at
  }

  /** @override */
  render() {
    const { run, one } = this.props,
      { asked } = this.state,
      { kind, type, name, detail } = one,
      answer = asked && !one.missing ? /** @type {any} */ (run.answerTo(this.question)) : undefined,
      has = answer && !answer.missing,
      why = one.missing || answer?.missing || (asked && !answer ? run.missing : '');
    const said = [visible(name), visible(type) || kind, one.size ? size(one.size) : '', detail && `detail ${visible(detail)}`, visible(why)];
    return html`<div class="media">
      <span class="small">${said.filter(Boolean).join(' · ')}</span>
      ${!asked && !one.missing && html`<button class="more" onClick=${() => this.setState({ asked: true })}>show</button>`}
      ${has && this.drawn(answer)}
    </div>`;
  }

  /** @param {any} answer */
  drawn(answer) {
    const { one } = this.props,
      { large, broken } = this.state,
      isSeen = SEEN.test(answer.type),
      // A page that opens anything else as what it says it is might run it.
      type = isSeen || HEARD.test(answer.type) ? answer.type : 'application/octet-stream';
    this.url ||= URL.createObjectURL(new Blob([bytesOf(answer)], { type }));
    const label = visible(one.name || one.type || one.kind);
    return html`
      ${broken && html`<span class="small">it is no image that this browser can show</span> `}
      <a class="more" href=${this.url} download=${fileName(one)} aria-label=${`save ${label}`}>save</a>
      ${answer.text != null && html`<${TextBlock} text=${answer.text} what=${label} lines=${LINES} form="" />`}
      ${isSeen && !broken && html`<button class="thumb" aria-label=${`${label}, ${large ? 'smaller' : 'larger'}`} onClick=${() => this.setState({ large: !large })}><img class=${large ? 'large' : ''} src=${this.url} alt="" onError=${() => this.setState({ broken: true })} /></button>`}
      ${HEARD.test(answer.type) && html`<audio controls src=${this.url} aria-label=${label}></audio>`}`;
  }
}
