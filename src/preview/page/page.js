"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const keep = {
    get(area, key) { try { return window[area].getItem(key); } catch { return null; } },
    set(area, key, value) { try { window[area].setItem(key, value); } catch { /* a page without storage works too */ } },
  };
  root.classList.add("js");
  $$(".needs-script").forEach((part) => { part.hidden = false; });

  // Theme: as the system has it, light, dark.
  const themes = ["auto", "light", "dark"];
  const button = $("#theme");
  const dress = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = theme;
    $("span", button).textContent = theme;
    button.setAttribute("aria-label", `Theme: ${theme}. Change it`);
  };
  const kept = keep.get("localStorage", "tenantry-theme");
  let theme = themes.includes(kept) ? kept : "auto";
  dress(theme);
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    keep.set("localStorage", "tenantry-theme", theme);
    dress(theme);
  });

  // A page that came from a server asks whether there is a newer one.
  const served = $('meta[name="preview-version"]');
  if (served) {
    const state = $("#link-state");
    const say = (lost) => {
      state.hidden = false;
      state.classList.toggle("lost", lost);
      const text = lost ? "not connected" : "watching";
      if (state.textContent !== text) state.textContent = text;
    };
    const ask = async () => {
      try {
        const answer = await fetch("/version", { cache: "no-store" });
        const version = (await answer.text()).trim();
        say(!answer.ok);
        if (answer.ok && version !== served.content) {
          keep.set("sessionStorage", "tenantry-scroll", String(window.scrollY));
          window.location.reload();
          return;
        }
      } catch { say(true); }
      window.setTimeout(ask, 800);
    };
    ask();
    const scroll = keep.get("sessionStorage", "tenantry-scroll");
    try { window.sessionStorage.removeItem("tenantry-scroll"); } catch { /* nothing to forget */ }
    // What is wrong stands at the top, and is worth losing the place for.
    if (scroll !== null && !$(".notices li.error")) {
      window.requestAnimationFrame(() => window.scrollTo(0, Number(scroll)));
    }
  }

  const list = $("#list");
  if (!list) return;
  const search = $("#search");
  const panel = $("#panel");
  const flow = $("svg.flow");
  const rows = $$("tr.res", list).map((row) => {
    const more = $(`tr.more[data-for="${row.id}"]`, list);
    const stack = row.closest("tbody").dataset.stack;
    const data = row.dataset;
    const text = [data.id, data.label, data.component, data.kind, data.name, data.arn, data.whose, data.changed, stack];
    return { row, more, stack, data, text: text.join("\n").toLowerCase() };
  });
  const byId = new Map(rows.map((entry) => [entry.row.id, entry]));

  // Groups fold.
  const folded = new Set();
  $$("tbody.group", list).forEach((group) => {
    const words = $(".fold", group);
    const fold = document.createElement("button");
    fold.type = "button";
    fold.className = "fold";
    fold.setAttribute("aria-expanded", "true");
    fold.append(...words.childNodes);
    words.replaceWith(fold);
    fold.addEventListener("click", () => {
      if (!folded.delete(group.id)) folded.add(group.id);
      fold.setAttribute("aria-expanded", String(!folded.has(group.id)));
      filter();
    });
  });

  // Filter.
  const shape = (query) => query.toLowerCase().split(/\s+/).filter(Boolean).map((token) => {
    const at = token.indexOf(":");
    const key = at > 0 ? token.slice(0, at) : "";
    const value = token.slice(at + 1);
    const has = (text) => (text ?? "").toLowerCase().includes(value);
    switch (key) {
      case "type": return (entry) => has(entry.data.kind);
      case "stack": return (entry) => has(entry.stack);
      case "component": return (entry) => has(entry.data.component);
      case "whose": return (entry) => has(entry.data.whose);
      case "name": return (entry) => has(entry.data.name);
      case "changed": return (entry) => entry.data.changed !== "" && has(entry.data.changed);
      case "is": return (entry) => value !== "" && "stateful".startsWith(value) && entry.data.stateful === "yes";
      default: return (entry) => entry.text.includes(token);
    }
  });
  const visible = () => rows.filter((entry) => !entry.row.hidden);
  const filter = () => {
    const tests = shape(search.value);
    let count = 0;
    rows.forEach((entry) => {
      const hit = tests.every((test) => test(entry));
      entry.hit = hit;
      if (hit) count += 1;
      entry.row.hidden = !hit || folded.has(entry.row.closest("tbody").id);
    });
    $$("tbody.group", list).forEach((group) => {
      group.hidden = !rows.some((entry) => entry.hit && entry.row.parentNode === group);
    });
    $("#nothing").hidden = count > 0;
    $("#search-count").textContent = tests.length ? `${count} of ${rows.length} resources` : `${rows.length} resources`;
    if (flow) {
      flow.classList.toggle("filtered", tests.length > 0);
      $$("a.node", flow).forEach((node) => node.classList.toggle("hit", byId.get(node.dataset.row)?.hit === true));
    }
    keep.set("sessionStorage", "tenantry-filter", search.value);
    rove();
  };
  search.addEventListener("input", filter);
  $("#clear").addEventListener("click", () => { search.value = ""; filter(); search.focus(); });

  // Exactly one row is in the order of Tab: the one that had the focus last, or the first.
  let last = null;
  const rove = () => {
    const shown = visible();
    const stop = shown.find((entry) => entry === last) ?? shown[0];
    rows.forEach((entry) => { entry.row.tabIndex = entry === stop ? 0 : -1; });
  };
  const focusRow = (entry) => {
    if (!entry) return;
    last = entry;
    rove();
    entry.row.focus();
    entry.row.scrollIntoView({ block: "nearest" });
  };

  // Sort, within each stack.
  $$("th[data-sort]", list).forEach((head) => {
    const key = head.dataset.sort;
    const sorter = document.createElement("button");
    sorter.type = "button";
    sorter.append(...head.childNodes);
    head.append(sorter);
    sorter.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      $$("th[data-sort]", list).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort((one, other) => {
        const [a, b] = [one.data[key] ?? "", other.data[key] ?? ""];
        // What is empty stands last, whichever way.
        if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
        return a.localeCompare(b, "en", { numeric: true }) * (down ? -1 : 1);
      });
      rows.forEach((entry) => entry.row.parentNode.append(entry.row, entry.more));
      rows.sort((one, other) => (one.row.compareDocumentPosition(other.row) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
      rove();
    });
  });

  // Details.
  let opened = null;
  const light = (id) => {
    if (!flow) return;
    $$(".edge", flow).forEach((edge) => edge.classList.toggle("lit", id !== null && (edge.dataset.from === id || edge.dataset.to === id)));
    $$("a.node", flow).forEach((node) => node.classList.toggle("chosen", node.dataset.row === id));
  };
  const close = (back) => {
    if (!opened) return false;
    const entry = opened;
    opened = null;
    entry.row.classList.remove("chosen");
    entry.row.removeAttribute("aria-current");
    panel.hidden = true;
    light(null);
    if (back) focusRow(entry);
    return true;
  };
  const open = (entry, go) => {
    close(false);
    if (entry.row.hidden) {
      search.value = "";
      folded.clear();
      $$("button.fold", list).forEach((fold) => fold.setAttribute("aria-expanded", "true"));
      filter();
    }
    opened = entry;
    last = entry;
    rove();
    entry.row.classList.add("chosen");
    entry.row.setAttribute("aria-current", "true");
    $("#panel-title").textContent = entry.data.label;
    $("#panel-body").replaceChildren($(".detail", entry.more).cloneNode(true));
    panel.hidden = false;
    panel.scrollTop = 0;
    light(entry.row.id);
    if (go) panel.focus({ preventScroll: true });
  };
  $("#panel-close").addEventListener("click", () => close(true));
  rows.forEach((entry) => {
    entry.row.addEventListener("click", (event) => {
      if (!event.target.closest("a, button")) open(entry, false);
    });
    entry.row.addEventListener("focus", () => { last = entry; rove(); });
  });
  // Links to a row, from the diagram and elsewhere, open it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#r-"]');
    const entry = link && byId.get(link.getAttribute("href").slice(1));
    if (!entry) return;
    event.preventDefault();
    open(entry, true);
    entry.row.scrollIntoView({ block: "center" });
  });
  if (flow) {
    $$("a.node", flow).forEach((node) => {
      const show = () => { if (!opened) light(node.dataset.row); };
      const hide = () => { if (!opened) light(null); };
      node.addEventListener("mouseenter", show);
      node.addEventListener("mouseleave", hide);
      node.addEventListener("focus", show);
      node.addEventListener("blur", hide);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const within = event.target;
    if (event.key === "Escape") {
      if (within === search && search.value) { search.value = ""; filter(); event.preventDefault(); return; }
      if (close(true)) event.preventDefault();
      else if (within === search) search.blur();
      return;
    }
    if (within.matches("input, textarea, select")) {
      if (within === search && (event.key === "ArrowDown" || event.key === "Enter")) {
        event.preventDefault();
        focusRow(visible()[0]);
      }
      return;
    }
    if (event.key === "/") { event.preventDefault(); search.focus(); search.select(); return; }
    const onRow = within.closest("tr.res");
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const letter = event.key === "j" || event.key === "k";
    if (step && (onRow || letter)) {
      event.preventDefault();
      const shown = visible();
      const at = shown.findIndex((entry) => entry.row === onRow);
      const from = at >= 0 ? at + step : Math.max(shown.indexOf(last), 0);
      const next = shown[Math.min(Math.max(from, 0), shown.length - 1)];
      const moved = opened !== null;
      focusRow(next);
      if (moved && next) open(next, false);
      return;
    }
    if (!onRow) return;
    const shown = visible();
    if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      focusRow(shown[event.key === "Home" ? 0 : shown.length - 1]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(byId.get(onRow.id), true);
    }
  });

  const query = keep.get("sessionStorage", "tenantry-filter");
  if (served && query) search.value = query;
  filter();
  const named = byId.get(window.location.hash.slice(1));
  if (named) open(named, false);
})();
