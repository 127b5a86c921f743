/**
 * The only script of the inspector. When the event stream says that something has happened, it reads the page anew
 * and puts what has changed into its live regions; without the stream, at intervals. It also adds buttons that copy
 * text. Without it, every page works and shows the state at the time it was loaded.
 */
export const SCRIPT = `'use strict';
(() => {
  for (const block of document.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = block.dataset.copy;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.textContent.trim());
      button.textContent = 'Copied';
    });
    block.after(button);
  }

  const every = Number(document.body.dataset.every);
  if (!every) return;
  const holds = (node) => node.contains(document.activeElement);

  // Children with ids are matched one by one, so that what the person reads, selects or focuses stays in place.
  const merge = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const children = [...fresh.children];
    if (children.length === 0 || children.some((child) => !child.id)) {
      if (!holds(old)) old.replaceWith(fresh);
      return;
    }
    const left = new Map([...old.children].map((child) => [child.id, child]));
    let cursor = old.firstElementChild;
    for (const child of children) {
      const known = left.get(child.id);
      left.delete(child.id);
      if (!known || known !== cursor) {
        old.insertBefore(known ?? child, cursor);
        if (known) merge(known, child);
        continue;
      }
      cursor = cursor.nextElementSibling;
      merge(known, child);
    }
    for (const gone of left.values()) if (!holds(gone)) gone.remove();
  };

  const place = document.querySelector('.state');
  const status = document.createElement('span');
  status.setAttribute('role', 'status');
  const button = document.createElement('button');
  button.type = 'button';
  let paused = false;
  const show = (text) => {
    if (status.textContent !== text) status.textContent = text;
    button.textContent = paused ? 'Resume updates' : 'Pause updates';
  };
  place.append(status, button);
  show('live');

  let stream;
  let listening = false;
  const stopListening = () => {
    stream?.close();
    stream = undefined;
    listening = false;
  };
  const stop = (text) => {
    paused = true;
    stopListening();
    show(text);
  };

  const update = async () => {
    const response = await fetch(location.href, { headers: { 'X-Live': '1' } });
    if (paused) return;
    if (response.status === 401) return stop('signed out');
    if (!response.ok) return show('no answer');
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const region of document.querySelectorAll('[data-live]')) {
      const fresh = page.getElementById(region.id);
      if (fresh) merge(region, fresh);
    }
    if (!page.body.dataset.every) return stop('finished');
    show('live');
  };

  // One update at a time: what happens meanwhile is found by the next one.
  let updating = false;
  let stale = false;
  let updatedAt = performance.now();
  const refresh = async () => {
    stale = true;
    if (updating) return;
    updating = true;
    while (stale && !paused && !document.hidden) {
      stale = false;
      updatedAt = performance.now();
      await update().catch(() => show('no answer'));
    }
    updating = false;
  };

  // A hidden page has no stream: a browser opens only a few connections to an origin.
  const listen = () => {
    if (stream || paused || document.hidden) return;
    stream = new EventSource(document.body.dataset.stream);
    stream.addEventListener('open', () => {
      listening = true;
      refresh();
    });
    stream.addEventListener('message', refresh);
    stream.addEventListener('error', () => {
      listening = false;
    });
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return stopListening();
    listen();
    refresh();
  });
  addEventListener('pagehide', stopListening);
  addEventListener('pageshow', listen);
  button.addEventListener('click', () => {
    if (!paused) return stop('paused');
    paused = false;
    show('live');
    listen();
    refresh();
  });
  listen();

  // Some things happen without a request, such as a packet, or in another process.
  setInterval(() => {
    if (performance.now() - updatedAt >= (listening ? 5 : 1) * every) refresh();
  }, every);
})();
`;
