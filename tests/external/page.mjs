// Drives the page of `tenantry preview` in headless Chromium and checks what a person would see and do: one JSON object with
// findings on standard output. An empty list of `wrong` is what is asked for.
//
//   node tests/external/page.mjs FOLDER CHROMIUM SHOTS NAME=URL...
//
// FOLDER is where npm installed playwright-core: target/tools/node. URL is a page as a file or from a server; screenshots
// go to SHOTS. With NAME `served`, lines on standard input tell what has been done to the blueprint: `changed`, `broken`,
// `mended`; each is answered by a line when the page has seen it.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { pinned } from "./pins.mjs";

const version = "1.65.1";

const [folder, chromium, shots, ...pages] = process.argv.slice(2);
const modules = join(pinned("page.mjs", folder, [`playwright-core@${version}`]), "playwright-core");
const { chromium: browser } = await import(pathToFileURL(join(modules, "index.mjs")).href);

const wrong = [];
const check = (page, holds, what) => { if (!holds) wrong.push(`${page}: ${what}`); };

/// Opens a page in a context of its own, and notes whatever it complains about or asks for.
async function open(context, name, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const origin = new URL(url);
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(`${name}: console: ${message.text()}`); });
  page.on("pageerror", (error) => wrong.push(`${name}: script: ${error.message}`));
  page.on("dialog", (dialog) => { wrong.push(`${name}: a dialog said ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const asked = new URL(request.url());
    const own = asked.href.split("#")[0] === origin.href.split("#")[0] || asked.protocol === "data:";
    const version = origin.protocol === "http:" && asked.origin === origin.origin && asked.pathname === "/version";
    if (!own && !version) wrong.push(`${name}: asked for ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "load" });
  return page;
}

/// Texts whose contrast against what is behind them is too low: WCAG 2.2, 1.4.3.
const contrast = () => {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return { r: numbers[0], g: numbers[1], b: numbers[2], a: numbers.length > 3 ? numbers[3] : 1 };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const light = ({ r, g, b }) => {
    const linear = (value) => { const part = value / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.a > 0) layers.push(color);
      if (color.a === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  // In a picture it is the shape that the text stands on.
  const shape = (element) => {
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let below = behind(element.closest("svg"));
    for (const rect of element.closest("svg").querySelectorAll("rect, circle")) {
      const area = rect.getBoundingClientRect();
      if (x < area.left || x > area.right || y < area.top || y > area.bottom) continue;
      const style = getComputedStyle(rect);
      if (style.fill === "none") continue;
      const fill = parse(style.fill);
      below = over({ ...fill, a: fill.a * Number(style.fillOpacity) }, below);
    }
    return below;
  };
  const low = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.textContent.trim() || ["SCRIPT", "STYLE", "TITLE", "title"].includes(element.tagName)) continue;
    if (!element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true })) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || box.right < 0) continue;
    const style = getComputedStyle(element);
    const drawn = element.closest("svg") !== null;
    const below = drawn ? shape(element) : behind(element);
    const color = over(parse(drawn ? style.fill : style.color), below);
    const [one, other] = [light(color), light(below)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    seen += 1;
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} "${node.textContent.trim().slice(0, 40)}" (${style.color} on ${Object.values(below).map(Math.round)})`);
  }
  return { seen, low: [...new Set(low)] };
};

async function looks(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const details of await page.locator("details.card").all()) await details.evaluate((part) => { part.open = true; });
    const { seen, low } = await page.evaluate(contrast);
    check(name, seen > 20, `only ${seen} texts were looked at`);
    low.forEach((text) => wrong.push(`${name}, ${scheme}: contrast ${text}`));
    for (const details of await page.locator("details.card").all()) await details.evaluate((part) => { part.open = false; });
    await page.screenshot({ path: join(shots, `${name}-${scheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/// What has a name for those who cannot see it, and what is only there once.
async function names(page, name) {
  const nameless = await page.evaluate(() => {
    const bad = [];
    document.querySelectorAll("a, button, input, section, aside, table, svg.flow, [role]").forEach((element) => {
      if (element.closest("[hidden]")) return;
      const text = element.getAttribute("aria-label") ?? element.textContent.trim();
      const labelled = element.getAttribute("aria-labelledby");
      const label = element.labels?.length > 0;
      if (!text && !labelled && !label) bad.push(element.outerHTML.slice(0, 80));
    });
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => bad.push(`id ${id} stands twice`));
    document.querySelectorAll('a[href^="#"]').forEach((link) => {
      if (!document.getElementById(link.getAttribute("href").slice(1))) bad.push(`${link.getAttribute("href")} leads nowhere`);
    });
    if (document.querySelectorAll("h1").length !== 1) bad.push("there is not one h1");
    if (document.documentElement.lang !== "en") bad.push("the page says no language");
    return bad;
  });
  nameless.forEach((text) => wrong.push(`${name}: ${text}`));
}

