// Keys and live updates of the back office. Every page works without this file.
(() => {
  'use strict';

  const typing = (e) => e.matches('input:not([type=checkbox]), textarea, select, [contenteditable]');
  const rows = () => [...document.querySelectorAll('main tbody tr:not(.chart *)')];

  // step moves the focus by so many rows.
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement.closest('tr'));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    const target = next.querySelector('td a') ?? next;
    if (target === next) next.tabIndex = -1;
    target.focus();
    next.scrollIntoView({ block: 'nearest' });
  };

  const choose = () => {
    const box = document.activeElement.closest('tr')?.querySelector('.choose input');
    if (box) box.checked = !box.checked;
  };

  const chooseAll = () => {
    const boxes = [...document.querySelectorAll('.choose input')];
    const all = boxes.every((b) => b.checked);
    boxes.forEach((b) => { b.checked = !all; });
  };

  // onward moves from a field to the following one, and from the last to the button: scanners end with Enter.
  let moved = false; // by this press of Enter, which does nothing else then
  const onward = (field) => {
    const fields = [...field.form.querySelectorAll('[data-next]')];
    (fields[fields.indexOf(field) + 1] ?? field.form.querySelector('[data-last]')).focus();
    moved = true;
  };
  document.addEventListener('keypress', (e) => { if (moved && e.key === 'Enter') e.preventDefault(); });
  document.addEventListener('keyup', () => { moved = false; });

  // A table of fields is used like a spreadsheet: arrows go through a column, and cells can be pasted.
  const cells = (row) => [...row.querySelectorAll('td')].map((td) => td.querySelector('input:not([type=hidden]), select'));
  const below = (field, by) => {
    const all = [...field.closest('table').querySelectorAll('tbody tr')];
    const row = all[all.indexOf(field.closest('tr')) + by];
    return row && cells(row)[cells(field.closest('tr')).indexOf(field)];
  };
  document.addEventListener('keydown', (e) => {
    if (!e.target.matches('.grid input') || e.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    const to = by && below(e.target, by);
    if (to) {
      e.preventDefault();
      to.focus();
      to.select?.();
    }
  });
  const choice = (select, text) => [...select.options].find((o) => [o.value, o.text].some((t) =>
    t.toLowerCase() === text.toLowerCase()))?.value ?? select.value;
  document.addEventListener('paste', (e) => {
    const text = e.clipboardData?.getData('text') ?? '';
    if (!e.target.matches('.grid input') || !/[\t\n]/.test(text.trim())) return;
    e.preventDefault();
    const first = cells(e.target.closest('tr')).indexOf(e.target);
    let field = e.target;
    for (const line of text.replace(/\r/g, '').replace(/\n$/, '').split('\n')) {
      if (!field) break;
      const row = cells(field.closest('tr'));
      line.split('\t').forEach((value, i) => {
        const cell = row[first + i];
        if (cell?.matches('select')) cell.value = choice(cell, value.trim());
        else if (cell && cell.type !== 'checkbox') cell.value = value.trim();
      });
      field = below(field, 1);
    }
  });

  // Files are sent one after the other, each with its progress; without this script the form sends them together.
  const send = (form, file, bar) => new Promise((resolve) => {
    const data = new FormData();
    data.append('csrf', form.elements.csrf.value);
    data.append('files', file);
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.setRequestHeader('Accept', 'application/json');
    request.upload.addEventListener('progress', (e) => { if (e.lengthComputable) bar.value = e.loaded / e.total; });
    request.addEventListener('loadend', () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* none */ }
      const problem = request.status === 413 ? 'It is too large.' : 'It could not be sent.';
      resolve(request.status === 200 ? '' : (answer.refused ?? [problem]).join(' ').replace(`${file.name}: `, ''));
    });
    request.send(data);
  });
  // changed says whether a field holds something else than when the page came.
  const changed = (field) => {
    if (!field.matches('input, textarea, select')) return false;
    if (!field.matches('select')) return field.checked !== field.defaultChecked || field.value !== field.defaultValue;
    return field.value !== ([...field.options].find((o) => o.defaultSelected) ?? field.options[0])?.value;
  };
  // addLine tells of a file: how far it is, then what became of it.
  const addLine = (list, file) => {
    const line = document.createElement('li');
    const name = document.createElement('span');
    const bar = document.createElement('progress');
    name.textContent = file.name;
    bar.setAttribute('aria-label', file.name);
    bar.max = 1;
    bar.value = 0;
    line.append(name, bar);
    list.append(line);
    return bar;
  };
  const say = (text, problem) => {
    const said = document.createElement('span');
    said.className = problem ? 'error' : 'added';
    said.textContent = text;
    return said;
  };
  // showAdded puts the pictures that there are now into the page, which keeps what it says of files.
  const showAdded = async (shown) => {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    document.querySelector(shown).replaceWith(page.querySelector(shown));
  };
  let sending = false;
  const upload = async (form, files) => {
    const list = form.querySelector('.uploads');
    const shown = form.dataset.upload;
    if (!files.length || sending) return;
    list.replaceChildren();
    if ([...document.querySelector(shown).elements].some(changed)) {
      const line = document.createElement('li');
      line.append(say('Save what you changed below first, then add pictures.', true));
      list.append(line);
      return;
    }
    sending = true;
    form.setAttribute('aria-busy', 'true');
    const lines = files.map((file) => [file, addLine(list, file)]);
    let added = 0;
    for (const [file, bar] of lines) {
      const problem = await send(form, file, bar);
      added += problem ? 0 : 1;
      bar.replaceWith(say(problem || 'Added', problem));
    }
    form.reset();
    sending = false;
    form.removeAttribute('aria-busy');
    if (added) await showAdded(shown).catch(() => { location.reload(); });
  };
  // Files can be dropped anywhere on the page, since a browser would leave the page for one that was let go beside
  // the form; and pictures are pasted as they were copied.
  const uploadInto = document.querySelector('[data-upload]');
  if (uploadInto) {
    const over = (on) => (e) => {
      if (![...(e.dataTransfer?.types ?? [])].includes('Files')) return;
      e.preventDefault();
      uploadInto.classList.toggle('over', on);
    };
    document.addEventListener('dragover', over(true));
    document.addEventListener('dragleave', over(false));
    document.addEventListener('drop', (e) => {
      over(false)(e);
      upload(uploadInto, [...(e.dataTransfer?.files ?? [])]);
    });
    document.addEventListener('paste', (e) => {
      const files = [...(e.clipboardData?.files ?? [])];
      if (!files.length || typing(e.target) && e.clipboardData.getData('text')) return;
      e.preventDefault();
      upload(uploadInto, files);
    });
    uploadInto.addEventListener('submit', (e) => {
      e.preventDefault();
      e.stopPropagation();
      upload(uploadInto, [...uploadInto.elements.files.files]);
    });
  }

  // A form is sent once, however often its button is pressed while the answer is on its way.
  document.addEventListener('submit', (e) => {
    if (e.target.method !== 'post' || e.submitter?.matches('[data-preview]')) return;
    if (e.target.dataset.sent) e.preventDefault();
    e.target.dataset.sent = 'yes';
  });
  window.addEventListener('pageshow', () => {
    document.querySelectorAll('[data-sent]').forEach((form) => { delete form.dataset.sent; });
  });

  // A preview follows what is typed. Each is shown in a fresh frame: else the button Back would go through all of them.
  document.querySelectorAll('[data-preview]').forEach((button) => {
    let due;
    const show = () => {
      const frame = document.querySelector('iframe[name=preview]');
      if (!frame) return;
      frame.replaceWith(frame.cloneNode());
      button.form.requestSubmit(button);
    };
    button.form.addEventListener('input', () => {
      clearTimeout(due);
      due = setTimeout(show, 400);
    });
    show();
  });
  const follow = (selector) => {
    const link = document.querySelector(selector);
    if (link) link.click();
  };

  let going = false; // g was pressed
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (typing(e.target)) {
      if (e.key === 'Escape') e.target.blur();
      if (e.key === 'Enter' && e.target.matches('[data-next]')) {
        e.preventDefault();
        onward(e.target);
      }
      return;
    }
    if (going) {
      going = false;
      if (/^[a-z]$/.test(e.key)) follow(`.side [data-key="${e.key}"]`);
      return;
    }
    switch (e.key) {
      case '/':
        e.preventDefault();
        document.querySelector('[type=search]')?.focus();
        break;
      case 'g': going = true; setTimeout(() => { going = false; }, 1500); break;
      case 'j': step(1); break;
      case 'k': step(-1); break;
      case 'x': choose(); break;
      case 'X': chooseAll(); break;
      case 'n': case 'p': follow(`.pages [data-key="${e.key}"]`); break;
      case 's': case 'r': follow(`.head [data-key="${e.key}"]`); break;
      case '?': document.querySelector('#keys')?.showModal(); break;
      default:
    }
  });

  // The navigation says how much waits behind its entries.
  const count = async () => {
    const answer = await fetch('/counts', { headers: { Accept: 'application/json' } });
    if (!answer.ok || answer.redirected) return;
    const counts = await answer.json();
    document.querySelectorAll('[data-count]').forEach((entry) => {
      const { count: n = 0, most = false } = counts[entry.dataset.count] ?? {};
      entry.querySelector('.count')?.remove();
      if (!n) return;
      const badge = document.createElement('span');
      badge.className = 'count';
      badge.textContent = most ? `${n}+` : `${n}`;
      entry.append(' ', badge);
    });
  };
  const recount = () => { count().catch(() => {}); };
  if (document.querySelector('[data-count]')) recount();

  // Live: the page is fetched again when something of a kind that it shows has changed, unless that
  // would take away what someone is doing in it.
  const kinds = (document.body.dataset.live ?? '').split(' ').filter(Boolean);
  const content = document.querySelector('#content');
  const busy = () => document.hidden || document.querySelector('dialog[open]') ||
    typing(document.activeElement) || [...content.querySelectorAll('input, textarea')].some(changed);

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    const text = await answer.text();
    if (!answer.ok || answer.redirected || busy()) return;
    const at = document.activeElement?.closest?.('tr')?.querySelector('td a')?.getAttribute('href');
    const notice = content.querySelector(':scope > .notice');
    content.innerHTML = text;
    if (notice) content.prepend(notice);
    window.htmx?.process?.(content);
    if (at) content.querySelector(`td a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  };

  // A table that a person opened beneath a chart stays open when the page is shown anew: then htmx closes it.
  const opened = new Set();
  document.addEventListener('click', ({ target }) => {
    const table = target.closest('.chart summary')?.parentElement;
    if (table) opened[table.open ? 'delete' : 'add'](table.id);
  });
  if (document.querySelector('.chart')) {
    new MutationObserver(() => opened.forEach((id) => document.getElementById(id)?.toggleAttribute('open', true)))
      .observe(document.querySelector('main'), { childList: true, subtree: true, attributeFilter: ['open'] });
  }

  // While someone is at work in the page it stays as it is, and says that there is something new.
  const hint = () => {
    if (document.hidden || document.querySelector('.news, dialog[open]')) return;
    const news = document.createElement('p');
    const link = document.createElement('a');
    news.className = 'news';
    news.setAttribute('role', 'status');
    link.href = location.href;
    link.textContent = 'Show it';
    content.append(news);
    news.append('There is something new. ', link);
  };

  if (kinds.length && window.EventSource) {
    let due = false;
    const look = () => {
      if (!due) return;
      if (busy()) {
        hint();
        return;
      }
      document.querySelector('.news')?.remove();
      due = false;
      refresh().catch(() => { due = true; });
    };
    new EventSource('/live').addEventListener('changed', (e) => {
      if (e.data) recount();
      due = due || e.data.split(' ').some((kind) => kind === 'all' || kinds.includes(kind));
      look();
    });
    document.addEventListener('visibilitychange', look);
    setInterval(look, 2000);
  }
})();
