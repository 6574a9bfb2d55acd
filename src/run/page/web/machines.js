// The machines at the other ends of the run's links.

// What this process is, and what the others are, by the kind of the others and by the command.
function roles(kind) {
  const command = connection.run ? connection.run.command : '';
  if (command === 'learner') return {own: 'this learner', others: 'actors'};
  if (command === 'actor') return {own: 'this actor', others: 'the learner'};
  return {
    child: {own: 'this Parent', others: 'Children'}, parent: {own: 'this Child', others: 'the Parent'},
    neighbour: {own: 'this peer', others: 'neighbours'}, host: {own: 'this server', others: 'hosts of environments'},
    learner: {own: 'this shard', others: 'learners'},
  }[kind] || {own: 'this process', others: 'peers'};
}

// [heading, what it says of a row, what the heading means]
const machineColumns = [
  ['pace', (m) => known(m.pace) ? `${short(m.pace)}/s` : undefined, 'environment steps a second'],
  ['steps', (m) => m.steps === undefined ? undefined : short(m.steps), 'environment steps that it tells of'],
  ['updates', (m) => m.updates, 'weights, segments or gradients of it that were taken'],
  ['staleness', (m) => m.staleness, 'updates since the weights from which its last ones were learnt'],
  ['silent for', (m) => known(m.silence) ? duration(m.silence) : undefined, 'since its last update'],
  ['round', (m) => known(m.round) ? duration(m.round) : undefined, 'the median time between its updates'],
  ['influence', (m) => known(m.influence) ? percent(m.influence) : undefined, 'its share of what all have moved the weights'],
  ['agreement', (m) => known(m.agreement) ? m.agreement.toFixed(2) : undefined, 'the cosine with what the others want'],
  ['distance', (m) => known(m.distance) ? percent(m.distance) : undefined, 'of its weights from the own ones'],
  ['environments', (m) => m.environments, 'that are played there'],
  ['flow', (m) => m.flow, 'what goes over the link'],
  ['codec', (m) => m.codec, 'how weights travel'],
  ['received', (m) => m.received === undefined ? undefined : bytes(m.received), 'bytes from it'],
  ['sent', (m) => m.sent === undefined ? undefined : bytes(m.sent), 'bytes to it'],
  ['address', (m) => m.address, ''],
];

function machineState(machine) {
  return machine.away ? 'away' : machine.late ? 'late' : '';
}

function showTable(told) {
  const columns = machineColumns.filter(([, of]) => told.rows.some((m) => of(m) !== undefined));
  const head = element('tr');
  head.append(element('th', 'machine', {scope: 'col'}), ...columns.map(([name, , title]) => element('th', name, {scope: 'col', title})));
  const rows = told.rows.map((machine) => {
    const row = element('tr', undefined, {class: machineState(machine)});
    const mark = {away: ' (not connected)', late: ' (late)'}[machineState(machine)] || '';
    row.append(element('td', machine.name + mark, {title: machine.name}));
    for (const [, of] of columns) row.append(element('td', of(machine) === undefined ? '' : String(of(machine))));
    return row;
  });
  const body = element('tbody');
  body.append(...rows);
  const top = element('thead');
  top.append(head);
  byId('machine-table').replaceChildren(top, body);
}

function showCounts(told) {
  const refused = Object.entries(told.refused).map(([reason, count]) => `${count} ${reason}`).join(', ');
  const parts = [
    `${told.connected} connected`,
    told.above === undefined ? '' : told.above ? 'the Parent above is connected' : 'the Parent above is away',
    told.late ? `${told.late} late` : '', known(told.pace) ? `${short(told.pace)} steps/s together` : '',
    `${bytes(told.received)} received`, `${bytes(told.sent)} sent`,
    told.joined ? `${told.joined} joined` : '', told.left ? `${told.left} left` : '',
    told.reconnects ? `${told.reconnects} reconnects` : '', told.exchanges ? `${short(told.exchanges)} exchanges` : '',
    known(told.waited) && told.waited > 0 ? `waited ${duration(told.waited)}` : '',
    told.late_contributions ? `${told.late_contributions} late contributions` : '',
    told.rounds_by_deadline ? `${told.rounds_by_deadline} rounds closed by the deadline` : '',
    told.stale_gradients ? `${told.stale_gradients} stale gradients` : '', told.lost_steps ? `${told.lost_steps} lost steps` : '',
    told.refused_updates ? `${told.refused_updates} refused updates` : '', refused ? `refused peers: ${refused}` : '',
    told.machines > told.rows.length ? `${told.rows.length} of ${told.machines} are shown, those first that need looking at` : '',
  ];
  byId('machine-counts').textContent = parts.filter(Boolean).join(' · ');
}

function showMachines(told) {
  byId('machines').hidden = false;
  byId('machines-title').textContent = `Machines: ${roles(told.kind).others}`;
  showCounts(told);
  showTable(told);
  drawMap(told);
}