const shown = (page) => page.locator("tr.res:not([hidden])").count();
const focused = (page) => page.evaluate(() => document.activeElement?.id ?? "");
const said = (page) => page.locator("#search-count").textContent();

/// Search and filter, with the keyboard alone.
async function keyboard(page, name) {
  const all = await shown(page);
  check(name, all > 3, `only ${all} resources`);
  await page.keyboard.press("Tab");
  check(name, (await page.evaluate(() => document.activeElement?.className)) === "skip", "the first stop of Tab is not the skip link");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check(name, outline !== "none", "the focus cannot be seen");
  await page.keyboard.press("Enter");
  check(name, (await focused(page)) === "main", "the skip link does not lead to the content");
  await page.keyboard.press("/");
  check(name, (await focused(page)) === "search", "`/` does not lead to the search");
  await page.keyboard.type("type:dynamodb");
  const tables = await shown(page);
  const kinds = await page.locator("tr.res:not([hidden])").evaluateAll((rows) => rows.map((row) => row.dataset.kind));
  check(name, tables < all && kinds.every((kind) => kind.startsWith("AWS::DynamoDB::")), `type: let through ${kinds}`);
  check(name, (await said(page)) === `${tables} of ${all} resources`, `the count says ${await said(page)}`);
  await page.keyboard.press("Escape");
  check(name, (await shown(page)) === all, "Esc does not clear the search");
  await page.keyboard.type("nothing-is-called-so");
  check(name, (await shown(page)) === 0 && (await page.locator("#nothing").isVisible()), "nothing matches, and the page does not say so");
  await page.keyboard.press("Escape");
  await page.keyboard.type("is:stateful whose:");
  const stateful = await page.locator("tr.res:not([hidden])").evaluateAll((rows) => rows.map((row) => row.dataset.stateful));
  check(name, stateful.every((word) => word === "yes") && stateful.length < all, "is:stateful lets others through");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowDown");
  const first = await focused(page);
  check(name, first.startsWith("r-"), "the arrow does not lead from the search to the rows");
  await page.keyboard.press("j");
  const second = await focused(page);
  await page.keyboard.press("k");
  check(name, second !== first && (await focused(page)) === first, "j and k do not go through the rows");
  await page.keyboard.press("End");
  const last = await focused(page);
  await page.keyboard.press("ArrowDown");
  check(name, last !== first && (await focused(page)) === last, "the rows do not end at their end");
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  check(name, (await page.locator("#panel").isVisible()) && (await focused(page)) === "panel", "Enter does not open the details");
  const title = await page.locator("#panel-title").textContent();
  const label = await page.locator(`#${first}`).getAttribute("data-label");
  check(name, title === label, `the details are those of ${title}, not of ${label}`);
  await page.screenshot({ path: join(shots, `${name}-details.png`) });
  await page.keyboard.press("Escape");
  check(name, !(await page.locator("#panel").isVisible()) && (await focused(page)) === first, "Esc does not lead back to the row");
  const stops = await page.locator('tr.res[tabindex="0"]').count();
  check(name, stops === 1, `${stops} rows are stops of Tab`);
  // The picture is a way to the rows too.
  const nodes = page.locator("svg.flow a.node");
  if ((await nodes.count()) > 0) {
    await nodes.first().focus();
    await page.keyboard.press("Enter");
    const row = await nodes.first().getAttribute("data-row");
    check(name, (await page.locator(`#${row}`).getAttribute("aria-current")) === "true", "a node does not open its row");
    await page.keyboard.press("Escape");
  }
  // Sorting, by keys.
  const sorter = page.locator('th[data-sort="kind"] button');
  await sorter.focus();
  await page.keyboard.press("Enter");
  const group = await page.locator("tbody.group").first().locator("tr.res").evaluateAll((rows) => rows.map((row) => row.dataset.kind));
  check(name, JSON.stringify(group) === JSON.stringify([...group].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))), "the rows are not sorted");
  check(name, (await page.locator('th[data-sort="kind"]').getAttribute("aria-sort")) === "ascending", "the order is not said");
  const fold = page.locator("button.fold").first();
  await fold.focus();
  await page.keyboard.press("Enter");
  check(name, (await shown(page)) < all && (await fold.getAttribute("aria-expanded")) === "false", "a stack does not fold");
  await page.keyboard.press("Enter");
  check(name, (await shown(page)) === all, "a stack does not unfold");
}

