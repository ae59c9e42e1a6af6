// The figure that the reader steps through. Reads the JSON in each .stepper; names from a user's table become
// text only (textContent), never markup. No library, no request.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const SHADES = ["0072b2", "e69f00", "009e73", "cc79a7", "d55e00", "56b4e9"]; // of the classes A, B, ...
  const LINES = [["d55e00", "6 4"], ["0072b2", ""], ["009e73", "2 3"]]; // of the starts: colour and dashes
  const FULL = 0.6; // of a colour at most: the number on it has to stay legible
  const FAINT = 0.001; // weights of this size begin to show
  const HEIGHT = 210;
  const ROOM = { left: 58, right: 14, top: 26, bottom: 40 };

  const element = (parent, tag, words = "", attributes = {}) => {
    const made = parent.namespaceURI === SVG || tag === "svg"
      ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (words !== "") made.textContent = words;
    parent.append(made);
    return made;
  };
  const brief = (value, digits) =>
    value === null ? "–" : String(Number(value.toPrecision(digits))).replace("-", "−");
  const colour = (hex) => `var(--c${hex})`;
  const capital = (text) => text[0].toUpperCase() + text.slice(1);

  // One table a run: a column is a unit. Returns a function that shows a moment.
  const tableOf = (parent, run, rows, strongest) => {
    const table = element(parent, "table");
    element(table, "caption", capital(run.name));
    const head = element(element(table, "thead"), "tr");
    element(head, "th", "hidden unit", { scope: "col" });
    const letters = run.units[0].map(() => element(head, "th", "", { scope: "col", class: "letter" }));
    const body = element(table, "tbody");
    const cells = rows.map((name, row) => {
      const line = element(body, "tr", "", row < rows.length - 2 ? {} : { class: "after" });
      const label = element(line, "th", name, { scope: "row" });
      label.title = name;
      return letters.map(() => element(line, "td"));
    });
    return (moment) => {
      letters.forEach((cell, unit) => {
        const letter = run.classes[moment][unit];
        cell.textContent = letter;
        cell.style.setProperty("--shade", colour(SHADES[(letter.charCodeAt(0) - 65) % SHADES.length]));
      });
      cells.forEach((line, row) => line.forEach((cell, unit) => {
        const value = run.units[moment][unit][row];
        const share = Math.log1p(Math.abs(value ?? 0) / FAINT) / Math.log1p(strongest / FAINT);
        cell.textContent = brief(value, 2);
        cell.style.setProperty("--tone", colour(value < 0 ? "0072b2" : "d55e00"));
        cell.style.setProperty("--share", `${(100 * FULL * share).toFixed(1)}%`);
      }));
    };
  };

  // The cost of all runs against the iteration; a pointer that is pressed on it goes to that moment. Returns a
  // function that moves the marker.
  const curveOf = (parent, data, go) => {
    const costs = data.runs.flatMap((run) => run.costs).filter((cost) => cost !== null);
    const low = Math.min(...costs), high = Math.max(...costs, low + 1e-9);
    const last = data.iterations.at(-1);
    let move = () => {};
    let moment = 0;
    const draw = () => {
      parent.replaceChildren();
      const width = Math.max(280, parent.clientWidth);
      const svg = element(parent, "svg", "", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" });
      svg.setAttribute("aria-label", "Cost in nats per sample against the iteration, one line a start.");
      const x = (iteration) =>
        ROOM.left + (width - ROOM.left - ROOM.right) * Math.log1p(iteration) / Math.log1p(Math.max(last, 1));
      const y = (cost) => ROOM.top + (HEIGHT - ROOM.top - ROOM.bottom) * (high - cost) / (high - low);
      for (const tick of [0, 1, 10, 100, 1000, 10000, 100000].filter((tick) => tick <= last)) {
        element(svg, "line", "", { class: "grid", x1: x(tick), x2: x(tick), y1: ROOM.top, y2: HEIGHT - ROOM.bottom });
        element(svg, "text", tick, { x: x(tick), y: HEIGHT - ROOM.bottom + 15, "text-anchor": "middle" });
      }
      for (let i = 0; i < 4; i++) {
        const cost = low + (high - low) * i / 3;
        element(svg, "line", "", { class: "grid", x1: ROOM.left, x2: width - ROOM.right, y1: y(cost), y2: y(cost) });
        element(svg, "text", cost.toFixed(3), { x: ROOM.left - 6, y: y(cost) + 4, "text-anchor": "end" });
      }
      const middle = (HEIGHT + ROOM.top - ROOM.bottom) / 2;
      element(svg, "text", "cost (nats per sample)",
        { x: 0, y: 0, transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle" });
      element(svg, "text", "iteration (0, then logarithmic)",
        { x: (ROOM.left + width - ROOM.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" });
      const dots = data.runs.map((run, i) => {
        const [hex, dashes] = LINES[i % LINES.length];
        const seen = data.iterations.map((iteration, k) => [iteration, run.costs[k]]).filter((at) => at[1] !== null);
        const points = seen.map(([iteration, cost]) => `${x(iteration).toFixed(1)},${y(cost).toFixed(1)}`).join(" ");
        const line = { stroke: colour(hex), "stroke-dasharray": dashes };
        element(svg, "polyline", "", { points, ...line });
        const left = ROOM.left + i * (width - ROOM.left - ROOM.right) / data.runs.length;
        element(svg, "polyline", "", { points: `${left},10 ${left + 22},10`, ...line });
        const words = width < 520 ? run.name.split(" ")[0] : run.name;
        element(svg, "text", words, { x: left + 27, y: 14 });
        return element(svg, "circle", "", { r: 4.5, fill: colour(hex) });
      });
      const marker = element(svg, "line", "", { class: "marker", y1: ROOM.top, y2: HEIGHT - ROOM.bottom });
      move = () => {
        const here = x(data.iterations[moment]).toFixed(1);
        marker.setAttribute("x1", here);
        marker.setAttribute("x2", here);
        dots.forEach((dot, i) => {
          const cost = data.runs[i].costs[moment];
          dot.setAttribute("cx", here);
          dot.setAttribute("cy", cost === null ? -99 : y(cost).toFixed(1));
        });
      };
      move();
      const jump = (event) => {
        const box = svg.getBoundingClientRect();
        const at = (event.clientX - box.left) * width / box.width;
        const away = data.iterations.map((iteration) => Math.abs(x(iteration) - at));
        go(away.indexOf(Math.min(...away)));
      };
      svg.addEventListener("pointerdown", jump);
      svg.addEventListener("pointermove", (event) => { if (event.buttons & 1) jump(event); });
    };
    new ResizeObserver(draw).observe(parent);
    return (next) => {
      moment = next;
      move();
    };
  };

  const start = (root) => {
    const data = JSON.parse(root.querySelector("script").textContent);
    const end = data.iterations.length - 1;
    const sizes = data.runs.flatMap((run) => run.units.flat(2)).map((value) => Math.abs(value ?? 0));
    const strongest = sizes.reduce((most, size) => Math.max(most, size), FAINT);
    const [slider, output, state] = ["input", "output", ".state"].map((part) => root.querySelector(part));
    const play = root.querySelector("[data-do=play]");
    const shown = [
      curveOf(root.querySelector(".curve"), data, (next) => go(next)),
      ...data.runs.map((run) => tableOf(root.querySelector(".runs"), run, data.rows, strongest)),
    ];
    let moment = end;
    let timer = 0;

    const show = (next) => {
      moment = Math.min(end, Math.max(0, next));
      const words = `Iteration ${data.iterations[moment]} of ${data.iterations[end]}`;
      for (const each of shown) each(moment);
      slider.value = moment;
      slider.setAttribute("aria-valuetext", words);
      output.textContent = words;
      state.textContent = `${data.runs.map((run) =>
        `${capital(run.name)}: ${run.classes[moment]}, cost ${run.costs[moment]?.toFixed(4) ?? "–"}, b2 ${brief(run.b2[moment], 2)}`).join("; ")}.`;
    };
    const pause = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      state.setAttribute("aria-live", "polite");
    };
    const go = (next) => {
      pause();
      show(next);
    };
    const toggle = () => {
      if (timer) {
        pause();
        return;
      }
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches; // ten still pictures instead of a film
      const stride = calm ? Math.ceil(end / 10) : 1;
      if (moment === end) show(0);
      play.textContent = "Pause";
      state.setAttribute("aria-live", "off"); // a hundred announcements would be no help
      timer = setInterval(() => {
        show(moment + stride);
        if (moment === end) pause();
      }, calm ? 1000 : 90);
    };
    const acts = {
      first: () => go(0), back: () => go(moment - 1), play: toggle, next: () => go(moment + 1), last: () => go(end),
    };
    const keys = {
      ArrowLeft: "back", ArrowDown: "back", ArrowRight: "next", ArrowUp: "next", Home: "first", End: "last", " ": "play",
    };

    for (const button of root.querySelectorAll("button")) {
      button.addEventListener("click", acts[button.dataset.do]);
    }
    slider.max = end;
    slider.addEventListener("input", () => go(Number(slider.value)));
    root.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      const pressed = event.key === " " && event.target.tagName === "BUTTON"; // which is a click already
      if (!act || pressed || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      acts[act]();
    });
    addEventListener("beforeprint", () => go(end));
    root.parentElement.querySelector(".instead").remove();
    root.hidden = false;
    go(end);
  };

  for (const root of document.querySelectorAll(".stepper")) start(root);
})();
