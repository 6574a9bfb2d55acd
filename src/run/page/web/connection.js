// The WebSocket: made anew when it is lost, so that the page goes on when the program does.

const connection = {socket: null, pause: 250, token: '', run: null, lastMessage: 0, isOld: false, isAsleep: false, rest: 0};
const tokenRefused = 4401;

// The token may stand behind '#', which browsers send to nobody. It is taken out of the address, and kept for
// this tab alone, so that the page can be loaded again.
function readToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    history.replaceState(null, '', location.pathname);
    sessionStorage.setItem('genkidama-token', given);
  }
  connection.token = sessionStorage.getItem('genkidama-token') || '';
}

function showState(state, text) {
  const place = byId('state');
  if (place.textContent !== text) place.textContent = text;
  place.dataset.state = state;
}

function askForToken(problem) {
  byId('token-form').hidden = false;
  byId('token-problem').textContent = problem;
  showState('away', 'waiting for the token');
  byId('token').focus();
}

// What another process tells is no continuation of what this one has told.
function forgetOldRun() {
  if (!connection.isOld) return;
  connection.isOld = false;
  curves.rows = [];
  curves.evaluations = [];
  byId('log-lines').replaceChildren();
  byId('machines').hidden = true;
}

function take(news) {
  forgetOldRun();
  byId('token-form').hidden = true;
  byId('main').hidden = false;
  if (news.evaluations) curves.evaluations = news.evaluations;
  if (news.curves) takeCurves(news.curves);
  if (news.run) {
    connection.run = news.run;
    showFigures(news.run);
  }
  if (news.curves || news.evaluations) drawCurves();
  if (news.machines) showMachines(news.machines);
  if (news.log) showLog(news.log);
  if (news.agent) showAgent(news.agent);
  showProgress();
}

function showProgress() {
  const run = connection.run;
  if (!connection.socket || connection.socket.readyState !== WebSocket.OPEN || !run) return;
  if (run.ended_by !== undefined) {
    showState('over', `the run is over (${run.ended_by})`);
    return;
  }
  const quiet = known(run.updated) ? run.now - run.updated + (Date.now() - connection.lastMessage) / 1000 : NaN;
  showState('live', known(quiet) && quiet > 10 ? `no update for ${duration(quiet)}` : 'live');
}

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(`${scheme}//${location.host}/live`);
  connection.socket = socket;
  socket.onopen = () => { connection.isOld = true; };
  socket.onmessage = ({data}) => {
    if (data === 'token') {
      if (connection.token) {
        socket.send(connection.token);
      } else {
        socket.close();
        askForToken('');
      }
      return;
    }
    connection.pause = 250;
    connection.lastMessage = Date.now();
    take(JSON.parse(data));
  };
  socket.onclose = ({code}) => {
    if (code === tokenRefused) {
      connection.token = '';
      sessionStorage.removeItem('genkidama-token');
      askForToken('This is another token. Give that of the run.');
    }
    if (!byId('token-form').hidden || connection.isAsleep) return;
    const run = connection.run;
    showState('away', run && run.ended_by !== undefined ? `the run is over (${run.ended_by}), and its program has ended`
      : 'not connected; trying again');
    setTimeout(connect, connection.pause);
    connection.pause = Math.min(4000, connection.pause * 1.6);
  };
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  connection.token = byId('token').value.trim();
  if (!connection.token) return;
  sessionStorage.setItem('genkidama-token', connection.token);
  byId('token').value = '';
  byId('token-form').hidden = true;
  connect();
});

// A tab that nobody sees lets go after a while, and dials again when it is seen.
document.addEventListener('visibilitychange', () => {
  clearTimeout(connection.rest);
  if (document.hidden) {
    connection.rest = setTimeout(() => {
      connection.isAsleep = true;
      connection.socket.close();
    }, 20000);
  } else if (connection.isAsleep) {
    connection.isAsleep = false;
    if (byId('token-form').hidden) connect();
  }
});

readToken();
connect();
setInterval(showProgress, 1000);
