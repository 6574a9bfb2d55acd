// The agent playing: draws the shapes that its environment has drawn. See src/env/picture/picture_json.h.

const agent = {picture: null};

// Draws one shape in the picture's units.
const shapes = {
  p(pen, [, colour, places]) {
    pen.fillStyle = `#${colour}`;
    pen.beginPath();
    for (let i = 0; i < places.length; i += 2) pen.lineTo(places[i], places[i + 1]);
    pen.closePath();
    pen.fill();
  },
  l(pen, [, colour, width, places]) {
    pen.strokeStyle = `#${colour}`;
    pen.lineWidth = width;
    pen.beginPath();
    for (let i = 0; i < places.length; i += 2) pen.lineTo(places[i], places[i + 1]);
    pen.stroke();
  },
  c(pen, [, colour, x, y, radius]) {
    pen.fillStyle = `#${colour}`;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  },
  t(pen, [, colour, x, y, height, text]) {
    pen.fillStyle = `#${colour}`;
    pen.font = `${height / 0.72}px system-ui, sans-serif`;  // capitals are 0.72 of most fonts' size
    pen.fillText(text, x, y);
  },
};

function drawAgent() {
  const picture = agent.picture, stage = byId('stage');
  if (!picture) return;
  const width = Math.round(Math.min(stage.parentElement.clientWidth - 26, 720) * (devicePixelRatio || 1));
  const height = Math.max(1, Math.round(width * picture.h / picture.w));
  if (width <= 0) return;
  if (stage.width !== width || stage.height !== height) [stage.width, stage.height] = [width, height];
  const pen = stage.getContext('2d');
  pen.setTransform(width / picture.w, 0, 0, width / picture.w, 0, 0);
  pen.lineCap = pen.lineJoin = 'round';
  pen.fillStyle = `#${picture.b}`;
  pen.fillRect(0, 0, picture.w, picture.h);
  for (const shape of picture.s) if (shapes[shape[0]]) shapes[shape[0]](pen, shape);
}

function showAgent(told) {
  const section = byId('agent');
  if (section.hidden) {
    section.hidden = false;
    byId('main').classList.add('with-agent');
    requestAnimationFrame(drawCurves);  // they have become narrower
  }
  byId('stage').hidden = told.problem !== undefined;
  if (told.problem !== undefined) {
    byId('episode').textContent = `The agent is not shown: ${told.problem}`;
    return;
  }
  byId('episode').textContent = [
    told.update ? `policy of update ${told.update}` : '', `episode ${told.episode}`, `step ${told.steps}`,
    `return ${known(told.return) ? told.return.toFixed(1) : '–'}`, told.over ? 'over' : '',
  ].filter(Boolean).join(' · ');
  agent.picture = told.picture;
  requestAnimationFrame(drawAgent);
}

addEventListener('resize', () => requestAnimationFrame(drawAgent));
