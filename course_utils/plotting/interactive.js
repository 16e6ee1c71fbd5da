// Draws the sliders of interactive.py into `root`. Every number and sentence comes with `figure`.
function interactive(root, figure) {
  if (root.dataset.ready) return; // the same output shown twice on one page
  root.dataset.ready = "yes";
  const { colors, sliders } = figure;
  const transposed = figure.kind.startsWith("transposed");
  const most = Object.fromEntries(sliders.map(([name, , most]) => [name, most]));
  const cell = 26; // pixels on the screen
  const top = 1; // cells; the titles stand above
  const longest = Math.max(...figure.table.map(([, , counts]) => counts.length));
  const second = (transposed ? most.size : longest) + 2.6; // where the right grid begins
  const across = second + longest;

  // Sites restyle everything in a page; what is set here on the element itself wins.
  const make = (parent, tag, style, text) => {
    const element = parent.appendChild(document.createElement(tag));
    element.style.cssText = style || "";
    if (text) element.textContent = text;
    return element;
  };
  root.replaceChildren();
  root.style.cssText =
    `background: #fff; color: #111; color-scheme: light; border: 1px solid ${colors.light}; ` +
    "border-radius: 6px; padding: 12px 16px; max-width: 780px; box-sizing: border-box; " +
    "font: 14px/1.45 system-ui, sans-serif";
  const form = make(
    root,
    "div",
    "display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 6px 18px",
  );
  const slider = (name, least, most, value, wide) => {
    const label = make(form, "label", `display: block; color: #111; ${wide || ""}`);
    const shown = (make(label, "span", "", `${name} `), make(label, "b"));
    const input = make(
      label,
      "input",
      `display: block; width: 100%; margin: 2px 0; accent-color: ${colors.chosen}`,
    );
    Object.assign(input, { type: "range", min: least, max: most, step: 1, value });
    input.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes the arrow keys
    input.addEventListener("input", draw);
    return { input, shown };
  };
  const controls = sliders.map((each) => slider(...each));
  const title = transposed ? "stamp of input pixel" : "window of output pixel";
  const position = slider(title, 0, 999, figure.position, "grid-column: 1 / -1");

  const NS = "http://www.w3.org/2000/svg";
  const svg = root.appendChild(document.createElementNS(NS, "svg"));
  const formula = make(root, "p", "margin: 8px 0 2px; color: #111; font-size: 17px");
  const note = make(root, "p", "margin: 2px 0; padding-left: 8px; color: #111; min-height: 2.9em");
  make(root, "p", "margin: 8px 0 0; color: #555; font-size: 12.5px", figure.legend);
  formula.setAttribute("role", "status");
  note.setAttribute("role", "status");
  svg.setAttribute("role", "img");
  const width = across * cell + 6;
  svg.style.cssText = `display: block; width: 100%; max-width: ${width}px; margin-top: 10px`;

  const add = (tag, attributes, text) => {
    const shape = svg.appendChild(document.createElementNS(NS, tag));
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    if (text !== undefined) shape.textContent = text;
    return shape;
  };
  const square = (kind, x, y, side, attributes) =>
    add("rect", {
      "data-kind": kind,
      x: x * cell,
      y: y * cell,
      width: side * cell,
      height: side * cell,
      fill: "none",
      stroke: colors.gray,
      ...attributes,
    });
  const write = (x, y, text, attributes) =>
    add("text", { x: x * cell, y: y * cell, "font-size": 14, fill: "#111", ...attributes }, text);
  const inCell = (x, y, text, color) =>
    write(x + 0.5, y + 0.5, text, {
      "text-anchor": "middle",
      "dominant-baseline": "central",
      "font-size": 12,
      fill: color,
    });
  const chosen = (kind, x, y, side, opacity) =>
    square(kind, x, y, side, {
      fill: colors.chosen,
      "fill-opacity": opacity,
      stroke: colors.chosen,
      "stroke-width": 3,
    });
  const connect = (x1, y1, side1, x2, y2, side2) => {
    for (const end of [0, 1])
      add("line", {
        x1: (x1 + side1) * cell,
        y1: (y1 + end * side1) * cell,
        x2: x2 * cell,
        y2: (y2 + end * side2) * cell,
        stroke: colors.chosen,
        "stroke-dasharray": "2 3",
      });
  };
  const dashed = { "stroke-dasharray": "3 3" };
  const done = { fill: colors.done, "fill-opacity": 0.3 };
  const each = (side, action) => {
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++) action(row, column, row * side + column);
  };

  function drawConvolution([size, kernel, stride, padding], out, counts, at, row, column) {
    const high = top + Math.max(0, (counts.length - out) / 2);
    write(0, 0.6, `input ${size} × ${size}` + (padding ? `, padding ${padding}` : ""));
    write(second, high - 0.4, out ? `output ${out} × ${out}` : "no output");
    each(counts.length, (r, c) => {
      const outside = [r, c].some((place) => place < padding || place >= padding + size);
      const seen = +counts[r] && +counts[c];
      const fill = seen || !out ? colors.light : colors.missed;
      square(outside ? "padding" : "input", c, top + r, 1, outside ? dashed : { fill });
      if (outside) inCell(c, top + r, "0", colors.gray);
      if (!seen && out) {
        const [x, y] = [c * cell, (top + r) * cell];
        const d = `M${x} ${y}l${cell} ${cell}m0 ${-cell}l${-cell} ${cell}`;
        add("path", { "data-kind": "unseen", d, stroke: colors.gray, "stroke-width": 0.8 });
      }
    });
    each(out, (r, c, i) => square("output", second + c, high + r, 1, i < at ? done : {}));
    if (out) {
      connect(column * stride, top + row * stride, kernel, second + column, high + row, 1);
      chosen("pixel", second + column, high + row, 1, 0.55);
    }
    const window = chosen("window", column * stride, top + row * stride, kernel, 0.22);
    if (!out) window.setAttribute("stroke-dasharray", "6 4");
  }

  function drawTransposed([size, kernel, stride, padding], out, counts, at, row, column) {
    const high = top + (counts.length - size) / 2;
    const highest = Math.max(...counts) ** 2;
    const painted = counts.map(() => counts.map(() => 0));
    each(size, (r, c, i) => {
      if (i > at) return;
      each(kernel, (y, x) => painted[r * stride + y][c * stride + x]++);
    });
    write(0, high - 0.4, `input ${size} × ${size}`);
    const kept = out ? `output ${out} × ${out}` : "no output";
    const full = `${counts.length} × ${counts.length}`;
    write(second, 0.6, padding ? `stamped ${full}, then cropped: ${kept}` : kept);
    each(size, (r, c, i) => square("input", c, high + r, 1, i < at ? done : {}));
    const numbers = [];
    each(counts.length, (r, c) => {
      const [x, y, number] = [second + c, top + r, painted[r][c]];
      const cut = [r, c].some((place) => place < padding || place >= padding + out);
      const heat = { fill: colors.done, "fill-opacity": (0.6 * number) / highest };
      square("count", x, y, 1, cut ? dashed : heat);
      numbers.push([x, y, number, cut || !number ? colors.gray : colors.black]);
    });
    if (out) {
      const frame = { stroke: colors.black, "stroke-width": 3 };
      square("kept", second + padding, top + padding, out, frame);
    }
    const [x, y] = [second + column * stride, top + row * stride];
    connect(column, high + row, 1, x, y, kernel);
    for (const number of numbers) inCell(...number); // readable, above the dotted lines
    chosen("pixel", column, high + row, 1, 0.55);
    chosen("stamp", x, y, kernel, 0);
  }

  let height = 0; // cells; grows where a setting needs it and stays, so that the page keeps still
  let side = 0; // of the grid that the position runs through, when it was drawn last
  function draw() {
    const values = controls.map(({ input }) => +input.value);
    controls.forEach(({ shown }, i) => (shown.textContent = values[i]));
    const index = sliders.reduce((sum, [, least, most], i) => {
      return sum * (most - least + 1) + values[i] - least;
    }, 0);
    const [out, text, digits, noteIndex] = figure.table[index];
    const now = transposed ? values[0] : out;
    if (side && now && side !== now) {
      // The same row and column as before, as far as there are any; the last one stays the last.
      const [old, end] = [+position.input.value, now - 1];
      const [row, column] = [Math.floor(old / side), old % side];
      const last = old === side * side - 1;
      const next = last ? now * now - 1 : Math.min(row, end) * now + Math.min(column, end);
      position.input.max = now * now - 1;
      position.input.value = next;
    }
    if (now) {
      position.input.max = now * now - 1;
      side = now;
    }
    position.input.disabled = !now;
    const at = now ? +position.input.value : 0;
    const [row, column] = now ? [Math.floor(at / now), at % now] : [0, 0];
    const place = now ? `(${row}, ${column})` : "–";
    position.shown.textContent = place;
    position.input.setAttribute("aria-valuetext", now ? `row ${row}, column ${column}` : "none");
    const [sentence, warning] = figure.notes[noteIndex];
    formula.textContent = text;
    note.textContent = sentence;
    note.style.borderLeft = `4px solid ${warning ? colors.chosen : colors.light}`;
    svg.replaceChildren();
    height = Math.max(height, top + digits.length);
    svg.setAttribute("viewBox", `-3 -3 ${width} ${height * cell + 6}`);
    svg.setAttribute("aria-label", `${figure.kind}, ${title} ${place}: ${text}. ${sentence}`);
    (transposed ? drawTransposed : drawConvolution)(
      values,
      out,
      [...digits].map(Number),
      at,
      row,
      column,
    );
  }
  draw();
}
