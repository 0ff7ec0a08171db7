"use strict";
// The desk's keyboard, live arrivals, and small conveniences. Everything works without it, too.
(() => {
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const one = (selector, from = document) => from.querySelector(selector);
  const language = document.documentElement.lang;

  // Times in the zone of the person; the same length as the server's words, so that nothing moves.
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
  const year = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });
  const full = new Intl.DateTimeFormat(language, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  });
  const localise = (element) => {
    const at = new Date(element.dateTime);
    const age = Date.now() - at;
    if (element.dataset.style === "full") element.textContent = full.format(at);
    else if (age >= 0 && age < 20 * 3600e3) element.textContent = hour.format(at);
    else element.textContent = (age > 300 * 86400e3 ? year : day).format(at);
    element.title = full.format(at);
  };
  all("time[datetime]").forEach(localise);

  // Filters apply at once. Empty fields stay out of the address.
  const send = (form) => {
    if (form.method === "get") for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    form.requestSubmit ? form.requestSubmit() : form.submit();
  };
  for (const field of all("[data-send]")) {
    field.addEventListener("change", () => send(field.form));
    const button = one("button.small", field.form);
    if (button) button.hidden = true;
  }
  const filters = one("[data-filters]");
  if (filters && matchMedia("(min-width: 900px)").matches) filters.open = true;
  else if (filters) filters.open = false;

  // A menu closes when one clicks elsewhere or presses Escape.
  const menus = () => all("details.self[open], details.others[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });

  // What was done is told once: a reload does not tell it again.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
    const back = address.pathname + address.search;
    for (const field of all('input[name="back"]')) field.value = back;
  }

  // The queue: choose, move, act.
  const queue = one("[data-queue]");
  const rows = all("[data-row]");
  let at = -1;
  const chosen = () => all('input[name="id"]:checked', queue || document);
  const told = one("[data-chosen]");
  const hint = told && told.textContent;
  const recount = () => {
    if (!queue) return;
    const n = chosen().length;
    one("[data-bulk]").classList.toggle("active", n > 0);
    told.textContent = n ? String(n) : hint;
    for (const row of rows) row.classList.toggle("chosen", one("input", row).checked);
  };
  if (queue) {
    one("[data-bulk]").classList.add("ready");
    queue.addEventListener("change", (event) => {
      if (event.target.matches("[data-all]"))
        for (const box of all('input[name="id"]', queue)) box.checked = event.target.checked;
      recount();
    });
    recount();
  }
  const move = (step) => {
    if (!rows.length) return;
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows.forEach((row, index) => row.classList.toggle("at", index === at));
    const link = one(".row-text", rows[at]);
    link.focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  for (const [index, row] of rows.entries()) row.addEventListener("focusin", () => { at = index; });
  const press = (action) => {
    if (queue && at >= 0 && !chosen().length) one("input", rows[at]).checked = true;
    const button = one(`button[value="${action}"]`, queue || one("[data-acts]") || document);
    if (button && (!queue || chosen().length)) button.click();
  };

  // One message: layers of marks, the original on demand.
  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.show;
      for (const other of all("[data-show]")) other.setAttribute("aria-pressed", String(other === button));
      for (const layer of all("[data-layer]")) layer.hidden = layer.dataset.layer !== name;
      for (const layer of all("[data-layer-more]")) layer.hidden = layer.dataset.layerMore !== name;
    });
  }
  for (const fold of all("[data-original]")) {
    fold.addEventListener("toggle", () => {
      const frame = one("iframe", fold);
      if (fold.open && !frame.src) frame.src = fold.dataset.original;
    });
  }

  // Keyboard.
  const help = one("#keys");
  for (const button of all("[data-keys]")) button.addEventListener("click", () => help.showModal());
  const go = (path) => { if (path) location.assign(path); };
  const message = one("[data-message]");
  const acts = {
    j: () => (message ? go(message.dataset.next) : move(1)),
    k: () => (message ? history.back() : move(-1)),
    x: () => { if (queue && at >= 0) { one("input", rows[at]).click(); } },
    a: () => press("take"),
    c: () => press(one('button[value="close"]') ? "close" : "reopen"),
    s: () => press("snooze"),
    u: () => message && go(message.dataset.back),
    n: () => { const note = one("[data-note]"); if (note) note.focus(); },
    "/": () => { const search = one("[data-search]"); if (search) search.focus(); },
    "?": () => help && help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) menu.open = false;
      if (event.target.matches("input, textarea")) event.target.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select") || (help && help.open)) return;
    const keyed = /^[a-z0-9]$/.test(event.key) && one(`[data-key="${event.key}"]`);
    const act = keyed ? () => keyed.click() : acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // A model that answers less is right more often: the point that the slider stands at.
  for (const slider of all("[data-curve]")) {
    const [points, places] = [JSON.parse(slider.dataset.curve), JSON.parse(slider.dataset.xy)];
    const whole = slider.closest("[data-coverage]");
    const show = () => {
      const words = points[slider.value].map((share, i) => `${(share * 100).toFixed(i ? 1 : 0)}%`);
      all("output", whole).forEach((output, i) => { output.textContent = words[i]; });
      ["cx", "cy"].forEach((name, i) => one("circle", whole).setAttribute(name, places[slider.value][i]));
      slider.setAttribute("aria-valuetext", words.slice(0, 2).join(", "));
    };
    slider.addEventListener("input", show);
    show();
  }

  // What moves is shown as it stands now, unless somebody is at it.
  const live = one("[data-live]");
  const renew = async () => {
    if (live.dataset.live !== "moving") return;
    if (!document.hidden && !live.contains(document.activeElement)) {
      const answer = await fetch(location.href).catch(() => null);
      const fresh = answer && answer.ok
        ? one("[data-live]", new DOMParser().parseFromString(await answer.text(), "text/html")) : null;
      if (fresh) {
        live.replaceChildren(...fresh.childNodes);
        live.dataset.live = fresh.dataset.live;
        all("time[datetime]", live).forEach(localise);
      }
    }
    setTimeout(renew, 3_000);
  };
  if (live) setTimeout(renew, 3_000);

  // Live arrivals: counted, never pushed into what one is reading.
  const arrived = one("[data-arrived]");
  if (arrived && window.EventSource) {
    let n = 0;
    const source = new EventSource("/events");
    source.addEventListener("arrival", () => {
      n += 1;
      one("[data-arrived-number]").textContent = n;
      arrived.hidden = false;
    });
    addEventListener("pagehide", () => source.close());
  }
})();
