// Where the time of a turn went: a table whose middle column is drawn as bars.

const seconds = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function cell(row, name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  row.append(made);
  return made;
}

/** `stages`: [{name, start_ms, end_ms}], zero where the question ended. `gap_ms`: when the answer was heard here. */
export function waterfall(stages, gap_ms = null) {
  const rows = stages.filter(({ start_ms, end_ms }) => Number.isFinite(start_ms) && Number.isFinite(end_ms));
  const last = Math.max(1, ...rows.map((stage) => stage.end_ms), gap_ms ?? 0);
  const first = Math.min(0, ...rows.map((stage) => stage.start_ms));
  const made = document.createElement("details");
  made.className = "times";
  const summary = document.createElement("summary");
  summary.textContent =
    gap_ms === null ? `Where ${seconds.format(last / 1000)} s went` : `Answer heard after ${seconds.format(gap_ms / 1000)} s`;
  made.append(summary, table(rows, first, last, gap_ms));
  return made;
}

function table(rows, first, last, gap_ms) {
  const made = document.createElement("table");
  made.createCaption().textContent = "Milliseconds after the end of the question";
  const head = made.createTHead().insertRow();
  for (const title of ["Stage", "From", "To", "Took"]) cell(head, "th", title).scope = "col";
  cell(head, "td").className = "bar"; // the bars say nothing that the numbers don't
  const body = made.createTBody();
  const given = Math.min(gap_ms, Math.max(0, ...rows.map((stage) => stage.end_ms)));
  const all = gap_ms === null ? rows : [...rows, { name: "heard here", start_ms: given, end_ms: gap_ms }];
  for (const { name, start_ms, end_ms } of all) {
    const row = body.insertRow();
    cell(row, "th", name).scope = "row";
    cell(row, "td", Math.round(start_ms));
    cell(row, "td", Math.round(end_ms));
    cell(row, "td", Math.round(end_ms - start_ms));
    const bar = cell(row, "td");
    bar.className = "bar";
    bar.setAttribute("aria-hidden", "true");
    const span = document.createElement("span");
    const share = (ms) => (100 * (ms - first)) / (last - first);
    span.style.setProperty("--from", `${share(start_ms)}%`);
    span.style.setProperty("--long", `${share(end_ms) - share(start_ms)}%`);
    bar.append(span);
  }
  return made;
}
