// @ts-check
/** Parts that texts of any length are shown by. */
import { html } from './dom.js';
import { commas, visible } from './format.js';

/** One laid-out piece of a text. @param {{text: string}} props */
export const Piece = ({ text }) => html`<div class="text" dir="auto">${visible(text)}</div>`;

/** @param {{text: string, what: string, lines?: number, onClick: () => void}} props */
export const ShowAll = ({ text, what, lines, onClick }) =>
  html`<button class="more" aria-label=${`show all of ${visible(what)}`} onClick=${onClick}>
    ${lines ? `${commas(lines)} more ${lines === 1 ? 'line' : 'lines'}` : `show all ${commas(text.length)} characters`}
  </button>`;
