// The last lines of the log.

const mostLogLines = 200;

function showLog(lines) {
  byId('log').hidden = false;
  const list = byId('log-lines');
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  for (const line of lines) {
    const item = element('li', undefined, {'data-level': line.level});
    const time = new Date(line.seconds * 1000);
    item.append(element('time', time.toLocaleTimeString(), {datetime: time.toISOString()}), line.text);
    list.append(item);
  }
  while (list.children.length > mostLogLines) list.firstChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}