async function theme(page, name) {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.locator("#theme").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  const dark = await paper();
  check(name, (await page.evaluate(() => document.documentElement.dataset.theme)) === "dark" && dark !== before, "the theme does not change");
  await page.reload();
  check(name, (await paper()) === dark, "the theme is not kept");
  await page.locator("#theme").focus();
  await page.keyboard.press("Enter");
  check(name, (await paper()) === before, "the theme does not go back to the system's");
}

/// Nothing that somebody wrote into a blueprint may act.
async function inert(page, name) {
  const acted = await page.evaluate(() => ({
    ran: window.pwned === true,
    scripts: document.querySelectorAll("script").length,
    images: document.querySelectorAll("img, iframe, object, embed, form").length,
    handlers: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
    links: [...document.querySelectorAll("[href]")].map((link) => link.getAttribute("href")).filter((href) => !href.startsWith("#") && href !== "data:,"),
  }));
  check(name, !acted.ran && acted.scripts === 1 && acted.images === 0 && acted.handlers === 0, `text acts: ${JSON.stringify(acted)}`);
  check(name, acted.links.length === 0, `links lead out: ${acted.links}`);
}

// It makes a profile of its own, and takes it away at its end.
const chrome = await browser.launch({
  executablePath: chromium,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const context = await chrome.newContext({ viewport: { width: 1360, height: 900 } });
const unscripted = await chrome.newContext({ viewport: { width: 1360, height: 900 }, javaScriptEnabled: false });
try {
  for (const entry of pages) {
    const at = entry.indexOf("=");
    const [name, url] = [entry.slice(0, at), entry.slice(at + 1)];
    const page = await open(context, name, url);
    if (name === "served") {
      check(name, (await page.locator("#link-state").textContent()) !== null, "the page does not say that it watches");
      await page.locator("#search").fill("orders");
      console.log("ready");
      for await (const line of createInterface({ input: process.stdin })) {
        const before = Number(await page.locator('meta[name="preview-version"]').getAttribute("content"));
        console.log(`seen ${before}`);
        await page.waitForFunction((old) => Number(document.querySelector('meta[name="preview-version"]').content) > old, before, { timeout: 60000 });
        const text = await page.locator("main").innerText();
        if (line === "changed") {
          check(name, (await page.locator("#changes").count()) === 1 && /updated|replaced/.test(await page.locator("#changes").innerText()), "the change is not shown");
          check(name, (await page.locator("#search").inputValue()) === "orders", "the filter was lost when the page was made anew");
          await page.locator("#search").fill("changed:");
          check(name, (await shown(page)) > 0, "changed: finds nothing");
          await page.screenshot({ path: join(shots, "served-changed.png"), fullPage: true });
          await page.locator("#search").fill("");
        } else if (line === "broken") {
          check(name, text.includes("shown is how it was before") && (await page.locator(".notices li.error").count()) > 0, "the findings are not shown");
          await page.screenshot({ path: join(shots, "served-broken.png") });
        } else {
          check(name, (await page.locator(".notices").count()) === 0, "findings stay after they were mended");
        }
        console.log(line);
      }
    } else {
      await names(page, name);
      await inert(page, name);
      await looks(page, name);
      await keyboard(page, name);
      await page.setViewportSize({ width: 390, height: 844 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(name, wide <= 0, `on a narrow screen the page is ${wide} pixels too wide`);
      await page.screenshot({ path: join(shots, `${name}-narrow.png`), fullPage: true });
      await page.setViewportSize({ width: 1360, height: 900 });
      await theme(page, name);
    }
    await page.close();
    if (name !== "served") {
      // Without the script, everything can be read.
      const plain = await unscripted.newPage();
      await plain.goto(url);
      const resources = await plain.locator("tr.res").count();
      const details = await plain.locator("tr.more details").count();
      check(name, resources > 0 && resources === details && (await plain.locator("tr.more summary").first().isVisible()), "without the script the details cannot be opened");
      await plain.emulateMedia({ media: "print" });
      check(name, !(await plain.locator(".bar").isVisible()) && (await plain.locator("h1").isVisible()), "the print has what only a screen needs");
      await plain.close();
    }
  }
} catch (error) {
  wrong.push(`the test ended: ${error.message}`);
} finally {
  await chrome.close();
}
console.log(JSON.stringify({ wrong }));
