// Only comfort: everything can be read without it.
(function () {
  "use strict";

  // A link to something inside a closed part opens the part.
  function reveal() {
    var id = decodeURIComponent(location.hash.slice(1));
    var found = id && document.getElementById(id);
    if (!found) return;
    for (var node = found; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    var own = found.querySelector(":scope > details");
    if (own && found.classList.contains("row")) own.open = true;
    found.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  // On paper, what failed is shown whole.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("#failures details, details.area").forEach(function (part) { part.open = true; });
  });

  // The curl lines can be copied.
  if (navigator.clipboard) {
    document.querySelectorAll("pre.curl").forEach(function (pre) {
      var button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", function () {
        navigator.clipboard.writeText(pre.textContent).then(function () {
          button.textContent = "Copied";
          setTimeout(function () { button.textContent = "Copy"; }, 1500);
        });
      });
      pre.parentElement.querySelector("h5").append(button);
    });
  }

  // All verdicts can be filtered.
  var filter = document.getElementById("filter");
  var text = document.getElementById("filter-text");
  var found = document.getElementById("filter-found");
  var boxes = Array.from(filter.querySelectorAll("input[type=checkbox]"));
  var rows = Array.from(document.querySelectorAll("#areas .row")).map(function (row) {
    return { row: row, status: row.dataset.status, text: row.querySelector(".head").textContent.toLowerCase() };
  });
  var areas = Array.from(document.querySelectorAll("#areas > details.area"));
  function apply() {
    var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var wanted = boxes.filter(function (box) { return box.checked; }).map(function (box) { return box.value; });
    var idle = words.length === 0 && wanted.length === boxes.length;
    var shown = 0;
    rows.forEach(function (entry) {
      var fits = wanted.includes(entry.status) && words.every(function (word) { return entry.text.includes(word); });
      entry.row.hidden = !fits;
      if (fits) shown += 1;
    });
    areas.forEach(function (area) {
      area.hidden = !area.querySelector(".row:not([hidden])");
      area.open = !idle && !area.hidden;
    });
    found.textContent = idle ? "" : shown + " of " + rows.length;
  }
  if (rows.length > 1) {
    filter.hidden = false;
    filter.addEventListener("input", apply);
  }
})();
