// Who is linked to whom: this process in the middle, the others around it, a Parent above.

const mostNamed = 24;  // more names would lie over each other

function link(from, to, state, arrow) {
  const parts = [drawn('line', {class: state, x1: from[0], y1: from[1], x2: to[0], y2: to[1]})];
  if (!arrow) return parts;
  const [tip, tail] = arrow === 'sends' ? [to, from] : [from, to];
  const angle = Math.atan2(tip[1] - tail[1], tip[0] - tail[0]);
  const at = [tip[0] - 16 * Math.cos(angle), tip[1] - 16 * Math.sin(angle)];
  for (const turn of [2.6, -2.6]) {
    parts.push(drawn('line', {x1: at[0], y1: at[1], x2: at[0] + 8 * Math.cos(angle + turn), y2: at[1] + 8 * Math.sin(angle + turn)}));
  }
  return parts;
}

function node(at, name, state, size, place) {
  const circle = drawn('circle', {class: state, cx: at[0], cy: at[1], r: size});
  circle.append(drawn('title', {}, name));
  const parts = [circle];
  if (place) {
    const label = name.length > 18 ? `${name.slice(0, 17)}…` : name;
    parts.push(drawn('text', {x: at[0] + place.dx, y: at[1] + place.dy, 'text-anchor': place.anchor}, label));
  }
  return parts;
}

function drawMap(told) {
  const svg = byId('map');
  const width = Math.max(260, svg.clientWidth), height = Math.max(160, svg.clientHeight);
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const hasAbove = told.above !== undefined || told.kind === 'parent';
  const middle = [width / 2, told.kind === 'parent' ? height - 40 : height / 2];
  const lines = [], nodes = [];
  const {own, others} = roles(told.kind);
  if (hasAbove) {
    const above = [width / 2, 18], isAway = told.kind === 'parent' ? Boolean(told.rows[0] && told.rows[0].away) : !told.above;
    lines.push(...link(middle, above, isAway ? 'away' : ''));
    nodes.push(...node(above, told.kind === 'parent' ? others : 'the Parent above', isAway ? 'away' : '', 8, {dx: 14, dy: 4, anchor: 'start'}));
  }
  const around = told.kind === 'parent' ? [] : told.rows.slice().sort((a, b) => a.name < b.name ? -1 : 1);
  // Below a Parent above there is less room: the others are on the lower half then.
  const [begin, span] = hasAbove ? [-0.15, 1.3] : [-0.5, 2];
  const radius = [width / 2 - (around.length <= mostNamed ? 130 : 20), height / 2 - 18];
  around.forEach((machine, i) => {
    const share = hasAbove && around.length > 1 ? i / (around.length - 1) : i / around.length;
    const angle = Math.PI * (begin + span * (around.length === 1 && hasAbove ? 0.5 : share));
    const at = [middle[0] + Math.max(60, radius[0]) * Math.cos(angle), middle[1] + radius[1] * Math.sin(angle)];
    const state = machineState(machine), isRight = Math.cos(angle) >= -0.01;
    lines.push(...link(middle, at, state, machine.flow === 'sends' || machine.flow === 'receives' ? machine.flow : ''));
    nodes.push(...node(at, machine.name, state, around.length > 60 ? 4 : 7,
      around.length <= mostNamed ? {dx: isRight ? 12 : -12, dy: 4, anchor: isRight ? 'start' : 'end'} : undefined));
  });
  nodes.push(...node(middle, own, 'own', 10, around.length <= mostNamed ? {dx: 0, dy: 26, anchor: 'middle'} : undefined));
  svg.setAttribute('aria-label', `map: ${own} and ${told.machines} other${told.machines === 1 ? '' : 's'}`);
  svg.replaceChildren(...lines, ...nodes);
}
