// What the parts of the page have in common: how figures are written, and where words go. Nothing is ever taken as HTML.
import { span } from "./charts.js";

export const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
export const number = (value) => (Number.isFinite(value) ? whole.format(value) : "–");
export const rate = (value) => (Number.isFinite(value) ? (value < 100 ? tenth : whole).format(value) : "–");

export function text(id, value) {
  const place = $(id);
  if (place.textContent !== value) place.textContent = value;
}
export function make(tag, name, value) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (value !== undefined) made.textContent = value;
  return made;
}
export function badge(place, status) {
  const word = String(status);
  if (place.textContent === word) return;
  place.textContent = word;
  place.className = `badge ${word.replace(/[^a-z]/gi, "").toLowerCase()}`;
}
/** Said aloud: only what changes by somebody's doing or fails, never a figure. */
export function say(words) { text("news", words); }

/** The panel's data, or null; then its note says who is away. */
export function here(panels, name, note, usual) {
  const panel = panels[name];
  const away = panel?.state !== "here";
  if (note) {
    const place = $(note);
    place.className = away ? "away" : "note";
    text(note, away ? `Away: ${panel?.reason ?? "no answer"}` : usual);
  }
  return away ? null : panel.data;
}
export const ago = (time) => { const at = Date.parse(time); return Number.isFinite(at) ? span(Date.now() - at) : null; };

export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${unit ? tenth.format(value) : whole.format(value)} ${units[unit]}`;
}
