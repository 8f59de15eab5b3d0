// Baton — pages that follow what others do. The server says only that something changed; what is shown is asked for again at the
// same addresses as ever. Without this script, or without the stream, every page works as it is and shows what was when it was read.
(() => {
  "use strict";
  const address = document.body?.dataset.live;
  if (!address || !window.EventSource) return;
  const $ = (s, root = document) => root.querySelector(s);
  const $$ = (s, root = document) => [...root.querySelectorAll(s)];
  const say = (text) => { const live = $("#live"); if (live) { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 60); } };
  const number = () => $("#thread[data-number]")?.dataset.number || "";

  // Asking again. It is no visit of the person's, and takes no notice that is meant for the page they go to next.
  const ask = async (url, target) => {
    const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": target, "Baton-Live": "1" } });
    const away = answer.headers.get("HX-Redirect");
    if (away) { leave(); return null; }
    if (!answer.ok) return answer.status === 404 ? false : null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  // Where somebody who is no longer logged in goes; they come back here afterwards.
  const leave = () => { stop(); location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search)); };

  // Two pieces of a page are the same if they say the same: tokens of forms differ each time.
  const plain = (node) => {
    const copy = node.cloneNode(true);
    $$("input[name=csrf_token]", copy).forEach((i) => i.setAttribute("value", ""));
    $$("[aria-expanded]", copy).forEach((n) => n.setAttribute("aria-expanded", "false"));
    $$("details[open]", copy).forEach((n) => n.removeAttribute("open"));
    return copy;
  };
  // As the page would have been written, had it been asked for with what is chosen there now.
  const marked = (node) => { const copy = node.cloneNode(true); $$("input[type=radio]", node).forEach((n, i) => $$("input[type=radio]", copy)[i].toggleAttribute("checked", n.checked)); return copy; };
  const same = (a, b) => plain(a).isEqualNode(plain(b));
  const adopt = (node) => document.importNode(node, true);
  const swap = (old, node) => { const own = adopt(node); old.replaceWith(own); window.htmx?.process(own); return own; };
  // Makes a list of children what a new one is, without touching those that are the same: they keep focus, selection and place.
  const follow = (box, fresh, key, each = () => {}) => {
    const old = new Map([...box.children].map((n) => [key(n), n]));
    let at = box.firstElementChild;
    for (const node of [...fresh.children]) {
      const name = key(node), known = old.get(name);
      old.delete(name);
      if (known && same(known, node)) {
        if (known === at) at = at.nextElementSibling; else box.insertBefore(known, at);
        continue;
      }
      const own = adopt(node);
      if (known === at) at = at.nextElementSibling;
      if (known) { each(known, own); known.replaceWith(own); if (own !== at?.previousElementSibling) box.insertBefore(own, at); } else box.insertBefore(own, at);
      window.htmx?.process(own);
    }
    old.forEach((n) => n.remove());
  };

  // One question at a time, and one more if something changed meanwhile.
  const once = (work) => {
    let running = false, again = false;
    const run = async () => {
      if (running) { again = true; return; }
      running = true;
      try {
        do { again = false; if (!document.hidden) await work(); } while (again);
      } catch { /* the next change tries again */ } finally { running = false; }
    };
    return run;
  };
  // What the person themselves has just asked for goes first.
  const idle = async () => { for (let i = 0; i < 20 && $("#main .htmx-request"); i++) await new Promise((r) => setTimeout(r, 100)); };

  // Lists and their numbers. While rows are selected they stay as they are, and a button says that there is more.
  const pill = (show) => {
    const results = $("#results"), there = $("#list-changed");
    if (!show) { there?.remove(); return; }
    if (there || !results) return;
    const b = document.createElement("button");
    b.type = "button"; b.id = "list-changed"; b.className = "btn btn-sm live-pill"; b.textContent = "This list changed – refresh";
    b.addEventListener("click", () => { b.remove(); rows(true); });
    results.prepend(b);
    say("This list changed");
  };
  const refreshList = once(() => rows(false));
  const rows = async (anyway) => {
    await idle();
    const results = $("#results"), here = results?.getAttribute("hx-get");
    if (!here) return;
    const page = await ask(here, "results");
    // Another list may have been opened meanwhile.
    const now = $("#results");
    if (!page || !now || now.getAttribute("hx-get") !== here) return;
    const [views, title] = [$("#views"), $("#list-title")], fresh = { views: $("#views", page), title: $("#list-title", page), results: $("#results", page) };
    if (!fresh.results) return;
    if (views && fresh.views && !views.contains(document.activeElement) && !views.matches(":popover-open") && !same(views, fresh.views)) views.replaceChildren(...[...fresh.views.childNodes].map(adopt));
    const count = title && $(".count", title), newCount = fresh.title && $(".count", fresh.title);
    if (count && newCount) count.replaceChildren(...[...newCount.childNodes].map(adopt));
    const list = $("ul.convs", now), newList = $("ul.convs", fresh.results);
    const on = $$("input[data-row]:checked", now).map((b) => b.value);
    const open = number();
    $$("[data-item]", fresh.results).forEach((row) => {
      if (row.dataset.number !== open) return;
      row.classList.add("is-open"); row.classList.remove("unread"); $("a", row)?.setAttribute("aria-current", "true");
    });
    const changed = !list || !newList || list.children.length !== newList.children.length || [...list.children].some((row, i) => !same(row, newList.children[i]));
    if (!changed) { pill(false); return; }
    if (on.length > 0 && !anyway) { pill(true); return; }
    const focused = document.activeElement?.closest?.("#results [data-item]"), at = focused ? $$("[data-item]", now).indexOf(focused) : -1, box = document.activeElement?.matches?.("input[data-row]");
    if (list && newList) {
      follow(list, newList, (row) => row.dataset.number);
      const bulk = $("#bulk-form", now), newBulk = $("#bulk-form", fresh.results);
      if (bulk && newBulk && !same(bulk, newBulk)) swap(bulk, newBulk);
      const foot = $(".list-foot", now), newFoot = $(".list-foot", fresh.results);
      if (foot && newFoot) { if (!same(foot, newFoot)) swap(foot, newFoot); } else if (foot) foot.remove(); else if (newFoot) $(".list-scroll", now)?.append(adopt(newFoot));
    } else {
      now.replaceChildren(...[...fresh.results.childNodes].map(adopt));
      window.htmx?.process(now);
    }
    pill(false);
    const items = $$("[data-item]", now);
    if (on.length) { items.forEach((row) => { const b = $("input[data-row]", row); if (b && on.includes(b.value)) b.checked = true; }); }
    document.dispatchEvent(new CustomEvent("baton:selection"));
    if (at >= 0 && !now.contains(document.activeElement)) {
      const row = items.find((row) => row.dataset.number === focused.dataset.number) || items[Math.min(at, items.length - 1)];
      (row && (box ? $("input[data-row]", row) : $("a", row)))?.focus({ preventScroll: true });
    }
  };

  // The open conversation: its head and its messages. What is being typed is never touched.
  const busy = (part) => part.contains(document.activeElement) || $(":popover-open", part) !== null;
  let later = 0;
  const refreshThread = once(async () => {
    await idle();
    const of = number();
    if (!of) return;
    const here = location.pathname === `/conversations/${of}` ? location.pathname + location.search : `/conversations/${of}`;
    const page = await ask(here, "thread");
    const thread = $("#thread"), fresh = page && $("#thread", page);
    if (number() !== of || !thread) return;
    if (page === false) { $("#presence")?.replaceChildren("This conversation is no longer yours to see."); return; }
    if (!fresh) return;
    const head = $(".thread-head", thread), newHead = $(".thread-head", fresh);
    if (head && newHead && !same(head, newHead)) {
      if (busy(head)) { clearTimeout(later); later = setTimeout(refreshThread, 2000); } else swap(head, newHead);
    }
    const box = $(".thread-in", thread), newBox = $(".thread-in", fresh), scroll = $("[data-end]", thread);
    if (box && newBox) {
      const atEnd = scroll && scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
      const before = new Set($$(".msg", box).map((n) => n.id));
      let events = 0, freshEvents = 0;
      const key = (n) => n.id || `event ${n.parentNode === box ? events++ : freshEvents++}`;
      follow(box, newBox, key, (old, own) => $$("details", old).forEach((d, i) => { const mine = $$("details", own)[i]; if (mine) mine.open = d.open; }));
      const added = $$(".msg", box).filter((n) => !before.has(n.id));
      if (atEnd && scroll) scroll.scrollTop = scroll.scrollHeight;
      if (added.length) say(`New message from ${($(".msg-head .name, .msg-head .from", added.at(-1)) || added.at(-1)).textContent.trim()}`);
    }
    const composer = $(".composer", thread), newComposer = $(".composer", fresh), typed = composer && $$("textarea", composer).some((t) => t.value.trim() !== "");
    const silent = $(".silent", thread), newSilent = $(".silent", fresh);
    if (!composer !== !newComposer && !typed && !(composer && busy(composer))) {
      const last = thread.lastElementChild, newLast = fresh.lastElementChild;
      if (last && newLast) { swap(last, newLast); presence(); }
      return;
    }
    // What people left, and what may be written, follow too; the text that is being typed stays.
    const left = $(".left-drafts", thread), newLeft = $(".left-drafts", fresh);
    if (left && newLeft && !busy(left)) follow(left, newLeft, (n) => n.id, (old, own) => { const was = $("details", old), is = $("details", own); if (was && is) is.open = was.open; });
    if (composer && newComposer) {
      for (const part of [".composer-head", ".composer-buttons"]) {
        const old = $(part, composer), now = $(part, newComposer);
        if (!old || !now || busy(old)) continue;
        const kind = $("[name=kind]:checked", old)?.value, own = adopt(now), still = kind && $(`[name=kind][value=${kind}]`, own);
        if (still && !still.checked) { $$("[name=kind]", own).forEach((n) => n.toggleAttribute("checked", n === still)); }
        // Somebody who was writing a note must not find an answer there.
        if ((kind && !still && typed) || same(marked(old), own)) continue;
        old.replaceWith(own);
        window.htmx?.process(own);
        $$("[name=kind]", own).forEach((n) => { n.checked = n.hasAttribute("checked"); });
      }
      for (const name of ["action", "hx-post"]) composer.setAttribute(name, newComposer.getAttribute(name));
      window.htmx?.process(composer);
    }
    if (!silent !== !newSilent || (silent && newSilent && !same(silent, newSilent))) {
      silent?.remove();
      if (newSilent) thread.lastElementChild?.prepend(adopt(newSilent));
    }
  });

  // Who else is at the conversation. It fades by itself.
  let fading = 0;
  const presence = once(async () => {
    const of = number(), box = $("#presence");
    clearTimeout(fading);
    if (!of || !box) return;
    const page = await ask(`/conversations/${of}/presence`, "presence");
    if (!page || number() !== of || !box.isConnected) return;
    const words = [...page.body.childNodes].map(adopt);
    if (page.body.textContent.trim() !== box.textContent.trim()) box.replaceChildren(...words);
    if ($(".is-writing", box)) fading = setTimeout(presence, 5000); else if (box.textContent.trim()) fading = setTimeout(presence, 40000);
  });
  let told = 0, writing = "";
  const tell = (form, doing) => {
    const token = $("input[name=csrf_token]", form)?.value, of = number();
    if (!token || !of) return;
    writing = doing === "writing" ? of : "";
    fetch(`/conversations/${of}/presence`, { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams({ csrf_token: token, doing }), keepalive: true }).catch(() => {});
  };
  document.addEventListener("input", (e) => {
    const form = e.target.closest?.(".composer");
    if (!form || !e.target.matches("textarea, [contenteditable]")) return;
    const empty = (e.target.value ?? e.target.textContent).trim() === "", now = Date.now();
    if (empty) { if (writing) tell(form, "paused"); told = 0; return; }
    if (now - told > 4000 || writing !== number()) { told = now; tell(form, "writing"); }
  });

  // The stream: one for each page that can be seen. A hidden page needs none, and catches up when it is shown again.
  let source = null, of = "", wait = 1000, timer = 0, missed = false;
  // An older stream is kept until the new one is there, so that nothing is missed; however quickly they follow, none is forgotten.
  const streams = new Set();
  const closeBut = (one) => streams.forEach((s) => { if (s !== one) { s.close(); streams.delete(s); } });
  const stop = () => { clearTimeout(timer); closeBut(null); source = null; };
  const catchUp = () => { refreshList(); refreshThread(); presence(); document.body.dispatchEvent(new CustomEvent("baton:job")); };
  const start = () => {
    clearTimeout(timer);
    if (document.hidden) return;
    of = number();
    const mine = source = new EventSource(of ? `${address}?conversation=${of}` : address);
    streams.add(mine);
    mine.addEventListener("open", () => { if (mine !== source) { mine.close(); streams.delete(mine); return; } closeBut(mine); wait = 1000; if (missed) { missed = false; catchUp(); } });
    mine.addEventListener("inbox", () => refreshList());
    mine.addEventListener("conversation", () => refreshThread());
    mine.addEventListener("presence", () => presence());
    mine.addEventListener("job", () => document.body.dispatchEvent(new CustomEvent("baton:job")));
    mine.addEventListener("gone", leave);
    // This one was forgotten among many; it comes back when it is looked at again.
    mine.addEventListener("retired", () => { if (mine !== source) { mine.close(); streams.delete(mine); return; } stop(); missed = true; });
    mine.addEventListener("error", async () => {
      if (mine !== source) return;
      missed = true;
      if (mine.readyState !== EventSource.CLOSED) return;
      stop();
      // Logged out, or a server that is just not there?
      const answer = await fetch(address, { method: "HEAD", redirect: "manual" }).catch(() => null);
      if (answer?.type === "opaqueredirect") { leave(); return; }
      wait = Math.min(wait * 2, 60000);
      timer = setTimeout(start, wait);
    });
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) { stop(); missed = true; } else if (!source) start(); });
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (e) => { if (e.persisted) { missed = true; start(); } });
  document.addEventListener("htmx:afterSettle", () => { if (source && number() !== of) start(); });
  start();
})();
