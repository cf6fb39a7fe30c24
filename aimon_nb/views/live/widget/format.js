// @ts-check
/** Numbers and texts as the view writes them; no DOM here, so node tests it. */

const CUT = 4000; // characters of one message shown at first
const SPARE = 2; // lines that are shown in place of the button that would show them
const PIECE = 20000; // characters laid out at once

/** A length of time as `words.seconds` writes it. @param {number|null} x */
export function seconds(x) {
  if (x == null || Number.isNaN(x)) return '';
  if (x < 0.005) return '< 0.01 s';
  if (x < 9.995) return `${x.toFixed(2)} s`;
  if (x < 59.95) return `${x.toFixed(1)} s`;
  if (x < 99.5) return `${x.toFixed(0)} s`;
  const all = Math.round(x),
    minutes = Math.floor(all / 60),
    two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return minutes < 60 ? `${minutes} m ${two(all % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

const COMMAS = new Intl.NumberFormat('en-US'); // made once: it is slow to make
export const commas = (/** @type {number} */ n) => COMMAS.format(n);

/** A clock that ticks ten times a second. @param {number} x */
export const clock = (x) => (x < 9.95 ? `${x.toFixed(1)} s` : seconds(x));

/** Tokens in and out. @param {number|null} input @param {number|null} output */
export function tokens(input, output) {
  if (input != null && output != null) return `${commas(input)} → ${commas(output)}`;
  if (input != null) return commas(input);
  return output != null ? `→ ${commas(output)}` : '';
}

/** US dollars. @param {number|null} x */
export function money(x) {
  if (x == null) return '';
  if (x === 0) return '$0';
  if (x < 0.00001) return '< $0.00001';
  // Four decimals, and more where two digits need them.
  const exact = x.toFixed(Math.max(4, 1 - Number(x.toExponential(1).split('e')[1])));
  if (Number(exact) < 1) return `$${exact}`;
  return `$${x.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** How many bytes. @param {number} n */
export function size(n) {
  if (n < 1000) return `${n} ${n === 1 ? 'byte' : 'bytes'}`;
  const [per, unit] = n < 999_500 ? [1e3, 'kB'] : [1e6, 'MB'];
  return `${Number((n / per).toPrecision(n / per < 10 ? 2 : 3))} ${unit}`;
}

/** Control and direction characters, spelled out. @param {string} text */
export function visible(text) {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is spelled out
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (c) => {
      const code = c.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
    },
  );
}

/** The start of a text and how many characters were left out. @param {string} text */
export function cut(text, limit = CUT) {
  if (text.length <= limit) return { text, left: 0 };
  return { text: text.slice(0, limit), left: text.length - limit };
}

/** The first lines of a text and how many were left out; one or two more are no reason to cut. @param {string} text */
export function cutLines(text, limit = Infinity) {
  let at = -1;
  for (let line = 0; line < limit; line++) {
    at = text.indexOf('\n', at + 1);
    if (at < 0) return { text, left: 0 };
  }
  let left = 1;
  for (let next = text.indexOf('\n', at + 1); next >= 0; next = text.indexOf('\n', next + 1)) left += 1;
  return left <= SPARE ? { text, left: 0 } : { text: text.slice(0, at), left };
}

/** A long text in pieces that a page can lay out one by one, at line ends where there are any. @param {string} text */
export function pieces(text, size = PIECE) {
  const found = [];
  for (let at = 0; at < text.length; ) {
    const end = text.lastIndexOf('\n', at + size);
    const next = at + size >= text.length ? text.length : end > at ? end + 1 : at + size;
    found.push(text.slice(at, text[next - 1] === '\n' && next < text.length ? next - 1 : next));
    at = next;
  }
  return found;
}
