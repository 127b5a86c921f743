/**
 * The only script of the inspector. It reads the page anew and puts what has changed into its live regions, and it adds
 * buttons that copy text. Without it, every page works and shows the state at the time it was loaded.
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
    status.textContent = text;
    button.textContent = paused ? 'Resume updates' : 'Pause updates';
  };
  button.addEventListener('click', () => {
    paused = !paused;
    show(paused ? 'paused' : 'live');
  });
  place.append(status, button);
  show('live');

  const update = async () => {
    const response = await fetch(location.href, { headers: { 'X-Live': '1' } });
    if (response.status === 401) {
      paused = true;
      return show('signed out');
    }
    if (!response.ok) return show('no answer');
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const region of document.querySelectorAll('[data-live]')) {
      const fresh = page.getElementById(region.id);
      if (fresh) merge(region, fresh);
    }
    if (!page.body.dataset.every) {
      paused = true;
      return show('finished');
    }
    show('live');
  };
  const tick = async () => {
    if (!paused && !document.hidden) await update().catch(() => show('no answer'));
    setTimeout(tick, every);
  };
  setTimeout(tick, every);
})();
`;
