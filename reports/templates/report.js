// Only comfort: everything can be read without it.
(function () {
  "use strict";

  // A link to something that is closed or filtered out shows it.
  function reveal() {
    var id = decodeURIComponent(location.hash.slice(1));
    var found = id && document.getElementById(id);
    if (!found) return;
    for (var node = found; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
      node.hidden = false; // by the filter
    }
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
  var ofArea = document.getElementById("filter-area");
  var ofLevel = document.getElementById("filter-level");
  var found = document.getElementById("filter-found");
  var boxes = Array.from(filter.querySelectorAll("input[type=checkbox]"));
  var total = 0;
  var areas = Array.from(document.querySelectorAll("#areas > details.area")).map(function (area) {
    var rows = Array.from(area.querySelectorAll(".row")).map(function (row) {
      var head = row.querySelector(".head");
      var entries = Array.from(row.querySelectorAll(".entries > li")).map(function (entry) {
        total += 1;
        return { entry: entry, status: entry.querySelector(".chip").textContent, text: (head.textContent + " " + entry.textContent).toLowerCase() };
      });
      return { row: row, level: head.querySelector(".level").textContent, entries: entries };
    });
    return { area: area, name: area.querySelector("h3").textContent, rows: rows };
  });
  function apply() {
    var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var wanted = boxes.filter(function (box) { return box.checked; }).map(function (box) { return box.value; });
    var idle = words.length === 0 && wanted.length === boxes.length && !ofArea.value && !ofLevel.value;
    var shown = 0;
    areas.forEach(function (of) {
      var inArea = 0;
      of.rows.forEach(function (row) {
        var inRow = 0;
        var fitsRow = (!ofArea.value || of.name === ofArea.value) && (!ofLevel.value || row.level === ofLevel.value);
        row.entries.forEach(function (one) {
          var fits = fitsRow && wanted.includes(one.status) && words.every(function (word) { return one.text.includes(word); });
          one.entry.hidden = !fits;
          if (fits) inRow += 1;
        });
        row.row.hidden = inRow === 0;
        inArea += inRow;
      });
      of.area.hidden = inArea === 0;
      of.area.open = !idle && inArea > 0;
      shown += inArea;
    });
    found.textContent = idle ? "" : shown + " of " + total + " verdicts";
  }
  if (total > 1) {
    filter.hidden = false;
    filter.addEventListener("input", apply);
  }
})();
