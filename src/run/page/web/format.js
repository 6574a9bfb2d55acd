// Numbers and times as people read them, and elements made of text. Text from outside becomes text only.
'use strict';

const known = (value) => typeof value === 'number' && Number.isFinite(value);

// 1234567 -> "1.23 M"; small numbers keep three digits.
function short(value) {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (size >= unit) return `${(value / (name === 'k' ? 1e3 : unit)).toPrecision(3)} ${name}`;
  }
  if (Number.isInteger(value)) return String(value);
  if (size >= 1000) return String(Math.round(value));
  if (size >= 100) return value.toFixed(1);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

const percent = (value) => known(value) ? `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %` : '–';

function bytes(value) {
  if (!known(value)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${unit ? value.toPrecision(3) : value} ${units[unit]}`;
}

function duration(seconds) {
  if (!known(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const byId = (id) => document.getElementById(id);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawn(name, attributes = {}, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
