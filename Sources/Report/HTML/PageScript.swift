/// The page's script: tooltips, highlighting from the legend, sorting; the page reads well without
/// it.
enum PageScript {
  static let source = tooltips + legends + sorting

  private static let tooltips = #"""
    "use strict";
    document.documentElement.classList.add("js");
    const tip = document.createElement("div");
    tip.id = "tip";
    tip.hidden = true;
    tip.setAttribute("role", "status");
    document.body.append(tip);
    let near = null;

    function hide() {
      if (near) near.classList.remove("near");
      near = null;
      tip.hidden = true;
    }

    function center(point) {
      const box = point.lastElementChild.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    }

    function show(point) {
      if (near === point) return;
      hide();
      near = point;
      point.classList.add("near");
      tip.textContent = point.tip;
      tip.hidden = false;
      const at = center(point), box = tip.getBoundingClientRect();
      const width = document.documentElement.clientWidth;
      const left = Math.min(Math.max(4, at.x - box.width / 2), width - box.width - 4);
      const top = at.y - box.height - 12;
      tip.style.left = left + "px";
      tip.style.top = (top < 4 ? at.y + 14 : top) + "px";
    }

    for (const panel of document.querySelectorAll("svg.panel")) {
      const points = Array.from(panel.querySelectorAll(".point"));
      for (const point of points) {
        // The native tooltip would cover this one.
        const title = point.querySelector("title");
        point.tip = title.textContent;
        title.remove();
      }
      const nearest = event => {
        let best = null, distance = 26;
        for (const point of points) {
          const at = center(point);
          const d = Math.hypot(at.x - event.clientX, at.y - event.clientY);
          if (d < distance) { best = point; distance = d; }
        }
        if (best) show(best); else hide();
      };
      panel.addEventListener("pointermove", nearest);
      panel.addEventListener("pointerdown", nearest);
      panel.addEventListener("pointerleave", event => {
        if (event.pointerType === "mouse") hide();
      });
      panel.addEventListener("blur", hide);
      panel.addEventListener("keydown", event => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === "Escape") hide();
        if (!step || points.length === 0) return;
        event.preventDefault();
        const from = points.indexOf(near);
        const start = from < 0 ? (step > 0 ? 0 : points.length - 1) : from + step;
        show(points[(start + points.length) % points.length]);
      });
    }
    addEventListener("scroll", hide, { passive: true, capture: true });
    document.addEventListener("pointerdown", event => {
      if (!event.target.closest("svg.panel")) hide();
    });

    """#

  private static let legends = #"""
    for (const key of document.querySelectorAll(".legend [data-series]")) {
      const figure = key.closest("figure"), name = key.dataset.series;
      key.addEventListener("pointerenter", () => {
        figure.classList.add("focused");
        for (const part of figure.querySelectorAll(".panel ." + name)) part.classList.add("on");
      });
      key.addEventListener("pointerleave", () => {
        figure.classList.remove("focused");
        for (const part of figure.querySelectorAll(".on")) part.classList.remove("on");
      });
    }

    """#

  private static let sorting = #"""
    for (const table of document.querySelectorAll("table")) {
      const headings = Array.from(table.tHead.rows[0].cells), body = table.tBodies[0];
      const original = Array.from(body.rows);
      headings.forEach((heading, column) => heading.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" };
        const order = next[heading.getAttribute("aria-sort")] || "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const isNumber = heading.classList.contains("num");
        const key = row => {
          const cell = row.cells[column];
          if (!isNumber) return cell.textContent;
          return "value" in cell.dataset ? Number(cell.dataset.value) : NaN;
        };
        const text = new Intl.Collator("en", { numeric: true });
        const sorted = order === "none" ? original : original.slice().sort((a, b) => {
          const x = key(a), y = key(b);
          if (!isNumber) return sign * text.compare(x, y);
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
          return sign * (x - y);
        });
        body.append(...sorted);
      }));
    }

    """#
}
