// The run's figures and its curves.

const column = {steps: 0, seconds: 1, mean: 2, low: 3, high: 4, policyLoss: 5, valueLoss: 6, entropy: 7, kl: 8};
const curves = {rows: [], evaluations: [], over: 'steps', charts: null};

function makeCharts() {
  const place = byId('charts');
  return {
    mean: new Chart(place, 'return of training episodes, from the least to the greatest; dots are evaluations', true),
    pace: new Chart(place, 'environment steps a second'),
    policyLoss: new Chart(place, 'policy loss'),
    valueLoss: new Chart(place, 'value loss'),
    entropy: new Chart(place, 'entropy (nats)'),
    kl: new Chart(place, 'approximate KL (nats)'),
  };
}

// Steps a second between each row and the one before it.
function paces(rows, x) {
  const points = [];
  for (let i = 1; i < rows.length; ++i) {
    const seconds = rows[i][column.seconds] - rows[i - 1][column.seconds];
    const steps = rows[i][column.steps] - rows[i - 1][column.steps];
    if (seconds > 0 && steps >= 0) points.push([rows[i][x], steps / seconds]);
  }
  // Single rounds differ by more than the pace does: the mean of some neighbours.
  const reach = Math.floor(points.length / 60);
  return points.map((p, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [p[0], near.reduce((sum, each) => sum + each[1], 0) / near.length];
  });
}

// Evaluations are told by steps; over time they stand where their row does.
function marks(x) {
  if (x === column.steps) return curves.evaluations;
  return curves.evaluations.map(([steps, mean]) => {
    const row = curves.rows.find((each) => each[column.steps] >= steps);
    return [row ? row[x] : NaN, mean];
  }).filter(([at]) => known(at));
}

function drawCurves() {
  if (byId('main').hidden) return;
  if (!curves.charts) curves.charts = makeCharts();
  const x = column[curves.over === 'steps' ? 'steps' : 'seconds'];
  const text = curves.over === 'steps' ? short : duration;
  const {rows, charts} = curves;
  charts.mean.draw(rows.map((r) => [r[x], r[column.mean], r[column.low], r[column.high]]), marks(x), text);
  charts.pace.draw(paces(rows, x), [], text);
  for (const name of ['policyLoss', 'valueLoss', 'entropy', 'kl']) {
    charts[name].draw(rows.map((r) => [r[x], r[column[name]]]), [], text);
  }
}

function chooseAxis(over) {
  curves.over = over;
  byId('over-steps').setAttribute('aria-pressed', String(over === 'steps'));
  byId('over-time').setAttribute('aria-pressed', String(over === 'time'));
  drawCurves();
}

function takeCurves({from, rows}) {
  curves.rows.length = Math.min(curves.rows.length, from);
  curves.rows.push(...rows);
}

function showFigures(run) {
  byId('title').textContent = run.environment || 'Genkidama';
  document.title = [run.environment, run.command, 'Genkidama'].filter(Boolean).join(' · ');
  byId('subtitle').textContent = [run.command, run.name, run.directory].filter(Boolean).join(' · ');
  byId('footer').textContent = `Genkidama ${run.version}${run.resumed ? ' · a resumed run' : ''}`;
  byId('done').hidden = !known(run.done);
  byId('done').value = run.done || 0;
  const evaluation = curves.evaluations[curves.evaluations.length - 1];
  const figures = [
    ['mean return', short(run.mean_return)],
    ['last evaluation', evaluation && short(evaluation[1])],
    ['steps', short(run.steps)], ['updates', short(run.updates)], ['episodes', short(run.episodes)],
    ['time at work', duration(run.seconds)], ['done', known(run.done) && percent(run.done)],
    ['machines', run.machines], ['policy lag', known(run.policy_lag) && short(run.policy_lag)],
    ['policy loss', short(run.policy_loss)], ['value loss', short(run.value_loss)], ['entropy', short(run.entropy)],
    ['approximate KL', short(run.approximate_kl)], ['learning rate', short(run.learning_rate)],
    ['gradient norm', short(run.gradient_norm)], ['model error', known(run.model_error) && percent(run.model_error)],
    ['late contributions', run.late || false], ['dropped steps', run.dropped_steps ? short(run.dropped_steps) : false],
    ['workers replaced', run.restarts || false], ['lost episodes', run.lost_episodes || false],
  ];
  byId('figures').replaceChildren(...figures.filter(([, value]) => value !== undefined && value !== false && value !== '–')
    .map(([name, value]) => {
      const tile = element('div');
      tile.append(element('dt', name), element('dd', String(value)));
      return tile;
    }));
}

byId('over-steps').addEventListener('click', () => chooseAxis('steps'));
byId('over-time').addEventListener('click', () => chooseAxis('time'));
addEventListener('resize', () => requestAnimationFrame(drawCurves));
