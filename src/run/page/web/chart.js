// A line chart: a curve over x, with a band and single points where there are any.

function niceSteps(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) || 10 * power;
  const steps = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step) steps.push(Math.abs(at) < step * 1e-6 ? 0 : at);
  return steps;
}

class Chart {
  // `name` is what the curve is; a wide one has the width of the page.
  constructor(parent, name, wide) {
    this.figure = element('figure', undefined, wide ? {class: 'wide'} : {});
    const caption = element('figcaption');
    caption.append(element('span', name));
    this.latest = caption.appendChild(element('span', '', {class: 'quiet'}));
    this.svg = drawn('svg', {role: 'img', 'aria-label': name});
    this.figure.append(caption, this.svg);
    this.figure.hidden = true;
    parent.append(this.figure);
    this.name = name;
  }

  // points: [x, y, low, high] in the order of x; marks: [x, y].
  draw(points, marks, xText) {
    const there = points.filter((p) => known(p[0]) && known(p[1]));
    this.figure.hidden = there.length === 0;
    if (this.figure.hidden) return;
    const width = Math.max(240, this.svg.clientWidth), height = Math.max(100, this.svg.clientHeight);
    const left = 46, right = width - 8, top = 8, bottom = height - 20;
    const ys = there.flatMap((p) => [p[1], p[2], p[3]]).concat(marks.map((m) => m[1])).filter(known);
    let low = Math.min(...ys), high = Math.max(...ys);
    if (high - low < 1e-9 * Math.max(1, Math.abs(high))) [low, high] = [low - 0.5, high + 0.5];
    let first = there[0][0], last = Math.max(there[there.length - 1][0], first);
    if (last === first) [first, last] = [first - 0.5, last + 0.5];
    const x = (value) => left + (right - left) * (value - first) / (last - first);
    const y = (value) => bottom - (bottom - top) * (value - low) / (high - low);
    const parts = [];
    for (const at of niceSteps(low, high, height > 180 ? 6 : 4)) {
      parts.push(drawn('line', {class: 'grid', x1: left, x2: right, y1: y(at), y2: y(at)}));
      parts.push(drawn('text', {x: left - 5, y: y(at) + 4, 'text-anchor': 'end'}, short(Number(at.toPrecision(6)))));
    }
    for (const at of niceSteps(first, last, width > 500 ? 7 : 4)) {
      parts.push(drawn('text', {x: Math.min(x(at), right - 14), y: height - 5, 'text-anchor': 'middle'}, xText(at)));
    }
    const place = (px, py) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`;
    const band = there.filter((p) => known(p[2]) && known(p[3]) && p[3] > p[2]);
    if (band.length > 1) {
      const upper = band.map((p) => place(p[0], p[3])), lower = band.map((p) => place(p[0], p[2])).reverse();
      parts.push(drawn('polygon', {class: 'band', points: upper.concat(lower).join(' ')}));
    }
    parts.push(drawn('polyline', {class: 'curve', points: there.map((p) => place(p[0], p[1])).join(' ')}));
    for (const [mx, my] of marks) {
      if (known(my) && mx >= first && mx <= last) parts.push(drawn('circle', {class: 'mark', cx: x(mx), cy: y(my), r: 3}));
    }
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
    this.latest.textContent = short(there[there.length - 1][1]);
    this.svg.setAttribute('aria-label', `${this.name}: ${this.latest.textContent} at the end`);
  }
}
